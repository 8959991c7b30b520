"""musterctl and a running daemon: the same rows as from the store, commands, progress, exit codes."""

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
import unittest

from muster_e2e import run, wait_for
from running import Running

READING = [["tenants"], ["summary"], ["summary", "acme"], ["devices", "acme"],
           ["devices", "acme", "--state", "noncompliant"], ["devices", "acme", "--stale-after", "1h"],
           ["device", "acme", "ID"], ["changes", "acme"], ["changes", "acme", "--since", "3"], ["deletions"],
           ["deletions", "acme"], ["deletions", "show"], ["rejects", "acme"], ["tombstones", "acme"], ["verify"]]


class Ctl(Running):
    def setUp(self):
        self.serve("name=acme,hosts=60", "name=globex,hosts=20")
        self.run_daemon(secrets={"key_file": str(self.muster.dir / "master.key")})
        for name in "acme", "globex":
            self.daemon.rows(f"wait {name} synced")

    def ctl(self, *words, where=None, env=None, timeout=60):
        where = where if where is not None else ["--socket", self.daemon.socket]
        return run([self.muster.program("musterctl"), *where, *words], timeout,
                   env={k: v for k, v in {**os.environ, **(env or {})}.items() if not k.startswith("MUSTER_")
                        or k in (env or {})}, cwd=self.muster.dir)

    def good(self, *words, status=0, **more):
        r = self.ctl(*words, **more)
        self.assertEqual(r.status, status, r)
        return r.out

    def rows(self, *words, **more):
        return [json.loads(line) for line in self.good(*words, "--json", **more).splitlines()]

    def bad(self, status, tells, *words, **more):
        r = self.ctl(*words, **more)
        self.assertEqual(r.status, status, r)
        self.assertIn(tells, r.err, r)
        self.assertTrue(r.err.startswith("musterctl: "), r)


class Reading(Ctl):
    def test_both_sources_answer_the_same(self):
        one = str(self.daemon.rows("devices acme")[7]["id"])
        for form in [], ["--json"], ["--csv"]:
            for words in READING:
                words = [one if w == "ID" else w for w in words]
                a = self.ctl(*words, *form)
                b = self.ctl(*words, *form, where=["--store", self.muster.store])
                # times are shown as they look from now, and columns are as wide as these
                same = [re.sub(r" +", " ", re.sub(r"\b\d+ (s|min) ago|\bnow\b", "T", x.out)) for x in (a, b)]
                self.assertEqual(same[0], same[1], (words, form))
                self.assertEqual((a.status, a.err), (b.status, b.err), (words, form))
                self.assertEqual(a.status, 0, a)
        self.assertEqual(len(self.rows("devices", "acme")), 60)

    def test_refusals_have_the_same_exit_codes(self):
        store = ["--store", self.muster.store]
        for words in ["devices", "acne"], ["device", "acme", "4711"]:
            self.assertEqual(self.ctl(*words).status, 1)
            self.assertEqual(self.ctl(*words, where=store).status, 1)
        self.bad(1, "did you mean \"acme\"", "tenant", "show", "acne")

    def test_where_it_looks(self):
        socket, store = str(self.daemon.socket), str(self.muster.store)
        self.good("status", where=[], env={"MUSTER_SOCKET": socket, "MUSTER_STORE": "/nowhere"})
        self.good("tenants", where=[], env={"MUSTER_STORE": store})
        self.bad(2, "MUSTER_STORE names a store", "status", where=[], env={"MUSTER_STORE": store})
        self.bad(2, "instead of --store", "status", where=["--store", store])
        self.bad(4, "./var/store", "tenants", where=[])
        self.bad(7, "no daemon listens", "tenants", where=["--socket", socket + "-not"])
        self.bad(2, "exclude each other", "tenants", where=["--socket", socket, "--store", store])
        var = self.muster.dir / "var"
        var.mkdir()
        (var / "admin.sock").symlink_to(socket)
        (var / "store").symlink_to(store)
        self.good("status", where=[])
        self.daemon.kill()  # its socket is left behind
        self.assertEqual(len(self.rows("tenants", where=[])), 2)
        self.bad(7, "none listens at ./var/admin.sock", "status", where=[])

    def test_a_slow_reader_gets_everything(self):
        p = subprocess.Popen([str(self.muster.program("musterctl")), "--socket", str(self.daemon.socket), "devices",
                              "acme", "--json"], stdout=subprocess.PIPE)
        time.sleep(0.5)
        self.good("status")
        out = p.communicate(timeout=30)[0]
        self.assertEqual((p.returncode, len(out.splitlines())), (0, 60))


class Commanding(Ctl):
    def test_status(self):
        out = self.good("status")
        for text in "ready", str(self.daemon.process.pid), "2 waiting", "Devices", "80", str(self.muster.store):
            self.assertIn(text, out)
        row, = self.rows("status")
        self.assertEqual((row["devices"], row["tenants"]["total"]), (80, 2))
        self.assertIn("ready", self.good("status", "--csv"))

    def test_tenants_are_listed_and_shown(self):
        self.assertEqual({r["tenant"] for r in self.rows("tenant", "list")}, {"acme", "globex"})
        self.assertIn("waiting", self.good("tenant", "list"))
        self.assertIn("file", self.good("tenant", "list", "--csv"))
        out = self.good("tenant", "show", "acme")
        for text in "acme", "waiting", "allow_private", self.sim.url("acme"), "Last success":
            self.assertIn(text, out)
        self.assertNotIn(self.sim.token("acme"), out)

    def test_pause_and_resume(self):
        self.assertIn("paused", self.good("tenant", "pause", "acme"))
        self.assertIn("1 paused, 1 waiting" if "paused, " in self.good("status") else "1 waiting, 1 paused",
                      self.good("status"))
        self.assertEqual(self.rows("tenant", "resume", "acme")[0]["state"], "waiting")

    def test_tenants_of_the_file_stay(self):
        self.bad(2, "--yes", "tenant", "remove", "acme")
        self.bad(1, "reload", "tenant", "remove", "acme", "--yes")

    def test_a_tenant_of_the_store_goes(self):
        del self.muster.tenants["globex"]
        self.daemon.write_config()
        self.assertIn("removed", self.good("reload"))
        self.assertIn("with 20 devices", self.good("tenant", "remove", "globex", "--yes"))
        self.assertEqual([r["tenant"] for r in self.rows("tenants")], ["acme"])
        self.assertIn("nothing is different", self.good("reload"))

    def test_a_bad_configuration_has_its_own_code(self):
        with open(self.muster.config, "a", encoding="utf-8") as f:
            f.write("nonsense: true\n")
        r = self.ctl("reload")
        self.assertEqual(r.status, 3, r)
        self.assertIn("nonsense", r.out)
        self.assertIn("stays in force", r.err)

    def test_log_and_copies(self):
        self.assertIn("debug", self.good("log", "debug"))
        self.bad(2, "debug", "log", "loud")
        self.assertIn(str(self.muster.dir / "copy"), self.good("backup", "copy"))
        self.assertEqual(len(self.rows("devices", "acme", where=["--store", self.muster.dir / "copy"])), 60)
        self.good("compact", str(self.muster.dir / "small"))
        self.bad(2, "exists already", "backup", "copy")

    def test_the_end(self):
        self.assertIn("the daemon ends", self.good("shutdown"))
        self.assertEqual(self.daemon.process.wait(20), 0)
        self.bad(7, "no daemon listens", "status")

    def test_a_daemon_that_goes_away(self):
        self.sim.fault("acme", "list", delay_ms=5000)
        p = subprocess.Popen([str(self.muster.program("musterctl")), "--socket", str(self.daemon.socket), "sync", "acme",
                              "--wait"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.until(lambda: self.daemon.tenant("acme")["state"] != "waiting", what="a sync")
        self.daemon.kill()
        err = p.communicate(timeout=20)[1].decode()
        self.assertEqual(p.returncode, 7, err)
        self.assertIn("went away", err)


class Syncing(Ctl):
    def test_without_a_terminal_there_are_plain_lines(self):
        self.sim.mutate("acme", "add", count=2)
        out = self.good("sync", "acme", "--wait")
        self.assertNotIn("\x1b", out)
        self.assertRegex(out, r"(?m)^acme +ok +62 hosts, 2 created(, 2 changed)? \(\d+\.\d s\)$")
        self.assertIn("--wait shows", self.good("sync", "acme"))
        self.assertIn("ok", self.good("wait", "acme", "idle"))
        done = [r for r in self.rows("sync", "--all", "--wait") if "done" in r]
        self.assertEqual({r["done"] for r in done}, {"acme", "globex"})
        csv = self.good("sync", "acme", "--wait", "--csv").split("\r\n")
        self.assertTrue(csv[0].startswith("tenant,result,hosts"), csv)
        self.assertTrue(csv[1].startswith("acme,ok,62"), csv)
        self.bad(2, "--all", "sync")

    def test_failures_are_told(self):
        self.sim.mutate("acme", "token", value="another")
        r = self.ctl("sync", "acme", "--wait")
        self.assertEqual(r.status, 1, r)
        self.assertRegex(r.out, r"(?m)^acme +failed +.*token")
        self.assertEqual(self.ctl("tenants").status, 1)
        self.assertIn("auth failed", self.good("tenant", "list"))

    def on_terminal(self, *words, columns=80, timeout=60):
        """What musterctl writes on a terminal, and how it ends."""
        pid, fd = pty.fork()
        if not pid:
            os.chdir(self.muster.dir)
            program = str(self.muster.program("musterctl"))
            environment = {**os.environ, "TERM": "xterm"}
            environment.pop("COLUMNS", None)
            time.sleep(0.2)  # until the size is set
            os.execve(program, [program, "--socket", str(self.daemon.socket), *words], environment)
        fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        out, until = b"", time.monotonic() + timeout
        try:
            while time.monotonic() < until and select.select([fd], [], [], timeout)[0]:
                part = os.read(fd, 65536)
                if not part:
                    break
                out += part
        except OSError:
            pass  # the other end is closed
        finally:
            os.close(fd)
        return out.decode(), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    def test_a_terminal_shows_bars(self):
        for columns in 80, 50:
            self.sim.fault("acme", "list", delay_ms=700)
            out, status = self.on_terminal("sync", "--all", "--wait", columns=columns)
            self.sim.clear_faults("acme")
            self.assertEqual(status, 0, out)
            self.assertRegex(out, r"acme +\w+ +(\[[#.]+\] )?\d+ (of \d+ )?hosts")
            self.assertIn("\x1b[", out)
            self.assertRegex(out, r"acme +ok +60 hosts")
            bars = [line for line in re.split(r"[\r\n]+", out) if "hosts, " in line and "/s" in line]
            self.assertTrue(bars)
            self.assertLessEqual(max(len(re.sub(r"\x1b\[[0-9]*[A-Z]", "", b)) for b in bars), columns - 1)

    def test_tables_fit_the_terminal(self):
        for words in ["tenant", "list"], ["status"], ["tenant", "show", "acme"], ["devices", "acme"]:
            out, status = self.on_terminal(*words, columns=80)
            self.assertEqual(status, 0, out)
            plain = re.sub(r"\x1b\[[0-9;]*m", "", out)
            self.assertLessEqual(max(len(line) for line in plain.split("\r\n")), 80, out)

    def test_held_deletions(self):
        self.sim.mutate("acme", "delete", count=40)
        self.ctl("sync", "acme", "--wait")
        out = self.good("deletions")
        self.assertIn("musterctl deletions accept acme --count 40", out)
        self.bad(1, "not 39", "deletions", "accept", "acme", "--count", "39")
        self.bad(2, "--count", "deletions", "accept", "acme")
        out = self.good("deletions", "accept", "acme", "--count", "40", "--wait")
        self.assertIn("40 deletions of \"acme\" are accepted", out)
        self.assertRegex(out, r"acme +ok +20 hosts, 40 deleted")
        self.assertEqual(len(self.rows("devices", "acme")), 20)


class Secrets(Ctl):
    """What musterctl reads of files, and what never stands in its arguments."""

    def test_there_is_no_option_for_a_token(self):
        self.bad(2, "unknown option \"--token\"", "tenant", "rotate-token", "acme", "--token", "geheim")
        self.assertNotIn("geheim", self.ctl("tenant", "add", "x", "--token", "geheim").err)

    def test_files_that_cannot_be_read_are_refused_here(self):
        self.bad(2, "cannot be read", "tenant", "add", "x", "--url", "https://f", "--token-file", "nowhere")
        self.bad(2, "no token is given", "tenant", "add", "x", "--url", "https://f")
        self.bad(2, "is empty", "tenant", "add", "x", "--url", "https://f", "--token-stdin")

    def test_a_tenant_comes_changes_and_goes(self):
        del self.muster.tenants["globex"]
        self.daemon.write_config()
        self.good("reload")
        self.good("tenant", "remove", "globex", "--yes")
        row, = self.rows("tenant", "add", "globex", "--url", self.sim.url("globex"), "--token-file",
                         self.muster.token_file("globex"), "--ca-file", self.sim.ca_file("globex"),
                         "--allow-private", "--interval", "30m", "--header", "X-Way: north, then east")
        self.assertEqual((row["tenant"], row["version"] != ""), ("globex", True))
        self.assertIn("20 hosts", self.good("sync", "globex", "--wait"))
        self.assertEqual(len(self.rows("devices", "globex")), 20)
        self.assertEqual(self.rows("tenant", "set", "globex", "--interval", "45m")[0]["changed"], ["interval"])
        self.assertIn("45m", self.good("tenant", "show", "globex"))
        self.sim.mutate("globex", "token", value="second-token")
        self.bad(1, "token", "tenant", "rotate-token", "globex", "--token-file", self.muster.token_file("globex"))
        self.muster.token_file("globex").write_text("second-token\n")
        self.good("tenant", "rotate-token", "globex", "--token-file", self.muster.token_file("globex"))
        self.good("sync", "globex", "--wait")
        self.assertIn("20 devices", self.good("tenant", "remove", "globex", "--yes"))
        self.assertNotIn("second-token", self.daemon.log())


class Following(Ctl):
    def test_changes_as_they_come_or_a_sentence(self):
        known = any(o["name"] == "follow" for o in self.daemon.rows("help changes")[0]["options"])
        if not known:
            self.bad(2, "--follow", "changes", "acme", "--follow")
            return
        p = subprocess.Popen([str(self.muster.program("musterctl")), "--socket", str(self.daemon.socket), "changes",
                              "acme", "--follow", "--json"], stdout=subprocess.PIPE)
        try:
            first = json.loads(p.stdout.readline())
            self.assertEqual(first["kind"], "baseline")
            self.sim.mutate("acme", "add", count=1)
            self.good("sync", "acme", "--wait")
            self.assertTrue(select.select([p.stdout], [], [], 20)[0])
            self.assertEqual(json.loads(p.stdout.readline())["kind"], "created")
        finally:
            p.send_signal(signal.SIGINT)
            p.communicate(timeout=20)
        wait_for(lambda: p.returncode is not None, what="the end of musterctl")


if __name__ == "__main__":
    unittest.main()
