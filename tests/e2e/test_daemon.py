"""musterd as a daemon: tenants come and go, an operator commands it."""

import json
import os
import signal
import stat
import unittest

from muster_e2e import run
from running import Running

ALL = ("name=acme,hosts=120", "name=globex,hosts=40,seed=3")


class Commands(Running):
    def setUp(self):
        self.serve(*ALL)
        self.run_daemon()

    def test_first_syncs_come_by_themselves(self):
        for name, hosts in ("acme", 120), ("globex", 40):
            row = self.daemon.rows(f"wait {name} synced")[0]
            self.assertEqual((row["done"], row["result"]), (name, "ok"))
            self.assertEqual(len(self.daemon.rows(f"devices {name}")), hosts)
        status = self.daemon.rows("status")[0]
        self.assertEqual((status["tenants"]["total"], status["devices"]), (2, 160))
        self.assertEqual(status["daemon"]["state"], "ready")
        self.look()

    def test_rows_are_those_of_musterctl(self):
        self.daemon.rows("wait acme synced")
        self.daemon.rows("wait globex synced")
        for question in ("tenants", "devices acme", "devices acme --state noncompliant", "changes acme",
                         "rejects acme", "tombstones acme", "deletions", "deletions acme", "verify"):
            self.assertEqual(self.daemon.rows(question), self.muster.ctl(*question.split()), question)

    def test_sync_by_hand_tells_its_progress(self):
        self.daemon.rows("wait acme idle")
        self.sim.fault("acme", "list", delay_ms=600)
        rows = self.daemon.rows("sync acme --wait")
        self.assertIn("progress", rows[0])
        self.assertEqual((rows[-1]["done"], rows[-1]["result"], rows[-1]["hosts"]), ("acme", "ok", 120))
        self.sim.clear_faults("acme")
        rows, end = self.daemon.ask("sync --all --wait")
        self.assertEqual({r["done"] for r in rows if "done" in r}, {"acme", "globex"})
        self.assertEqual(end["asked"], 2)

    def test_who_asks_joins_a_sync_under_way(self):
        self.daemon.rows("wait acme idle")
        self.sim.fault("acme", "list", delay_ms=400)
        self.sim.clear_stats()
        a, b = self.daemon.connect(), self.daemon.connect()
        a.send("sync acme --wait")
        next(a.lines())
        b.send("sync acme --wait")
        for c in a, b:
            self.assertTrue(list(c.lines())[-1]["ok"])
            c.close()
        self.assertEqual(len([r for r in self.log(part="/version")]), 1)

    def test_a_refused_token_is_not_tried_again(self):
        self.daemon.rows("wait acme idle")
        self.sim.mutate("acme", "token", value="another")
        with self.assertRaises(Exception):
            self.daemon.rows("sync acme --wait")
        shown = self.daemon.tenant("acme")
        self.assertEqual((shown["state"], shown["next_sync"]), ("auth_failed", None))
        self.assertIn("token", shown["error"])
        self.sim.clear_stats()
        self.pause_s(1)
        self.assertEqual(self.sim.stats("acme")["requests"], 0)
        # the token file is mended, a reload brings it
        self.sim.mutate("acme", "token", value=self.sim.token("acme"))
        self.daemon.rows("sync acme --wait")
        self.assertEqual(self.daemon.tenant("acme")["state"], "waiting")

    def test_bad_commands_get_a_sentence(self):
        self.refused("stauts", "not_found", "did you mean \"status\"")
        self.refused("devices acne", "not_found", "did you mean \"acme\"")
        self.refused("devices acme --stat x", "config", "did you mean \"--state\"")
        self.refused("devices", "config")
        self.refused("sync", "config", "--all")
        self.refused("sync acme --all", "config", "not both")
        self.refused("wait acme forever", "config", "idle")
        self.refused("log loud", "config", "debug")
        self.refused("log debug nothing", "not_found")
        self.refused("backup relative", "config", "root")
        self.refused("tenant remove acme", "config", "--yes")
        self.refused("tenant remove acme --yes", "conflict", "reload")
        self.refused("deletions accept acme --count 3", "conflict", "held")
        self.refused("deletions accept acme", "config", "--count")
        self.refused("changes acme --since x", "config", "sequence")

    def test_backup_and_compact_are_stores(self):
        self.daemon.rows("wait acme synced")
        for how in "backup", "compact":
            path = self.muster.dir / how
            row = self.daemon.rows(f"{how} {path}")[0]
            self.assertGreater(row["bytes"], 10000)
            r = run([self.muster.program("musterctl"), "--store", path, "verify"], 30)
            self.assertEqual(r.status, 0, r)
            self.refused(f"{how} {path}", "config", "exists already")

    def test_a_reader_that_hangs_up_costs_nothing(self):
        self.daemon.rows("wait acme synced")
        before = self.daemon.descriptors()
        for _ in range(20):
            c = self.daemon.connect()
            c.send("devices acme")
            c.close()
        self.until(lambda: self.daemon.descriptors() <= before, what="closed descriptors")
        self.assertEqual(len(self.daemon.rows("devices acme")), 120)

    def test_the_socket_is_private(self):
        mode = os.stat(self.daemon.socket).st_mode
        self.assertTrue(stat.S_ISSOCK(mode))
        self.assertEqual(stat.S_IMODE(mode), 0o600)


class Life(Running):
    def setUp(self):
        self.serve(*ALL)

    def test_pause_outlasts_a_restart(self):
        self.run_daemon()
        self.daemon.rows("wait acme synced")
        self.assertEqual(self.daemon.rows("tenant pause acme")[0]["state"], "paused")
        self.assertEqual(self.daemon.stop(), 0)
        self.daemon.start()
        self.assertEqual(self.daemon.tenant("acme")["state"], "paused")
        self.assertEqual(self.daemon.rows("tenant resume acme")[0]["state"], "waiting")

    def test_a_second_daemon_is_refused(self):
        self.run_daemon()
        r = run(self.muster.command(), 30, cwd=self.muster.dir)
        self.assertEqual(r.status, 6, r)
        self.assertIn(f"in use by process {self.daemon.process.pid}", r.err)
        self.daemon.rows("status")

    def test_a_stale_socket_is_replaced(self):
        self.run_daemon()
        self.daemon.kill()
        self.assertTrue(self.daemon.socket.exists())
        self.daemon.start()
        self.daemon.rows("status")
        self.assertEqual(self.daemon.stop(), 0)
        self.assertFalse(self.daemon.socket.exists())

    def test_what_was_synced_is_not_synced_at_once_again(self):
        self.run_daemon()
        for name in "acme", "globex":
            self.daemon.rows(f"wait {name} synced")
        self.assertEqual(self.daemon.stop(), 0)
        self.sim.clear_stats()
        self.daemon.start()
        self.pause_s(1)
        self.assertEqual(self.daemon.tenant("acme")["state"], "waiting")
        self.assertEqual(self.sim.stats("acme")["requests"], 0)

    def test_sigterm_ends_a_sync_that_goes_on_later(self):
        self.sim.fault("acme", "list", {"after_id": 50}, stall=True)
        self.run_daemon()
        self.until(lambda: any(t["walk"]["cursor"] >= 100 for t in self.daemon.rows("tenants")),
                   what="a first page in the store")
        self.assertEqual(self.daemon.stop(), 0)
        self.sim.clear_faults("acme")
        self.daemon.start()
        self.daemon.rows("wait acme synced")
        self.assertIn("walk resumed", self.daemon.log())
        self.look()

    def test_shutdown_by_command(self):
        self.run_daemon()
        self.daemon.ask("shutdown")
        self.assertEqual(self.daemon.process.wait(30), 0)


class Reload(Running):
    def setUp(self):
        self.serve(*ALL)
        self.run_daemon()
        self.daemon.rows("wait acme synced")

    def change(self, **settings):
        self.muster.tenants["acme"] = settings
        self.daemon.write_config()

    def test_tenants_come_and_go(self):
        del self.muster.tenants["globex"]
        self.daemon.write_config()
        rows, end = self.daemon.ask("reload")
        self.assertTrue(end["applied"])
        self.assertEqual([(r["what"], r["name"]) for r in rows], [("removed", "globex")])
        self.until(lambda: [t for t in self.daemon.rows("tenant list") if t["source"] == "store"],
                   what="a tenant that is only stored")
        # its devices are there until they are removed
        self.assertEqual(self.daemon.ask("tenant remove globex --yes")[1]["devices"], 40)
        self.assertEqual([t["tenant"] for t in self.daemon.rows("tenant list")], ["acme"])
        self.muster.tenants["globex"] = {}
        self.daemon.write_config()
        self.assertEqual([(r["what"], r["name"]) for r in self.daemon.rows("reload")], [("added", "globex")])
        self.assertEqual(self.daemon.rows("wait globex synced")[0]["created"], 40)
        self.look()

    def test_settings_change(self):
        self.change(interval="10m")
        rows = self.daemon.rows("reload")
        self.assertEqual([(r["what"], r["name"], r["settings"]) for r in rows], [("changed", "acme", "interval")])
        self.assertEqual(self.daemon.tenant("acme")["settings"]["interval"], "10m")

    def test_a_bad_file_changes_nothing(self):
        self.change(interval="never", stale_after="soon", map_users="perhaps", nonsense=1)
        c = self.daemon.connect()
        c.send("reload")
        *rows, end = c.lines()
        c.close()
        self.assertFalse(end["ok"])
        self.assertFalse(end["applied"])
        self.assertEqual(len([r for r in rows if r["what"] == "complaint"]), 4, rows)
        self.assertEqual(self.daemon.tenant("acme")["settings"]["interval"], "1h")
        self.assertTrue(self.daemon.rows("status")[0]["daemon"]["config_refused"])

    def test_sighup_reloads(self):
        self.change(interval="20m")
        self.daemon.process.send_signal(signal.SIGHUP)
        self.until(lambda: self.daemon.tenant("acme")["settings"]["interval"] == "20m", what="the reload")

    def test_a_running_sync_of_another_tenant_goes_on(self):
        self.sim.fault("acme", "list", delay_ms=1500)
        c = self.daemon.connect()
        c.send("sync acme --wait")
        next(c.lines())
        del self.muster.tenants["globex"]
        self.daemon.write_config()
        self.daemon.rows("reload")
        *rows, end = c.lines()
        c.close()
        self.assertEqual((end["ok"], rows[-1]["result"]), (True, "ok"))
        self.assertNotIn("stopped before", json.dumps(rows))


class Held(Running):
    def test_accepting_what_is_held(self):
        self.serve("name=acme,hosts=120")
        self.run_daemon()
        self.daemon.rows("wait acme synced")
        self.sim.mutate("acme", "delete", count=60)
        self.daemon.rows("sync acme --wait")
        held = self.daemon.rows("deletions")[0]
        self.assertEqual((held["deletions"], held["hold"]["count"]), ("held", 60))
        self.assertEqual(len(self.daemon.rows("deletions show acme")), 60)
        self.refused("deletions accept acme --count 59", "conflict", "60 deletions")
        rows = self.daemon.rows("deletions accept acme --count 60 --wait")
        self.assertEqual(rows[0], {"tenant": "acme", "accepted": 60})
        self.assertEqual(rows[-1]["deleted"], 60)
        self.assertEqual(len(self.daemon.rows("devices acme")), 60)
        self.assertEqual(self.daemon.rows("deletions"), [])
        self.look()


if __name__ == "__main__":
    unittest.main(verbosity=2)
