"""The walk: both spellings of the cursor, page mode, both wire forms, page
sizes, resuming, and that a quiet fleet stays quiet."""

import signal
import time
import unittest

from muster_e2e import preloaded, shared, wait_for
from oracle import Scenario

HOUR_S, DAY_S = 3600, 24 * 3600


class Versions(Scenario):
    def walked(self, version, key, *, tier="premium"):
        self.serve(f"name=acme,hosts=230,version={version},tier={tier}")
        self.sync()
        self.same()
        pages = self.pages()
        self.assertEqual({p["order_key"] for p in pages}, {key})
        self.assertFalse([p for p in pages if "page" in p])
        self.assertEqual(pages[0]["after"], "0")
        self.assertEqual(self.kinds(), {"baseline": [None]})
        return pages

    def test_oldest(self):
        pages = self.walked("4.36.0", "h.id", tier="free")
        self.assertNotIn("populate_policies", pages[0])
        self.assertEqual(self.sim.requests("acme", "list", 422), 1)
        # the spelling is remembered with the version
        self.sim.clear_stats()
        self.sync(tells="nothing changed")
        self.assertEqual(self.sim.requests("acme", "list", 422), 0)

    def test_with_policies(self):
        pages = self.walked("4.60.0", "h.id")
        self.assertEqual(pages[0]["populate_policies"], "true")
        self.assertNotIn("include_device_status", pages[0])

    def test_streamed(self):
        pages = self.walked("4.80.0", "h.id")
        self.assertEqual(pages[0]["include_device_status"], "true")

    def test_allowlist(self):
        self.walked("4.82.0", "id")
        self.assertEqual(self.sim.requests("acme", "list", 422), 0)

    def test_newest(self):
        self.walked("4.93.0", "id")

    def test_unknown_version_tries_everything(self):
        self.serve("name=acme,hosts=60,version=4.36.0,tier=free")
        self.sim.fault("acme", "version", status=200, body='{"version": "0.0.0-dev"}')
        self.sync()
        self.same()

    def test_no_version_at_all(self):
        self.serve("name=acme,hosts=60,version=4.93.0,endpoints=list+me+config+detail")
        self.sync(tells="of unknown version")
        self.same()

    def test_upgrade_between_syncs(self):
        self.serve("name=acme,hosts=120,version=4.80.0")
        self.sync()
        self.sim.mutate("acme", "version", value="4.93.0")
        self.sim.clear_stats()
        self.sync()
        self.assertEqual({p["order_key"] for p in self.pages()}, {"id"})
        self.same()
        self.assertIsNone(self.tenant()["hold"])

    def test_upgrade_in_mid_walk(self):
        self.serve("name=acme,hosts=400,version=4.80.0", limits={"page_hosts": 50})
        self.sim.fault("acme", "list", {"after_id": 150}, delay_ms=200)
        process = self.muster.start_once("--retry-base", "10ms", "--probe-gap", "50ms", "--details", "none")
        wait_for(lambda: len(self.pages()) >= 4, what="half of the walk")
        self.sim.mutate("acme", "version", value="4.93.0")
        self.assertEqual(process.wait(30), 0)
        self.look()
        self.same()
        self.assertEqual(self.pages()[-1]["order_key"], "id")
        self.assertEqual(self.tenant()["server"]["version"], "4.93.0")


class PageMode(Scenario):
    def setUp(self):
        self.serve("name=acme,hosts=130,plain=1", limits={"page_hosts": 50})
        self.sim.fault("acme", "list", param_422="after")

    def test_walk(self):
        self.sync(tells="supports no cursor")
        self.same()
        pages = self.pages()
        self.assertEqual([p["page"] for p in pages], ["0", "1", "2", "3"])
        self.assertFalse([p for p in pages if "after" in p])
        # both spellings in three rounds, with parameters the first time
        self.assertGreaterEqual(self.sim.requests("acme", "list", 422), 6)

    def test_a_host_has_to_be_missing_twice(self):
        self.sync()
        gone = self.sim.mutate("acme", "delete", count=1)["ids"][0]
        self.sync()
        self.assertIn(gone, self.devices())
        self.assertEqual(self.kinds(), {"baseline": [None]})
        self.sync()
        self.assertEqual(self.kinds()["deleted"], [gone])
        self.same()

    def test_a_deletion_within_the_walk_hides_nobody(self):
        self.sync()
        self.sim.fault("acme", "list", {"skip": 2}, delay_ms=300)
        process = self.muster.start_once("--retry-base", "10ms", "--details", "none")
        self.sim.clear_stats()
        wait_for(lambda: len(self.pages()) >= 1, what="the first page")
        first = min(self.devices())
        self.sim.mutate("acme", "delete", ids=[first])
        self.assertEqual(process.wait(30), 0)
        self.sim.clear_faults("acme")
        self.sim.fault("acme", "list", param_422="after")
        self.look()
        self.sync()
        self.sync()
        self.same()
        self.assertEqual(self.kinds(), {"baseline": [None], "deleted": [first]})

    def test_size_only_halves_within_a_walk(self):
        self.muster.settings["limits"] = {"page_hosts": 80}
        self.muster.write_config()
        self.sim.fault("acme", "list", {"skip": 10, "times": 1}, status=504)
        self.sync()
        self.same()
        pages = self.pages()
        self.assertEqual([p["per_page"] for p in pages][-1], "40", pages)
        self.assertEqual(pages[-1]["page"], "4")

    def test_probed_again_on_another_day(self):
        """The server's cursor works again; that is found out by the first sync of the next day (UTC)."""
        midnight = (int(time.time()) // DAY_S + 2) * DAY_S
        self.sync(env=self.clock(midnight - 3 * HOUR_S), tells="supports no cursor")
        self.sim.clear_faults("acme")
        for at in midnight - 2 * HOUR_S, midnight - HOUR_S:
            self.sim.clear_stats()
            self.sync(env=self.clock(at), tells="nothing changed")
            self.assertTrue(self.pages() and all("page" in p for p in self.pages()))
        self.sim.clear_stats()
        self.sync(env=self.clock(midnight + HOUR_S))
        self.assertTrue(self.pages() and all("after" in p for p in self.pages()))
        self.same()

    def test_probed_again_and_still_refused(self):
        self.sync()
        self.sim.clear_stats()
        self.sync(env=self.clock(time.time() + DAY_S), tells="supports no cursor")
        self.assertGreater(self.sim.requests("acme", "list", 422), 0)
        self.assertTrue(all("page" in p for p in self.pages()))
        self.same()

    def clock(self, unix_s):
        return preloaded("clockahead", S=int(unix_s - time.time()))

    def test_remembered_then_not_resumed(self):
        self.sync()
        self.sim.clear_stats()
        self.sync(tells="nothing changed")
        self.assertEqual(self.sim.requests("acme", "list", 422), 0)


class Trouble(Scenario):
    """A server that answers 422 to everything is in trouble, not old."""

    def begin(self, skip):
        self.serve("name=acme,hosts=230", limits={"page_hosts": 50})
        self.sim.fault("acme", "list", {"skip": skip}, status=422)
        self.sync(status=1, tells=("the list of hosts", "422"))
        self.assertNotIn("supports no cursor", self.last.out)
        self.sim.clear_faults("acme")
        self.sim.clear_stats()
        self.sync()
        self.assertFalse([p for p in self.pages() if "page" in p])
        self.assertEqual(self.kinds(), {"baseline": [None]})
        self.same()

    def test_in_mid_walk(self):
        self.begin(3)
        self.assertIn("resumed", self.last.out)

    def test_from_the_start(self):
        self.begin(0)

    def test_page_mode_is_probed_again_by_another_version(self):
        self.serve("name=acme,hosts=130,plain=1,version=4.91.0", limits={"page_hosts": 50})
        self.sim.fault("acme", "list", param_422="after")
        self.sync(tells="supports no cursor")
        self.sim.clear_faults("acme")
        self.sim.clear_stats()
        self.sync()
        self.assertTrue(all("page" in p for p in self.pages()))
        self.sim.mutate("acme", "version", value="4.92.0")
        self.sim.clear_stats()
        self.sync()
        self.assertFalse([p for p in self.pages() if "page" in p])
        self.same()


class Quiet(Scenario):
    def test_second_sync_changes_nothing(self):
        self.serve("name=acme,hosts=300")
        self.sync()
        seq = self.seq()
        self.sync(tells="nothing changed")
        self.assertEqual(self.seq(), seq)
        self.same()

    def test_moving_members_are_no_event(self):
        self.serve("name=acme,hosts=300")
        self.sync()
        before = self.devices()
        seq = self.seq()
        self.sim.mutate("acme", "volatile", seconds=3600)
        self.sync(tells="nothing changed")
        self.assertEqual(self.seq(), seq)
        now = self.devices()
        self.assertGreater(sum(now[i]["volatile"] != d["volatile"] for i, d in before.items()), 250)
        self.same()

    def test_each_change_once(self):
        self.serve("name=acme,hosts=300,plain=1")
        self.sync()
        for field, part in {"os_version": "os.", "policy": "compliance.", "team": "team", "owner": "owner",
                            "encryption": "disk.", "name": "identity.", "mdm": "mdm"}.items():
            seq, before = self.seq(), self.devices()
            touched = self.sim.mutate("acme", "touch", field=field, fraction=0.05)["ids"]
            self.sync()
            self.same()
            events = self.changes(since=seq)
            ids = [e["id"] for e in events]
            self.assertEqual(ids, sorted(set(ids)), field)
            self.assertTrue(ids and set(ids) <= set(touched), field)
            self.assertTrue(all(any(f.startswith(part) for f in e["fields"]) for e in events), (field, events[:3]))
            now = self.devices()
            stable = lambda d: {k: v for k, v in d.items() if k != "volatile"}
            self.assertEqual(ids, [i for i in sorted(now) if stable(now[i]) != stable(before[i])], field)


class PageSize(Scenario):
    def test_grows_while_it_is_quick(self):
        self.serve("name=acme,hosts=2500,plain=1,prepared=1")
        self.sync()
        sizes = [int(p["per_page"]) for p in self.pages()]
        self.assertEqual(sizes[0], 100)
        self.assertGreaterEqual(max(sizes), 400, sizes)
        self.assertLessEqual(max(sizes), 1000, sizes)
        self.assertTrue(all(b <= 2 * a for a, b in zip(sizes, sizes[1:])), sizes)

    def test_stays_calm_when_it_is_slow(self):
        self.serve("name=acme,hosts=1500,plain=1,prepared=1")
        self.sim.fault("acme", "list", {"skip": 2}, delay_ms=1100)
        self.sync()
        sizes = [int(p["per_page"]) for p in self.pages()]
        self.assertLessEqual(max(sizes), 250, sizes)
        self.same()

    def test_halves_on_a_time_out(self):
        self.serve("name=acme,hosts=300", limits={"first_byte": "1s", "request": "2s"})
        self.sim.fault("acme", "list", {"skip": 2, "times": 2}, stall=True)
        self.sync()
        sizes = [int(p["per_page"]) for p in self.pages()]
        at = next(i for i in range(len(sizes) - 1) if sizes[i + 1] < sizes[i])
        self.assertEqual(sizes[at + 1], sizes[at] // 2, sizes)
        self.assertEqual(sizes[at + 2], sizes[at] // 4, sizes)
        self.same()

    def test_fixed(self):
        self.serve("name=acme,hosts=300", limits={"page_hosts": 77})
        self.sync()
        self.assertEqual({p["per_page"] for p in self.pages()}, {"77"})
        self.same()

    def test_ends_on_an_empty_page(self):
        self.serve("name=acme,hosts=100,plain=1", limits={"page_hosts": 50})
        self.sync()
        self.assertEqual(len(self.pages()), 3)
        self.serve("name=acme,hosts=0")
        self.sync(status=1, tells="lists no hosts")
        self.assertEqual(self.kinds(), {"baseline": [None]})


class Gentle(Scenario):
    def test_in_flight(self):
        self.serve("name=acme,hosts=400", limits={"page_hosts": 20})
        self.sim.fault("acme", "any", delay_ms=10)
        self.sync("--details", "due")
        flight = self.sim.stats("acme")["max_in_flight"]
        self.assertEqual(flight["list"], 1)
        self.assertEqual(flight["detail"], 2)
        self.assertTrue(all(r["method"] == "GET" for r in self.log()))

    def test_connection_is_kept(self):
        self.serve("name=acme,hosts=400", limits={"page_hosts": 20})
        self.sync()
        self.assertEqual(self.sim.stats("acme")["connections"], 1)


class Resume(Scenario):
    def interrupted(self, number):
        self.serve("name=acme,hosts=600", limits={"page_hosts": 50})
        self.sim.fault("acme", "list", {"after_id": 200}, delay_ms=250)
        process = self.muster.start_once("--retry-base", "10ms", "--details", "none")
        wait_for(lambda: len(self.pages()) >= 6, what="the sixth page")
        process.send_signal(number)
        status = process.wait(20)
        self.sim.clear_faults("acme")
        self.look()
        self.assertEqual(self.kinds(), {})
        cursor = self.tenant()["walk"]["cursor"]
        self.assertGreater(cursor, 0)
        self.sim.clear_stats()
        return status, cursor

    def resumed(self, cursor):
        self.sync(tells="resumed")
        self.assertEqual(self.pages()[0]["after"], str(cursor))
        self.assertEqual(self.kinds(), {"baseline": [None]})
        self.same()

    def test_after_sigkill(self):
        status, cursor = self.interrupted(signal.SIGKILL)
        self.assertEqual(status, -signal.SIGKILL)
        self.resumed(cursor)

    def test_after_sigterm(self):
        status, cursor = self.interrupted(signal.SIGTERM)
        self.assertEqual(status, 1)
        self.assertEqual(self.tenant()["sync"]["error"], "cancelled")
        self.resumed(cursor)

    def test_after_giving_up(self):
        self.serve("name=acme,hosts=300", limits={"page_hosts": 50})
        self.sim.fault("acme", "list", {"after_id": 150}, status=503)
        self.sync(status=1, tells="given up after 6 attempts")
        cursor = self.tenant()["walk"]["cursor"]
        self.assertGreaterEqual(cursor, 150)
        self.sim.clear_faults("acme")
        self.sim.clear_stats()
        self.resumed(cursor)

    def test_not_with_another_version(self):
        _, cursor = self.interrupted(signal.SIGKILL)
        self.sim.mutate("acme", "version", value="4.92.0")
        self.sync()
        self.assertNotIn("resumed", self.last.out)
        self.assertEqual(self.pages()[0]["after"], "0")
        self.same()

    def test_changes_of_both_halves_are_told_once(self):
        self.serve("name=acme,hosts=600,plain=1", limits={"page_hosts": 50})
        self.sync()
        touched = self.sim.mutate("acme", "touch", field="name", fraction=0.2)["ids"]
        self.sim.fault("acme", "list", {"after_id": 300}, delay_ms=250)
        process = self.muster.start_once("--retry-base", "10ms", "--details", "none")
        wait_for(lambda: (lambda walk: walk["state"] != "complete" and walk["cursor"] > 200)(self.tenant()["walk"]),
                 what="half of the walk")
        process.kill()
        process.wait(20)
        self.sim.clear_faults("acme")
        self.look()
        self.assertLess(len(self.kinds().get("changed", [])), len(touched))
        self.sync(tells="resumed")
        self.assertEqual(sorted(self.kinds()["changed"]), sorted(set(self.kinds()["changed"])))
        self.assertLessEqual(set(self.kinds()["changed"]), set(touched))
        self.same()


class Recorded(Scenario):
    def test_replay(self):
        folder = shared("recordings")
        self.serve(f"name=acme,version=4.36.0,tier=free,replay={folder}")
        self.sync("--details", "due")
        self.assertEqual(sorted(self.devices()), [1, 2])


class Several(Scenario):
    def test_more_tenants_than_run_at_once(self):
        names = [f"t{i}" for i in range(20)]
        self.serve(*(f"name={n},hosts=40,seed={i}" for i, n in enumerate(names)))
        self.sync()
        for n in names:
            self.same(n)

    def test_one_hangs_the_others_go_on(self):
        self.serve("name=good,hosts=200", "name=hangs,hosts=60")
        self.sim.fault("hangs", "list", stall=True)
        process = self.muster.start_once("--details", "none")
        wait_for(lambda: self.muster.store.exists() and self.muster.ctl_run("tenants").status < 2 and
                 any(t["tenant"] == "good" and t["sync"]["last_ok"] for t in self.tenants()),
                 timeout=20, every=0.1, what="the good one")
        self.assertIsNone(process.poll())
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(20), 1)
        self.look()
        self.same("good")
        self.assertEqual(self.tenant("hangs")["sync"]["error"], "cancelled")

    def test_one_fails_the_others_go_on(self):
        self.serve("name=good,hosts=60", "name=bad,hosts=60", "name=old,hosts=60,version=4.36.0,tier=free")
        self.sim.fault("bad", "list", {"skip": 1}, status=404)
        run = self.sync(status=1)
        line = next(l for l in run.out.splitlines() if l.startswith("bad") and "failed" in l)
        self.assertIn("the list of hosts", line)
        self.assertIn("Resource Not Found", line)
        self.same("good")
        self.same("old")
        self.assertEqual(self.tenant("bad")["sync"]["error"], "gone")
        self.assertEqual(self.tenant("good")["sync"]["result"], "ok")


if __name__ == "__main__":
    unittest.main()
