"""Disk encryption of Premium servers that do not list it: the lists filtered by
it, once a day, in place of a detail of each host."""

import time
import unittest
import urllib.parse

from oracle import Scenario

FILTER = "os_settings_disk_encryption"
WORDS = ["removing_enforcement", "failed", "action_required", "enforcing", "verifying", "verified"]
STATES = {  # while no detail says more
    None: "unknown", "verified": "on", "verifying": "enforcing", "enforcing": "enforcing", "failed": "failed",
    "action_required": "action_required", "removing_enforcement": "removing"}
OLD = "name=acme,version=4.80.0"


class Encryption(Scenario):
    def begin(self, setting, **limits):
        """A first walk without any detail; from then on one detail in each sync that asks for them at all."""
        self.serve(setting, limits={"details": 1, **limits})
        self.sync()
        self.sim.clear_stats()

    def round(self, details="due", **more):
        """A sync that asks for the lists; answers the ids whose details it asked for."""
        time.sleep(1.1)  # times are kept in seconds
        self.sim.clear_stats()
        self.sync("--details", details, **more)
        return {int(r["target"].split("/hosts/")[1].split("?")[0]) for r in self.log(part="/hosts/")
                if "/hosts/count" not in r["target"]}

    def lists(self):
        """The parameters of each filtered request."""
        return [dict(urllib.parse.parse_qsl(r["target"].split("?", 1)[1])) for r in self.log(part=FILTER)]

    def said(self):
        """{id: word} as the details have it."""
        found = {}
        for i in self.hosts():
            mdm = self.sim.get("acme", f"hosts/{i}").json()["host"].get("mdm") or {}
            found[i] = ((mdm.get("os_settings") or {}).get("disk_encryption") or {}).get("status")
        return found

    def states(self):
        return {i: d["disk"]["encryption"]["state"] for i, d in self.devices().items()}

    def follows(self, words, but=()):
        states = self.states()
        wrong = {i: (states[i], w) for i, w in words.items() if states[i] != STATES[w] and i not in but}
        self.assertEqual(wrong, {})


class Lists(Encryption):
    def test_in_place_of_details(self):
        self.begin(OLD + ",hosts=400", page_hosts=50)
        self.assertEqual(set(self.states().values()), {"unknown"})
        seq = self.seq()
        asked = self.round()
        lists, requests = self.lists(), self.sim.stats("acme")["requests"]
        self.assertEqual(len(asked), 1)
        self.assertLess(requests, 400 / 4)
        self.assertEqual({r.get("team_id") for r in lists}, {None, "1", "2", "3"})
        self.assertEqual({r[FILTER] for r in lists}, set(WORDS))
        self.assertTrue(all(r["order_key"] == "h.id" and "page" not in r for r in lists), lists)
        for extra in ("device_mapping", "populate_policies", "include_device_status"):
            self.assertEqual({r.get(extra) for r in lists}, {"true"})
        self.assertEqual(self.sim.stats("acme")["max_in_flight"]["list"], 1)
        words = self.said()
        self.assertLessEqual({"on", "enforcing", "failed", "unknown"}, set(self.states().values()))
        self.follows(words, asked)
        self.same()
        # each was told once, as what it is
        told = [e["id"] for e in self.changes(since=seq) if "disk.encryption" in e["fields"]]
        self.assertLessEqual({i for i, w in words.items() if w} - asked, set(told))
        # nor does the next sync ask, or tell, again
        self.assertEqual(self.round("none", tells="nothing changed"), set())
        self.assertEqual(self.lists(), [])
        self.round()
        self.assertEqual(self.lists(), [])

    def test_none_is_none(self):
        self.begin(OLD + ",hosts=200")
        self.round("none")
        self.assertEqual(self.lists(), [])

    def test_change_is_told(self):
        self.begin(OLD + ",hosts=300")
        asked, before, words = self.round(), self.states(), self.said()
        touched = self.sim.mutate("acme", "touch", field="encryption", fraction=0.3)["ids"]
        now = self.said()
        changed = {i for i in touched if STATES[now[i]] != STATES[words[i]]} - asked
        self.assertGreater(len(changed), 5)
        seq = self.seq()
        asked |= self.round("all")
        self.follows(now, asked)
        events = {e["id"]: e for e in self.changes(since=seq)}
        for i in changed - asked:
            self.assertEqual((events[i]["from"]["encryption.state"], events[i]["to"]["encryption.state"]),
                             (before[i], STATES[now[i]]))
        self.assertLessEqual(set(events), set(touched) | asked)

    def test_enforcement_that_ended(self):
        self.begin(OLD + ",hosts=300")
        asked, words = self.round(), self.said()
        self.sim.mutate("acme", "touch", field="mdm", fraction=1)
        now = self.said()
        ended = {i for i, w in words.items() if w and not now[i]}
        self.assertGreater(len(ended - asked), 5)
        asked |= self.round("all")
        self.round("none")
        self.follows(now, asked)
        self.assertEqual({self.states()[i] for i in ended - asked}, {"unknown"})
        self.round("none", tells="nothing changed")

    def test_enforcement_that_ended_after_the_detail(self):
        self.begin(OLD + ",hosts=300")
        self.muster.settings["limits"] = {}
        self.muster.write_config()
        self.round()
        words = self.said()
        self.sim.mutate("acme", "touch", field="mdm", fraction=1)
        now = self.said()
        ended = {i for i, w in words.items() if w and not now[i]}
        self.muster.settings["limits"] = {"details": 1}
        self.muster.write_config()
        asked = self.round("all")
        self.round("none")
        self.assertGreater(len(ended - asked), 5)
        flags = {i: self.sim.get("acme", f"hosts/{i}").json()["host"].get("disk_encryption_enabled") for i in ended}
        states = self.states()
        self.assertEqual({i: states[i] for i in ended - asked},
                         {i: {True: "on", False: "off", None: "unknown"}[flags[i]] for i in ended - asked})
        self.round("none", tells="nothing changed")

    def test_details_say_more(self):
        self.begin(OLD + ",hosts=120")
        self.muster.settings["limits"] = {}
        self.muster.write_config()
        self.assertEqual(len(self.round()), 120)
        before = self.states()
        for i in before:
            said = self.sim.get("acme", f"hosts/{i}").json()["host"].get("disk_encryption_enabled")
            if before[i] in ("on", "off"):
                self.assertEqual(before[i], "on" if said else "off")
        # both are asked for again: nothing moves
        self.round("all", tells="nothing changed")
        self.assertTrue(self.lists())
        self.assertEqual(self.states(), before)

    def test_small_teams_are_left_to_the_details(self):
        self.begin(OLD + ",hosts=60")
        self.assertEqual(len(self.round()), 1)
        self.assertEqual(self.lists(), [])

    def test_only_the_teams_that_are_seen(self):
        self.begin(OLD + ",hosts=300,scope=2")
        self.round()
        self.assertEqual({r.get("team_id") for r in self.lists()}, {"2"})
        self.assertLess(len(self.devices()), 120)

    def test_resumed_walk_has_not_seen_all(self):
        self.serve(OLD + ",hosts=300", limits={"details": 1, "page_hosts": 50})
        self.sim.fault("acme", "list", {"after_id": 120}, status=500)
        self.sync("--details", "due", status=1)
        self.sim.clear_faults("acme")
        self.round()
        self.assertEqual(self.lists(), [])
        asked = self.round()
        self.assertTrue(self.lists())
        self.follows(self.said(), asked)


class NotAsked(Encryption):
    def test_where_it_is_not_needed(self):
        for setting in ("name=acme,hosts=300,version=4.93.0", OLD + ",hosts=300,tier=free",
                        "name=acme,hosts=300,version=4.38.0"):
            with self.subTest(setting):
                self.begin(setting)
                self.round()
                self.assertEqual(self.lists(), [])

    def test_server_that_became_newer(self):
        self.begin(OLD + ",hosts=300")
        asked = self.round()
        self.sim.mutate("acme", "version", value="4.93.0")
        self.round("none")
        asked |= self.round("all")
        self.assertEqual(self.lists(), [])
        self.round("none")
        # only the list speaks now
        hosts = self.hosts()
        wanted = {True: "on", False: "off", None: "unknown"}
        self.assertEqual({i: s for i, s in self.states().items() if i not in asked},
                         {i: wanted[h.get("disk_encryption_enabled")] for i, h in hosts.items() if i not in asked})


class Refused(Encryption):
    def left_out(self, requests, **do):
        """The sync goes on without the lists, says so, and asks again on the next day or for all."""
        self.begin(OLD + ",hosts=200", page_hosts=500)
        # the probe, the page, the empty page: then come the lists
        walk = 0 if any(k.startswith("param_") for k in do) else 3
        self.sim.fault("acme", "list", {"skip": walk}, **do)
        asked = self.round()
        self.assertEqual(len(asked), 1)
        self.assertEqual(len(self.lists()), requests)
        self.assertIn("encryption lists refused: ", self.last.out + self.last.err)
        self.assertEqual(self.tenant()["sync"]["result"], "ok")
        self.sim.clear_faults("acme")
        asked |= self.round()
        self.assertEqual(self.lists(), [])
        asked |= self.round("all")
        self.assertGreater(len(self.lists()), 20)
        self.follows(self.said(), asked)

    def test_by_validation(self):
        self.left_out(1, param_422=FILTER)

    def test_as_a_bad_request(self):
        self.left_out(1, param_400=FILTER)

    def test_forbidden(self):
        self.left_out(1, status=403)

    def test_not_found(self):
        self.left_out(1, status=404)

    def test_in_trouble(self):
        self.left_out(3, status=500)

    def test_cut_off(self):
        self.left_out(3, cut={"bytes": 5})

    def test_page_without_ids(self):
        self.left_out(1, status=200, body='{"hosts": [{"hostname": "a"}, {"hostname": "b"}]}')

    def test_server_that_ignores_the_filter(self):
        """It would give each host each status."""
        self.begin(OLD + ",hosts=200", page_hosts=500)
        page = self.sim.page("acme", order_key="h.id", after=0, per_page=60, team_id=1).body.decode()
        seq = self.seq()
        self.sim.fault("acme", "list", {"skip": 3}, status=200, body=page)
        asked = self.round()
        self.assertEqual(len(self.lists()), 2)
        self.assertEqual({s for i, s in self.states().items() if i not in asked}, {"unknown"})
        self.assertEqual([e["id"] for e in self.changes(since=seq) if e["id"] not in asked], [])

    def test_empty_answer_proves_no_filter(self):
        self.begin(OLD + ",hosts=200", page_hosts=500)
        page = self.sim.page("acme", order_key="h.id", after=0, per_page=60, team_id=1).body.decode()
        asked = set()
        for empty in (3, 4):  # the first list, or the one it is compared with
            with self.subTest(empty=empty):
                self.sim.fault("acme", "list", {"skip": 3}, status=200, body=page)
                self.sim.fault("acme", "list", {"skip": empty, "times": 1}, status=200, body='{"hosts":[]}')
                asked |= self.round("all")
                self.assertEqual(len(self.lists()), 3)
                self.assertEqual({s for i, s in self.states().items() if i not in asked}, {"unknown"})
                self.sim.clear_faults("acme")

    def test_only_empty_answers_say_nothing(self):
        self.begin(OLD + ",hosts=200", page_hosts=500)
        asked = self.round()
        before = self.states()
        self.sim.fault("acme", "list", {"skip": 3}, status=200, body='{"hosts":[]}')
        asked |= self.round("all")
        self.assertGreater(len(self.lists()), 20)
        self.sim.clear_faults("acme")
        self.round("none")
        after = self.states()
        self.assertEqual({i: s for i, s in after.items() if i not in asked},
                         {i: s for i, s in before.items() if i not in asked})

    def test_trouble_in_the_middle_is_overcome(self):
        self.begin(OLD + ",hosts=300", page_hosts=50)
        self.sim.fault("acme", "list", {"skip": 20, "times": 2}, status=503)
        asked = self.round()
        self.assertEqual({r[FILTER] for r in self.lists()}, set(WORDS))
        self.assertEqual(sum(r["status"] == 503 for r in self.log(part=FILTER)), 2)
        self.follows(self.said(), asked)


if __name__ == "__main__":
    unittest.main()
