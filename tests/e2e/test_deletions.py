"""What becomes of hosts that are not listed any more: confirmed one by one,
held when too many vanish at once, released when they return."""

import unittest

from oracle import Scenario


class Deletions(Scenario):
    def begin(self, setting="hosts=100,plain=1", **settings):
        self.serve("name=acme," + setting, **settings)
        self.sync()
        self.before = self.devices()

    def delete(self, count):
        return self.sim.mutate("acme", "delete", count=count)["ids"]

    def tombstones(self):
        return {t["id"]: t for t in self.muster.ctl("tombstones", "acme")}

    def hold(self):
        return self.tenant()["hold"]


class Sweep(Deletions):
    def test_deleted(self):
        self.begin()
        gone = self.delete(3)
        self.sim.clear_stats()
        self.sync(tells="3 deleted")
        self.same()
        self.assertEqual(self.sim.requests("acme", "detail", 404), 3)
        self.assertEqual(sorted(self.kinds()["deleted"]), sorted(gone))
        self.assertEqual(sorted(self.tombstones()), sorted(gone))
        for event in self.changes()[1:]:
            self.assertEqual(event["serial"], self.before[event["id"]]["identity"]["serial"])
        self.assertEqual(self.tenant()["missing"], 0)
        seq = self.seq()
        self.sync(tells="nothing changed")
        self.assertEqual(self.seq(), seq)

    def test_first_and_last_host(self):
        self.begin()
        ids = sorted(self.before)
        gone = self.sim.mutate("acme", "delete", ids=[ids[0], ids[50], ids[-1]])["ids"]
        self.sync()
        self.same()
        self.assertEqual(sorted(self.kinds()["deleted"]), gone)

    def test_moved_out_of_scope(self):
        # one host goes to a team that the token cannot see: 403 by Fleet itself
        self.begin("hosts=100,plain=1,scope=1+2")
        self.sim.fault("acme", "list", {"skip": 1, "times": 1}, lag={"missing": 1})
        self.sim.fault("acme", "detail", status=403)
        self.sync(tells="1 out of scope")
        events = [e for e in self.changes() if e["kind"] == "out_of_scope"]
        self.assertEqual(len(events), 1)
        self.assertNotIn(events[0]["id"], self.devices())
        self.assertNotIn("deleted", self.kinds())

    def test_lagging_replica(self):
        self.begin()
        self.sim.fault("acme", "list", {"skip": 1, "times": 1}, lag={"missing": 2})
        self.sim.clear_stats()
        self.sync()
        self.assertEqual(self.sim.requests("acme", "detail", 200), 2)
        self.assertEqual(self.kinds(), {"baseline": [None]})
        self.same()
        self.sync(tells="nothing changed")
        self.assertEqual(self.tenant()["missing"], 0)

    def test_listed_though_deleted(self):
        self.begin(limits={"page_hosts": 150})
        self.sim.fault("acme", "list", {"skip": 1, "times": 1}, lag={"deleted": True})
        self.sync(tells="1 created")
        ghost = self.kinds()["created"]
        self.sync(tells="1 deleted")
        self.assertEqual(self.kinds()["deleted"], ghost)
        self.same()

    def test_an_answer_that_is_no_proof(self):
        for do in (dict(status=500), dict(status=404, type="text/html", body="<html>not here</html>"),
                   dict(status=403, type="text/html", body="<html>WAF</html>"), dict(status=401), dict(html200=True),
                   dict(cut={"bytes": 10}), dict(garbage=100), dict(status=403, body='{"message": "Permission Denied"}'),
                   dict(status=200, body='{"host": {"id": 999999}}'), dict(status=302, headers={"Location": "/login"})):
            with self.subTest(do):
                self.begin()
                gone = self.delete(2)
                self.sim.fault("acme", "detail", **do)
                self.sync()
                self.assertEqual(self.kinds(), {"baseline": [None]})
                self.assertEqual(self.devices(), self.before)
                self.assertEqual(self.tenant()["missing"], 2)
                self.sim.clear_faults("acme")
                self.sync(tells="2 deleted")
                self.assertEqual(sorted(self.kinds()["deleted"]), sorted(gone))
                self.same()

    def test_nothing_is_deleted_by_a_walk_that_fails(self):
        self.begin(limits={"page_hosts": 30})
        gone = self.delete(4)
        self.sim.fault("acme", "list", {"after_id": 90}, status=500)
        self.sync(status=1)
        self.assertEqual(self.devices(), self.before)
        self.sim.clear_faults("acme")
        self.sync(tells=("resumed", "4 deleted"))
        self.assertEqual(sorted(self.kinds()["deleted"]), sorted(gone))
        self.same()

    def test_in_band_error_on_a_short_page(self):
        self.begin(limits={"page_hosts": 30})
        self.sim.fault("acme", "list", {"after_id": 30}, inband={"hosts": 0, "error": "context canceled"})
        self.sync(status=1, tells="context canceled")
        self.assertEqual(self.devices(), self.before)
        self.assertEqual(self.kinds(), {"baseline": [None]})

    def test_me_is_read_again_after_the_last_page(self):
        self.begin()
        self.delete(2)
        self.sim.clear_stats()
        self.sync()
        targets = [r["target"].split("?")[0].rsplit("/", 1)[1] for r in self.log()]
        self.assertEqual(targets.count("me"), 2)
        last_list = max(i for i, t in enumerate(targets) if t == "hosts")
        self.assertEqual(targets[last_list + 1], "me")


class Guard(Deletions):
    def held(self, count, reason):
        self.assertIn(f"{count} deletions ({reason})", self.last.out)
        self.assertEqual((self.hold()["count"], self.hold()["reason"]), (count, reason))
        rows = self.muster.ctl("deletions")
        self.assertTrue(any(str(count) in str(r) for r in rows), rows)
        self.assertEqual(self.devices(), self.before)
        self.assertEqual(self.kinds(), {"baseline": [None]})
        self.assertEqual(self.sim.requests("acme", "detail"), 0)

    def test_up_to_twenty_percent_pass(self):
        self.begin()
        self.delete(20)
        self.sync(tells="20 deleted")
        self.same()

    def test_ten_of_a_small_fleet_pass(self):
        self.begin("hosts=20,plain=1")
        self.delete(10)
        self.sync(tells="10 deleted")
        self.same()

    def test_too_many(self):
        self.begin()
        self.delete(21)
        self.sync()
        self.held(21, "too_many")

    def test_too_many_in_slices(self):
        self.begin()
        self.delete(15)
        self.sync(tells="15 deleted")
        self.delete(10)
        self.sync(tells="10 deletions")
        self.assertEqual(self.hold()["reason"], "too_many")
        self.assertEqual(len(self.devices()), 85)

    def test_all_gone(self):
        self.begin("hosts=8,plain=1")
        self.sim.fault("acme", "list", status=200, body='{"hosts": []}')
        self.sync(status=1, tells="lists no hosts")
        self.held(8, "all_gone")
        self.sim.clear_faults("acme")
        self.sync()
        self.assertIsNone(self.hold())
        self.same()

    def test_sticky(self):
        self.begin()
        self.delete(25)
        for _ in range(3):
            self.sync()
            self.held(25, "too_many")
        since = self.hold()["since"]
        self.sync()
        self.assertEqual(self.hold()["since"], since)

    def test_wrong_number(self):
        self.begin()
        self.delete(25)
        self.sync()
        for n in (0, 24, 26):
            self.sync("--accept-deletions", f"acme={n}", status=1, tells="is not the number held")
            self.held(25, "too_many")

    def test_right_number(self):
        for form in (["--accept-deletions", "acme=25"], ["--accept-deletions=acme=25"], ["--accept-deletions"]):
            with self.subTest(form):
                self.begin()
                gone = self.delete(25)
                self.sync()
                self.held(25, "too_many")
                self.sync(*form, tells="25 deleted")
                self.assertIsNone(self.hold())
                self.assertEqual(sorted(self.kinds()["deleted"]), sorted(gone))
                self.same()

    def test_number_that_grew_meanwhile(self):
        self.begin()
        self.delete(25)
        self.sync()
        self.delete(1)
        self.sync("--accept-deletions", status=1, tells="is not the number held")
        self.held(26, "too_many")
        self.sync("--accept-deletions", "acme=26", tells="26 deleted")
        self.same()

    def test_accepting_without_a_hold_deletes_no_more_than_usual(self):
        self.begin()
        self.delete(25)
        self.sync("--accept-deletions")
        self.held(25, "too_many")

    def test_a_number_when_nothing_is_held(self):
        nothing = "acme                 warning    --accept-deletions accepted nothing: nothing is held"
        self.begin()
        for number in (0, 5):
            self.sync("--accept-deletions", f"acme={number}", status=1, tells=(" ok ", nothing))
        # what needs no leave is deleted as ever
        gone = self.delete(3)
        self.sync("--accept-deletions", "acme=5", status=1, tells=("3 deleted", nothing))
        self.assertEqual(sorted(self.kinds()["deleted"]), sorted(gone))
        # the number of all devices, of which none became another machine
        self.sync("--accept-deletions", "acme=97", status=1, tells=nothing)
        self.sync("--accept-deletions")
        self.assertNotIn("accept-deletions", self.last.out)
        self.same()

    def test_a_number_when_the_held_returned(self):
        self.begin()
        self.sim.fault("acme", "list", lag={"missing": 30})
        self.sync()
        self.held(30, "too_many")
        self.sim.clear_faults("acme")
        self.sync("--accept-deletions", "acme=30", status=1, tells=("30 returned", "nothing is held"))
        self.assertIsNone(self.hold())
        self.same()

    def test_accepting_while_the_scope_is_unknown(self):
        self.begin("hosts=100,plain=1,endpoints=list+version+config+detail")
        self.delete(25)
        self.sync("--accept-deletions", "acme=25", status=1, tells="the token's scope is unknown, so nothing")
        self.assertEqual(self.devices(), self.before)

    def test_accepting_for_another_tenant(self):
        self.begin()
        self.delete(25)
        self.sync()
        self.sync("--accept-deletions", "acme2=25", status=2, tells="no tenant")
        self.sync()
        self.held(25, "too_many")

    def test_accepted_but_still_there(self):
        # accepting is no proof: each is asked for all the same
        self.begin()
        self.sim.fault("acme", "list", lag={"missing": 30})
        self.sync()
        self.held(30, "too_many")
        self.sync("--accept-deletions", "acme=30")
        self.assertEqual(self.devices(), self.before)
        self.assertEqual(self.kinds(), {"baseline": [None]})
        self.assertEqual(self.sim.requests("acme", "detail", 200), 30)

    def test_returned_devices_release(self):
        self.begin()
        self.sim.fault("acme", "list", lag={"missing": 30})
        self.sync()
        self.held(30, "too_many")
        self.sim.clear_faults("acme")
        self.sync(tells="30 returned")
        self.assertIsNone(self.hold())
        self.assertEqual(self.muster.ctl("deletions"), [])
        self.same()
        self.assertEqual(self.kinds(), {"baseline": [None]})

    def test_large_sweep_is_asked_for_in_one_sync(self):
        self.begin("hosts=900,plain=1")
        self.delete(700)
        self.sync()
        self.sync("--accept-deletions", "acme=700", tells="700 deleted")
        self.same()
        self.assertLessEqual(self.sim.stats("acme")["max_in_flight"]["detail"], 2)


class Scope(Deletions):
    def test_narrower_scope_holds(self):
        self.begin()
        self.sim.mutate("acme", "scope", teams=[1])
        self.sync(tells="scope_changed")
        self.assertEqual(self.hold()["reason"], "scope_changed")
        self.assertEqual(self.devices(), self.before)
        self.assertEqual(self.kinds(), {"baseline": [None]})
        # sticky, though the fingerprint is the same now
        self.sync()
        self.assertEqual(self.hold()["reason"], "scope_changed")
        count = self.hold()["count"]
        self.assertGreater(count, 0)
        self.sync("--accept-deletions", f"acme={count}", tells=f"{count} out of scope")
        self.assertEqual(len(self.kinds()["out_of_scope"]), count)
        self.assertNotIn("deleted", self.kinds())
        self.same()
        self.assertIsNone(self.hold())

    def test_and_back_releases(self):
        self.begin()
        self.sim.mutate("acme", "scope", teams=[1])
        self.sync()
        self.sim.mutate("acme", "scope")
        self.sync()
        self.assertIsNone(self.hold())
        self.assertEqual(self.devices(), self.before)
        self.assertEqual(self.kinds(), {"baseline": [None]})

    def test_even_one_missing_host_holds(self):
        self.begin()
        self.sim.mutate("acme", "role", value="admin")
        self.delete(1)
        self.sync(tells="scope_changed")
        self.assertEqual(self.devices(), self.before)

    def test_changed_within_the_walk(self):
        self.begin(limits={"page_hosts": 30})
        self.delete(2)
        self.sim.fault("acme", "me", {"skip": 1, "times": 1}, status=200,
                       body='{"user": {"id": 1, "global_role": null, "api_only": true,'
                            ' "teams": [{"id": 1, "name": "Workstations", "role": "observer"}]}}')
        self.sync(status=1, tells="changed while the hosts were being listed")
        self.assertEqual(self.devices(), self.before)
        self.assertEqual(self.kinds(), {"baseline": [None]})
        self.sync(tells="2 deleted")
        self.same()

    def test_role_changed_within_the_walk(self):
        self.begin()
        self.sim.fault("acme", "me", {"skip": 1, "times": 1}, status=200,
                       body='{"user": {"id": 1, "global_role": "gitops", "api_only": true, "teams": []}}')
        self.sync(status=1, tells="role or the teams of the token changed")

    def test_wider_scope_brings_the_rest(self):
        self.begin("hosts=100,plain=1,scope=1")
        self.sim.mutate("acme", "scope")
        self.sync()
        self.same()
        self.assertEqual(set(self.kinds()), {"baseline", "created"})


class Identity(Deletions):
    def test_new_hosts(self):
        self.begin()
        new = self.sim.mutate("acme", "add", count=4)["ids"]
        self.sync(tells="4 created")
        self.assertEqual(self.kinds()["created"], new)
        self.same()

    def test_same_id_is_another_machine(self):
        self.begin()
        i = sorted(self.before)[10]
        self.sim.mutate("acme", "recreate", id=i)
        self.sync()
        self.same()
        events = [(e["kind"], e["id"]) for e in self.changes() if e.get("id")]
        self.assertEqual(events, [("deleted", i), ("created", i)])
        self.assertNotEqual(self.devices()[i]["identity"]["serial"], self.before[i]["identity"]["serial"])
        self.sync(tells="nothing changed")

    def replaced(self, hosts, count):
        self.serve(f"name=acme,hosts={hosts},plain=1")
        self.sync()
        for i in sorted(self.devices())[:count]:
            self.sim.mutate("acme", "recreate", id=i)

    def test_some_replaced(self):
        self.replaced(40, 10)
        self.sync(tells="10 created, 10 deleted")
        self.same()

    def test_too_many_replaced_are_held(self):
        self.replaced(60, 30)
        self.sync(status=1, tells=("have become other machines", "--accept-deletions acme=60"))
        self.assertEqual(self.tenant()["hold"]["reason"], "replaced")
        self.sync("--accept-deletions", "acme=59", status=1, tells="is this another server")
        self.sync("--accept-deletions", "acme=60")
        self.assertIsNone(self.tenant()["hold"])
        self.same()

    def test_another_server_at_the_same_address_is_held(self):
        self.replaced(8, 8)
        self.sync(status=1, tells="have become other machines")
        self.sync("--accept-deletions", tells="created")
        self.same()

    def test_enrolled_again(self):
        self.begin()
        i = sorted(self.before)[10]
        new = self.sim.mutate("acme", "reenroll", id=i)["ids"][0]
        self.sync()
        self.same()
        created = next(e for e in self.changes() if e["kind"] == "created")
        self.assertEqual((created["id"], created["replaces"]), (new, i))
        self.assertEqual(self.kinds()["deleted"], [i])

    def test_duplicate_serials_replace_nobody(self):
        self.begin("hosts=300")
        self.sim.mutate("acme", "add", count=60)
        self.sync()
        self.same()
        self.assertFalse([e for e in self.changes() if e.get("replaces")])

    def test_revived(self):
        self.begin()
        self.sim.fault("acme", "list", {"skip": 1, "times": 1}, lag={"missing": 1})
        self.sim.fault("acme", "detail", status=404)
        self.sync(tells="1 deleted")
        gone = self.kinds()["deleted"]
        self.assertEqual(list(self.tombstones()), gone)
        self.sim.clear_faults("acme")
        self.sync(tells="1 revived")
        self.assertEqual(self.kinds()["revived"], gone)
        self.assertEqual(self.tombstones(), {})
        self.same()

    def test_many_rounds(self):
        self.begin("hosts=200")
        for n in range(12):
            self.delete(3)
            self.sim.mutate("acme", "add", count=4)
            self.sim.mutate("acme", "touch", field=("name", "owner", "team", "policy")[n % 4], fraction=0.05)
            self.sim.mutate("acme", "reenroll", id=sorted(self.hosts())[20 + n])
            self.sync("--accept-deletions")
            if self.hold():
                self.sync("--accept-deletions")
            self.same()


if __name__ == "__main__":
    unittest.main()
