"""The detail queue: who is asked for, when, how often, and what it adds."""

import time
import unittest

from oracle import Scenario

SAYS = {"on": True, "off": False}


class Details(Scenario):
    def asked(self, tenant="acme"):
        """Ids in the order of the first request for each, and how many requests there were."""
        ids = [int(r["target"].split("/hosts/")[1].split("?")[0]) for r in self.log(tenant, "/hosts/")
               if "/hosts/count" not in r["target"]]
        return list(dict.fromkeys(ids)), len(ids)

    def begin(self, setting="hosts=60", *options, **settings):
        self.serve("name=acme," + setting, **settings)
        self.sync(*options)
        self.sim.clear_stats()

    def later(self):
        """Times are kept in seconds: the next sync is of another one."""
        time.sleep(1.1)

    def detail(self, i):
        return self.sim.get("acme", f"hosts/{i}").json()["host"]


class Queue(Details):
    def test_each_host_once_in_a_day(self):
        self.begin()
        self.sync("--details", "due")
        ids, n = self.asked()
        self.assertEqual((sorted(ids), n), (sorted(self.devices()), 60))
        self.assertTrue(all("exclude_software=true" in r["target"] for r in self.log(part="/hosts/")
                            if "count" not in r["target"]))
        self.sim.clear_stats()
        self.later()
        self.sync("--details", "due", tells="nothing changed")
        self.assertEqual(self.asked(), ([], 0))

    def test_none(self):
        self.begin()
        self.sync("--details", "none")
        self.assertEqual(self.asked(), ([], 0))

    def test_all(self):
        self.begin("hosts=60", "--details", "due")
        self.later()
        self.sync("--details", "all", tells="nothing changed")
        ids, n = self.asked()
        self.assertEqual((sorted(ids), n), (sorted(self.devices()), 60))

    def test_new_hosts_first(self):
        self.begin("hosts=60", "--details", "due")
        new = self.sim.mutate("acme", "add", count=5)["ids"]
        self.later()
        self.sync("--details", "all")
        ids, n = self.asked()
        # two are in flight, so that the last of them may be overtaken by one
        self.assertLessEqual(set(new), set(ids[:6]))
        self.assertEqual(n, 65)
        self.sim.clear_stats()
        new = self.sim.mutate("acme", "add", count=2)["ids"]
        self.sync("--details", "due")
        self.assertEqual(sorted(self.asked()[0]), new)

    def test_time_limit_and_what_is_left(self):
        self.begin("hosts=60")
        self.sim.fault("acme", "detail", delay_ms=50)
        run = self.sync("--details", "due", "--details-time", "500ms")
        first = set(self.asked()[0])
        self.assertTrue(4 <= len(first) <= 30, first)
        self.assertLess(run.seconds, 5)
        self.sim.clear_faults("acme")
        self.sim.clear_stats()
        self.sync("--details", "due")
        self.assertEqual(set(self.asked()[0]), set(self.devices()) - first)

    def test_only_so_many_in_one_sync(self):
        self.begin("hosts=60", limits={"details": 20})
        hosts = sorted(self.devices())
        for part in (hosts[:20], hosts[20:40], hosts[40:], []):
            self.sim.clear_stats()
            self.later()
            self.sync("--details", "due")
            ids, n = self.asked()
            self.assertEqual((sorted(ids), n), (part, len(part)))

    def test_each_gets_its_turn(self):
        self.begin("hosts=60", "--details", "due")
        hosts = sorted(self.devices())
        self.muster.settings["limits"] = {"details": 25}
        self.muster.write_config()
        for part in (hosts[:25], hosts[25:50], hosts[50:] + hosts[:15]):
            self.sim.clear_stats()
            self.later()
            self.sync("--details", "all")
            ids, n = self.asked()
            self.assertEqual((sorted(ids), n), (sorted(part), 25))
        # new hosts come first, and are not skipped when the turn comes to them
        new = self.sim.mutate("acme", "add", count=5)["ids"]
        for part in (new + hosts[15:35], hosts[35:], new + hosts[:20]):
            self.sim.clear_stats()
            self.later()
            self.sync("--details", "all")
            ids, n = self.asked()
            self.assertEqual((sorted(ids), n), (sorted(part), 25))

    def test_new_hosts_take_no_turn(self):
        self.begin("hosts=12", "--details", "due")
        hosts = sorted(self.devices())
        self.muster.settings["limits"] = {"details": 1}
        self.muster.write_config()
        turns = []
        for k in range(12):
            new = self.sim.mutate("acme", "add", count=1)["ids"] if k % 2 else []
            self.sim.clear_stats()
            self.later()
            self.sync("--details", "all")
            ids = self.asked()[0]
            self.assertEqual(len(ids), 1)
            if new:
                self.assertEqual(ids, new)
            else:
                turns += ids
        self.assertEqual(turns, hosts[:6])

    def test_the_turn_goes_on_where_the_time_ended(self):
        self.begin("hosts=60", "--details", "due")
        hosts = sorted(self.devices())
        self.sim.fault("acme", "detail", delay_ms=50)
        at = 0
        for _ in range(3):
            self.sim.clear_stats()
            self.later()
            self.sync("--details", "all", "--details-time", "500ms")
            ids = sorted(self.asked()[0])
            self.assertTrue(4 <= len(ids) <= 30, ids)
            self.assertEqual(ids, sorted((hosts + hosts)[at:at + len(ids)]))
            at = (at + len(ids)) % 60

    def test_two_in_flight(self):
        self.begin()
        self.sim.fault("acme", "detail", delay_ms=20)
        self.sync("--details", "due")
        self.assertEqual(self.sim.stats("acme")["max_in_flight"]["detail"], 2)

    def test_only_after_a_complete_walk(self):
        self.serve("name=acme,hosts=60", limits={"page_hosts": 20})
        self.sim.fault("acme", "list", {"after_id": 30}, status=500)
        self.sync("--details", "due", status=1)
        self.assertEqual(self.asked(), ([], 0))

    def test_nothing_is_told_twice(self):
        self.begin("hosts=120", "--details", "due")
        self.same(details=True)
        seq, before = self.seq(), self.devices()
        for options in ([], ["--details", "due"], []):
            self.later()
            self.sync(*options, tells="nothing changed")
        self.later()
        self.sync("--details", "all", tells="nothing changed")
        self.assertEqual((self.seq(), self.devices()), (seq, before))


class Failing(Details):
    def one(self, attempts, **do):
        self.begin()
        victim = sorted(self.devices())[20]
        before = self.devices()[victim]
        self.sim.fault("acme", "detail", {"id": victim}, **do)
        self.sync("--details", "due", tells="1 details failed")
        ids, n = self.asked()
        self.assertEqual(sorted(ids), sorted(self.devices()))
        self.assertEqual(n, 59 + attempts)
        self.assertEqual(self.devices()[victim], before)
        # it was tried: not again before its time
        self.sim.clear_faults("acme")
        self.sim.clear_stats()
        self.later()
        self.sync("--details", "due")
        self.assertEqual(self.asked(), ([], 0))
        self.sync("--details", "all")
        self.assertNotIn("failed", self.last.out)

    def test_500(self):
        self.one(3, status=500)

    def test_404(self):
        self.one(1, status=404)

    def test_403(self):
        self.one(1, status=403)

    def test_truncated(self):
        self.one(3, cut={"bytes": 100})

    def test_garbage(self):
        self.one(3, garbage=100)

    def test_another_host(self):
        self.one(1, status=200, body='{"host": {"id": 424242, "hostname": "stranger"}}')

    def test_no_host(self):
        self.one(1, status=200, body='{"host": null}')

    def test_stalled(self):
        self.begin(limits={"first_byte": "1s", "request": "1s"})
        victim = sorted(self.devices())[20]
        self.sim.fault("acme", "detail", {"id": victim}, stall=True)
        run = self.sync("--details", "due", tells="1 details failed")
        self.assertLess(run.seconds, 15)
        self.assertEqual(len(self.asked()[0]), 60)

    def test_passing_fault_is_overcome(self):
        for do in (dict(status=503), dict(cut={"bytes": 100, "reset": True}),
                   dict(status=429, body="", headers={"Retry-After": "0"})):
            with self.subTest(do):
                self.begin()
                self.sim.fault("acme", "detail", {"times": 2}, **do)
                self.sync("--details", "due")
                self.assertNotIn("failed", self.last.out)
                self.assertEqual(len(self.asked()[0]), 60)

    def test_server_that_fails_all_is_left_alone(self):
        self.begin()
        self.sim.fault("acme", "detail", status=500)
        self.sync("--details", "due", tells=("warning", "broken off"))
        self.assertLessEqual(len(self.asked()[0]), 12)
        self.same()

    def test_revoked_token_ends_it(self):
        self.begin()
        self.sim.fault("acme", "detail", {"skip": 5}, status=401)
        self.sync("--details", "due", tells=("warning", "token"))
        self.assertLessEqual(len(self.asked()[0]), 8)

    def test_deleted_meanwhile(self):
        self.begin()
        ids = sorted(self.devices())
        # the list still shows it, the detail does not
        self.sim.fault("acme", "detail", {"id": ids[3]}, status=404)
        self.sync("--details", "due")
        self.assertIn(ids[3], self.devices())
        self.assertEqual(self.kinds().get("deleted"), None)


class Facts(Details):
    def encryption(self):
        return {i: d["disk"]["encryption"] for i, d in self.devices().items()}

    def test_encryption_of_servers_that_do_not_list_it(self):
        for version in ("4.36.0", "4.80.0"):
            with self.subTest(version):
                self.begin(f"hosts=80,version={version}")
                self.assertEqual({e["state"] for e in self.encryption().values()}, {"unknown"})
                self.sync("--details", "due")
                said = {i: self.detail(i).get("disk_encryption_enabled") for i in self.devices()}
                states = {i: SAYS.get(e["state"]) for i, e in self.encryption().items()
                          if e["state"] in ("on", "off", "unknown")}
                self.assertEqual({s for s in said.values()} - {None}, {True, False})
                for i, state in states.items():
                    self.assertEqual(state, said[i], (i, self.encryption()[i], said[i]))
                # the next list, which says nothing of it, takes nothing away
                before = self.encryption()
                self.later()
                self.sync(tells="nothing changed")
                self.assertEqual(self.encryption(), before)

    def test_encryption_in_the_list(self):
        self.begin("hosts=80")
        hosts = self.hosts()
        for i, e in self.encryption().items():
            if e["state"] in ("on", "off"):
                self.assertEqual(SAYS[e["state"]], hosts[i]["disk_encryption_enabled"], (i, e))
        self.assertTrue({"on", "off"} <= {e["state"] for e in self.encryption().values()})

    def test_newer_list_wins_over_older_detail(self):
        self.begin("hosts=80,plain=1", "--details", "due")
        touched = self.sim.mutate("acme", "touch", field="encryption", fraction=0.2)["ids"]
        self.later()
        self.sync()
        hosts = self.hosts()
        self.assertTrue(touched)
        for i in touched:
            e = self.encryption()[i]
            if e["state"] in ("on", "off") and hosts[i]["disk_encryption_enabled"] is not None:
                self.assertEqual(SAYS[e["state"]], hosts[i]["disk_encryption_enabled"], (i, e))

    def test_agents(self):
        self.begin("hosts=80")
        self.assertEqual({d["agent"]["orbit"] for d in self.devices().values()}, {None})
        self.sync("--details", "due")
        seen = 0
        for i, d in self.devices().items():
            host = self.detail(i)
            for ours, theirs in {"orbit": "orbit_version", "desktop": "fleet_desktop_version"}.items():
                said = host.get(theirs) or None
                self.assertEqual(d["agent"][ours], said)
                seen += said is not None
        self.assertGreater(seen, 20)

    def test_events_say_what_the_detail_added(self):
        self.begin("hosts=60,version=4.80.0")
        seq = self.seq()
        self.sync("--details", "due")
        events = self.changes(since=seq)
        self.assertTrue(events)
        self.assertEqual({e["kind"] for e in events}, {"changed"})
        self.assertEqual(len({e["id"] for e in events}), len(events))
        self.assertTrue(any("disk.encryption" in e["fields"] for e in events), events[:3])
        self.assertTrue(any(e.get("to", {}).get("encryption.state") == "on" for e in events), events[:3])

    def test_recreated_machine_forgets_its_detail(self):
        self.begin("hosts=60,version=4.80.0,plain=1", "--details", "due")
        i = next(i for i, e in self.encryption().items() if e["state"] == "on")
        self.sim.mutate("acme", "recreate", id=i)
        self.later()
        self.sync()
        self.assertEqual(self.encryption()[i]["state"], "unknown")
        self.sim.clear_stats()
        self.sync("--details", "due")
        self.assertEqual(self.asked()[0], [i])

    def test_every_version(self):
        for version, tier in (("4.36.0", "free"), ("4.47.0", "premium"), ("4.64.0", "free"), ("4.80.0", "premium"),
                              ("4.82.0", "free"), ("4.93.0", "premium")):
            with self.subTest(version):
                self.begin(f"hosts=100,version={version},tier={tier}", "--details", "due")
                self.same(details=True)
                self.sync("--details", "due", tells="nothing changed")


if __name__ == "__main__":
    unittest.main()
