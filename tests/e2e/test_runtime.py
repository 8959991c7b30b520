"""Tenants that are added, changed and removed while musterd runs, and their secrets."""

import contextlib
import json
import os
import pathlib
import unittest

from muster_e2e import Muster
from running import Refused, Running

TOKEN = "planted-token-2c9f81"
HEADER = "planted-header-7be410"
ROTATED = "planted-rotated-51d6aa"
REFUSED = "planted-refused-90ce37"
PLANTED = [TOKEN, HEADER, ROTATED, REFUSED]


def word(text):
    return json.dumps(text)


class AtRunTime(Running):
    """`file` names tenants of the configuration file; the others are added."""

    file = []
    servers = ("name=acme,hosts=120", "name=globex,hosts=40,seed=3", "name=initech,hosts=7,seed=5")

    def setUp(self):
        self.serve(*self.servers)
        self.muster.close()
        self.muster = Muster(self.sim, {n: {} for n in self.file})
        self.addCleanup(self.muster.close)
        self.key = self.muster.dir / "master.key"
        self.run_daemon("--retry-base", "10ms", secrets={"key_file": str(self.key)}, log={"level": "debug"})
        self.answers = []

    def tell(self, line):
        """The rows and the last object, whatever it says; kept to be searched."""
        c = self.daemon.connect()
        c.send(line)
        *rows, end = c.lines()
        c.close()
        self.answers += rows + [end]
        return rows, end

    def ask(self, line):
        rows, end = self.tell(line)
        if not end["ok"]:
            raise Refused(end)
        return rows

    def add_line(self, server, name=None, token=None, more="", **settings):
        settings = {"allow_private": True, **settings}
        ca = pathlib.Path(self.sim.ca_file(server)).read_text()
        return (f"tenant add {name or server} --url {word(self.sim.url(server))} "
                f"--token {word(token or self.sim.token(server))} --ca {word(ca)} "
                f"--set {word(json.dumps(settings))} {more}")

    def add(self, server, *more, **settings):
        return self.ask(self.add_line(server, *more, **settings))[0]

    def no(self, line, reason, *tells):
        rows, end = self.tell(line)
        self.assertFalse(end["ok"], end)
        self.assertEqual(end["reason"], reason, end)
        for text in tells:
            self.assertIn(text, end["error"])
        return rows

    def names(self):
        return [t["tenant"] for t in self.daemon.rows("tenant list")]


class Coming(AtRunTime):
    def test_a_tenant_is_added_checked_and_synced(self):
        row = self.add("acme")
        self.assertEqual((row["tenant"], row["hosts"], row["warnings"]), ("acme", 120, []))
        self.assertTrue(row["version"] and row["role"] and row["tier"], row)
        self.assertEqual(self.daemon.rows("wait acme synced")[0]["result"], "ok")
        shown = self.daemon.tenant("acme")
        self.assertEqual((shown["source"], shown["devices"], shown["from"]["file"]), ("runtime", 120, None))
        self.assertTrue(shown["from"]["added"])
        self.look()

    def test_it_is_there_after_a_restart(self):
        self.add("acme", interval="2h")
        self.daemon.rows("wait acme synced")
        self.assertEqual(self.daemon.stop(), 0)
        self.daemon.start()
        shown = self.daemon.tenant("acme")
        self.assertEqual((shown["source"], shown["settings"]["interval"]), ("runtime", "2h"))
        self.assertEqual(self.daemon.rows("sync acme --wait")[-1]["result"], "ok")

    def test_it_is_there_after_a_crash(self):
        self.add("acme")
        self.daemon.kill()
        self.daemon.start()
        self.assertEqual(self.daemon.rows("wait acme synced")[0]["hosts"], 120)

    def test_what_cannot_be_used_is_not_added(self):
        rows = self.no(self.add_line("acme", interval="never", nonsense=1), "config", "interval")
        self.assertEqual(len([r for r in rows if r["what"] == "complaint"]), 2, rows)
        self.no("tenant add acme --token x", "config", "--url")
        self.no(f"tenant add acme --url {word(self.sim.url('acme'))}", "config", "token")
        self.no(self.add_line("acme", token="another"), "token")
        self.no(self.add_line("acme", more=f"--header {word('X: a' + chr(10) + 'b: c')}"), "config", "line break")
        self.no(self.add_line("acme", name="Acme!"), "config", "a-z")
        self.no(f"tenant add acme --url {word(self.sim.url('acme'))} --token x --set {word('[1]')}", "config")
        self.no(f"tenant add acme --url {word(self.sim.url('acme'))} --token x "
                f"--ca no-certificate --set {word(json.dumps({'allow_private': True}))}", "config")
        self.no(f"tenant add acme --url https://127.0.0.1:1 --token x "
                f"--set {word(json.dumps({'allow_private': True}))}", "connect", "127.0.0.1")
        self.assertEqual(self.names(), [])
        self.assertEqual(self.daemon.stop(), 0)
        self.daemon.start()
        self.assertEqual(self.names(), [])

    def test_without_a_check_what_is_wrong_shows_in_the_sync(self):
        row = self.ask(self.add_line("acme", token="another", more="--no-check"))[0]
        self.assertEqual((row["version"], row["hosts"]), (None, None))
        self.until(lambda: self.daemon.tenant("acme")["state"] == "auth_failed", what="a refused token")
        self.no("tenant rotate-token acme --token worse", "token")
        self.no("tenant rotate-token acme", "config", "--token")
        row = self.ask(f"tenant rotate-token acme --token {word(self.sim.token('acme'))}")[0]
        self.assertEqual(row["hosts"], 120)
        self.assertEqual(self.daemon.rows("wait acme synced")[0]["result"], "ok")

    def test_a_name_is_taken_once_and_a_server_twice_is_told(self):
        self.add("acme")
        self.no(self.add_line("globex", name="acme"), "conflict", "run time")
        row = self.add("acme", "second")
        self.assertIn("acme", row["warnings"][0])
        self.daemon.rows("wait acme synced")
        self.ask("tenant remove acme --yes --keep-devices")
        self.no(self.add_line("acme"), "conflict", "120 devices", "tenant remove acme --yes")
        self.ask("tenant remove acme --yes")
        self.assertEqual(self.add("acme")["hosts"], 120)

    def test_two_commands_for_one_name(self):
        self.sim.fault("acme", delay_ms=700)
        a = self.daemon.connect()
        a.send(self.add_line("acme"))
        self.until(lambda: self.sim.stats("acme")["requests"], what="a check under way")
        self.no(self.add_line("globex", name="acme"), "locked", "another command")
        self.assertTrue(list(a.lines())[-1]["ok"])
        a.close()

    def test_who_hangs_up_during_the_check_adds_nothing(self):
        self.sim.fault("acme", delay_ms=500)
        c = self.daemon.connect()
        c.send(self.add_line("acme"))
        self.until(lambda: self.sim.stats("acme")["requests"], what="a check under way")
        c.close()
        self.pause_s(1.5)
        self.assertEqual(self.names(), [])
        self.sim.clear_faults("acme")
        self.assertEqual(self.add("acme")["hosts"], 120)


    def test_an_end_during_the_check_is_clean(self):
        self.sim.fault("acme", delay_ms=3000)
        c = self.daemon.connect()
        c.send(self.add_line("acme"))
        self.until(lambda: self.daemon.rows("status") and "name=\"tenant add\"" in self.daemon.log(),
                   what="the command")
        self.assertEqual(self.daemon.stop(), 0)
        c.close()
        self.daemon.start()
        self.assertEqual(self.names(), [])

    def test_many_commands_at_once(self):
        names = [f"t{i}" for i in range(12)]
        peers = [self.daemon.connect() for _ in names]
        for c, name in zip(peers, names):
            c.send(self.add_line("initech", name=name))
        for c in peers:
            self.assertTrue(list(c.lines())[-1]["ok"])
        for c, name in zip(peers, names):
            c.send(f"tenant remove {name} --yes" if name < "t5" else
                   f"tenant set {name} --set {word(json.dumps({'interval': '3h'}))}")
        for c in peers:
            self.assertTrue(list(c.lines())[-1]["ok"])
            c.close()
        left = sorted(n for n in names if n >= "t5")
        self.assertEqual(sorted(self.names()), left)
        self.daemon.kill()
        self.daemon.start()
        self.assertEqual({t: self.daemon.tenant(t)["settings"]["interval"] for t in self.names()},
                         dict.fromkeys(left, "3h"))


class Changing(AtRunTime):
    def setUp(self):
        super().setUp()
        self.add("acme")
        self.daemon.rows("wait acme synced")

    def set(self, more="", **settings):
        return self.ask(f"tenant set acme --set {word(json.dumps(settings))} {more}")[0]

    def test_settings(self):
        row = self.set(interval="10m", limits={"page_hosts": 50})
        self.assertEqual((sorted(row["changed"]), row["new_baseline"]), (["interval", "limits.page_hosts"], False))
        row = self.set(limits={"page_hosts": None}, map_users=False)
        self.assertEqual(sorted(row["changed"]), ["limits.page_hosts", "map_users"])
        self.assertEqual(self.daemon.stop(), 0)
        self.daemon.start()
        shown = self.daemon.tenant("acme")["settings"]
        self.assertEqual((shown["interval"], shown["map_users"], shown["limits"]["page_hosts"]), ("10m", False, "auto"))
        self.assertEqual(self.daemon.rows("sync acme --wait")[-1]["result"], "ok")

    def test_what_cannot_be_set(self):
        self.no("tenant set acme", "config", "--set")
        self.no(f"tenant set acme --set {word(json.dumps({'interval': 'never'}))}", "config", "interval")
        self.no(f"tenant set acme --set {word(json.dumps({'name': 'other'}))}", "config", "name")
        self.no(f"tenant set acme --set {word(json.dumps({'token': TOKEN}))}", "config", "secret")
        self.no(f"tenant set acme --set {word('{')}", "config")
        self.no("tenant set acne --set {}", "not_found", "acme")
        self.assertEqual(self.daemon.tenant("acme")["settings"]["interval"], "1h")

    def test_another_server_needs_the_token_and_begins_anew(self):
        url = self.sim.url("globex")
        self.no(f"tenant set acme --set {word(json.dumps({'url': url}))}", "config", "--token")
        row = self.set(url=url, more=f"--token {word(self.sim.token('globex'))}")
        self.assertTrue(row["new_baseline"])
        self.assertEqual(sorted(row["changed"]), ["token", "url"])
        end = self.daemon.rows("wait acme synced")[0]
        self.assertEqual((end["result"], end["created"]), ("ok", 40))
        self.assertEqual(len(self.daemon.rows("devices acme")), 40)
        self.assertEqual(self.daemon.rows("deletions"), [])
        self.daemon.rows("verify")

    def test_secret_headers_stay_with_their_server(self):
        self.ask(f"tenant set acme --header {word('X-Secret: ' + HEADER)}")
        line = (f"tenant set acme --set {word(json.dumps({'url': self.sim.url('globex')}))} "
                f"--token {word(self.sim.token('globex'))}")
        self.no(line, "config", "--header")
        self.assertTrue(self.ask(line + ' --header ""')[0]["new_baseline"])

    def test_a_change_of_server_that_was_cut_off_is_finished(self):
        with self.the_store_of_now():
            self.set(url=self.sim.url("globex"), more=f"--token {word(self.sim.token('globex'))}")
        self.until(lambda: self.names() == ["acme"], what="the tenant with its new server")
        self.assertEqual(self.daemon.rows("wait acme synced")[0]["created"], 40)
        self.assertEqual(self.daemon.tenant("acme")["url"], self.sim.url("globex"))
        self.assertEqual(len(self.daemon.rows("devices acme")), 40)
        self.assertEqual(self.daemon.rows("deletions"), [])
        self.daemon.rows("verify")

    @contextlib.contextmanager
    def the_store_of_now(self):
        """What happens inside reaches the keyring but not the devices, as when it was killed between the two."""
        self.assertEqual(self.daemon.stop(), 0)
        kept = {p: p.read_bytes() for p in self.muster.store.iterdir() if p.is_file()}
        self.daemon.start()
        yield
        self.daemon.kill()
        for path, content in kept.items():
            path.write_bytes(content)
        self.daemon.start()

    def test_other_defaults_reach_it(self):
        self.set(stale_after="3d")
        self.daemon.sections["defaults"] = {"interval": "30m", "stale_after": "9d"}
        self.daemon.write_config()
        rows = self.daemon.rows("reload")
        self.assertIn(("changed", "acme", "interval"), [(r["what"], r["name"], r["settings"]) for r in rows])
        shown = self.daemon.tenant("acme")["settings"]
        self.assertEqual((shown["interval"], shown["stale_after"]), ("30m", "3d"))

    def test_a_new_master_key(self):
        before = self.key.read_bytes()
        self.ask(self.add_line("globex"))
        row = self.ask("secrets rotate")[0]
        self.assertEqual(row["sealed"], 2)
        self.assertNotEqual(self.key.read_bytes(), before)
        self.assertEqual(self.daemon.stop(), 0)
        self.daemon.start()
        self.assertEqual(self.names(), ["acme", "globex"])
        self.assertEqual(self.daemon.rows("sync acme --wait")[-1]["result"], "ok")

    def test_removed_it_stays_away(self):
        self.assertEqual(self.daemon.ask("tenant remove acme --yes")[1]["devices"], 120)
        self.assertEqual(self.names(), [])
        self.refused("tenant remove acme --yes", "not_found")
        self.assertEqual(self.daemon.stop(), 0)
        self.daemon.start()
        self.assertEqual(self.names(), [])

    def test_a_crash_during_removal_does_not_bring_it_back(self):
        with self.the_store_of_now():
            self.ask("tenant remove acme --yes")
        self.assertEqual([(t["tenant"], t["source"]) for t in self.daemon.rows("tenant list")], [("acme", "store")])
        self.assertEqual(self.daemon.ask("tenant remove acme --yes")[1]["devices"], 120)


class Certificates(AtRunTime):
    servers = ("name=secure,hosts=9,tls=mutual",)

    def test_a_client_certificate_comes_as_contents(self):
        cert, key = (pathlib.Path(self.sim.dir, f).read_text() for f in ("client.pem", "client.key"))
        end = self.tell(self.add_line("secure"))[1]
        self.assertIn(end.get("reason"), ("tls", "connect"), end)  # its alert may be lost with the connection
        self.no(self.add_line("secure", more=f"--key {word(key)}"), "config", "client certificate")
        self.ask(self.add_line("secure", more=f"--cert {word(cert)} --key {word(key)}"))
        self.assertEqual(self.daemon.rows("wait secure synced")[0]["hosts"], 9)
        self.assertEqual(self.daemon.stop(), 0)
        self.daemon.start()
        self.assertEqual(self.daemon.rows("sync secure --wait")[-1]["result"], "ok")
        secret = key.splitlines()[1].encode()
        for path in self.muster.store.rglob("*"):
            self.assertFalse(path.is_file() and secret in path.read_bytes(), path)


class BesideTheFile(AtRunTime):
    file = ["globex"]

    def test_tenants_of_the_file_are_changed_there(self):
        for line in ("tenant set globex --set {}", "tenant rotate-token globex --token x"):
            self.no(line, "conflict", str(self.muster.config), "line 3", "reload")
        self.no(self.add_line("acme", name="globex"), "conflict", str(self.muster.config), "line 3")

    def test_a_reload_does_not_touch_those_that_were_added(self):
        self.add("acme")
        self.daemon.rows("wait acme synced")
        self.muster.tenants["initech"] = {}
        self.daemon.write_config()
        self.daemon.rows("reload")
        self.assertEqual(sorted(self.names()), ["acme", "globex", "initech"])
        self.muster.tenants["acme"] = {}
        self.daemon.write_config()
        rows = self.daemon.rows("reload")
        self.assertEqual([(r["what"], r["name"]) for r in rows], [("complaint", "acme")])
        self.assertEqual(self.daemon.tenant("acme")["source"], "runtime")


class WithoutAKey(Running):
    def test_it_says_which_setting_is_missing(self):
        self.serve("name=acme,hosts=5")
        self.run_daemon()
        self.refused("tenant add other --url https://fleet.example.com --token x", "config", "secrets.key_file")
        self.refused("secrets rotate", "config", "secrets.key_file")


class Secrets(AtRunTime):
    def found(self, secrets=PLANTED):
        """Where one of the texts stands: in logs, answers, files of the store."""
        places = {str(log): log.read_bytes() for log in self.daemon.logs}
        places["answers"] = json.dumps(self.answers).encode()
        for folder, _, files in os.walk(self.muster.store):
            for name in files:
                path = pathlib.Path(folder, name)
                places[str(path)] = path.read_bytes()
        return [(where, secret) for where, text in places.items() for secret in secrets if secret.encode() in text]

    def test_they_stand_nowhere(self):
        self.sim.mutate("acme", "token", value=TOKEN)
        self.sim.mutate("globex", "token", value=ROTATED)
        header = f"--header {word('X-Secret: ' + HEADER)}"
        self.ask(self.add_line("acme", token=TOKEN, more=header))
        self.daemon.rows("wait acme synced")
        self.no(self.add_line("globex", token=REFUSED, more=header), "token")
        self.ask(self.add_line("globex", token=REFUSED, more=header + " --no-check"))
        self.until(lambda: self.daemon.tenant("globex")["state"] == "auth_failed", what="a refused token")
        self.no(self.add_line("initech", token=REFUSED, more="--header " + word(HEADER)), "config")
        self.no(self.add_line("initech", token=REFUSED, more=f"--nonsense {word(HEADER)}"), "config")
        self.no(self.add_line("initech", token=REFUSED + "\n" + REFUSED), "config")
        self.no(f"tenant add initech --token {word(REFUSED)} --header \"{HEADER}", "syntax")
        self.no(f"tenant set globex --set {word(json.dumps({'token': REFUSED}))}", "config")
        self.ask(f"tenant rotate-token globex --token {word(ROTATED)}")
        self.daemon.rows("wait globex synced")
        self.sim.fault("acme", "list", status=500, body=f"echo {TOKEN} {HEADER}")
        self.no("sync acme --wait", "server")
        self.assertIn("500", self.daemon.tenant("acme")["error"])
        for line in ("tenant show acme", "tenant show globex", "tenant list", "tenants", "status", "secrets rotate"):
            self.ask(line)
        self.assertEqual(self.found(), [])
        where = {pathlib.Path(w).parent.name for w, _ in self.found([self.sim.url("acme")])}
        self.assertLessEqual({"store", "secrets"}, where)  # it is looked for in the right places
        self.assertEqual(self.daemon.stop(), 0)
        self.sim.clear_faults("acme")
        self.daemon.start()
        self.assertEqual(self.names(), ["acme", "globex"])
        for name in self.names():
            self.assertEqual(self.ask(f"sync {name} --wait")[-1]["result"], "ok")
        self.assertEqual(self.found(), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
