"""`doctor T` of the daemon: what each step sees, and what it advises."""

import socket
import unittest

from running import Running

STEPS = ["address", "name", "allowed", "tcp", "tls", "fleet", "token", "role", "licence", "clock", "hosts", "cursor",
         "latency"]


class Doctor(Running):
    def look_at(self, tenant="name=acme,hosts=120", **settings):
        """The tenant is paused, so that nothing but the doctor asks its server."""
        self.serve(tenant, "name=globex,hosts=1", tenants={"acme": settings, "globex": {}})
        self.run_daemon()
        self.daemon.rows("wait globex idle")
        self.daemon.rows("tenant pause acme")
        self.daemon.rows("wait acme idle")
        return self.examine()

    def examine(self):
        rows, end = self.daemon.ask("doctor acme", timeout=60)
        self.assertEqual([r["step"] for r in rows], STEPS)
        weight = ["skipped", "ok", "warning", "failed"].index
        self.assertEqual(end["verdict"], max((r["verdict"] for r in rows), key=weight))
        for r in rows:
            self.assertTrue(r["saw"], r)
            self.assertNotIn(self.sim.token("acme"), r["saw"] + (r["remedy"] or ""))
            if r["verdict"] in ("warning", "failed"):
                self.assertTrue(r["remedy"], r)
            elif r["verdict"] == "skipped":
                self.assertIsNone(r["remedy"])
        return {r["step"]: r for r in rows}

    def failed(self, found, step, saw, remedy):
        """That step is the first that is not fine, and what needs it is skipped."""
        row = found[step]
        self.assertEqual(row["verdict"], "failed", row)
        self.assertIn(saw, row["saw"])
        self.assertIn(remedy, row["remedy"])
        at = STEPS.index(step)
        self.assertNotIn("failed", [found[s]["verdict"] for s in STEPS[:at] + STEPS[at + 1:]])
        return [s for s in STEPS[at + 1:] if found[s]["verdict"] != "skipped"]


class Good(Doctor):
    def test_all_is_well(self):
        found = self.look_at()
        self.assertEqual({s: r["verdict"] for s, r in found.items()}, {s: "ok" for s in STEPS})
        self.assertIn("4.93.0", found["fleet"]["saw"])
        self.assertIn("120", found["hosts"]["saw"])
        self.assertIn("order_key=id", found["cursor"]["saw"])
        self.assertIn("100 hosts", found["latency"]["saw"])
        self.assertIn("days left", found["tls"]["saw"])
        self.assertIn("global observer", found["role"]["saw"])
        self.assertIn("premium", found["licence"]["saw"])

    def test_it_changes_nothing(self):
        self.look_at()
        before = self.daemon.rows("tenants"), self.daemon.rows("changes acme")
        self.sim.clear_stats()
        self.examine()
        self.assertEqual((self.daemon.rows("tenants"), self.daemon.rows("changes acme")), before)
        self.assertGreaterEqual(self.sim.requests("acme", "list"), 3)

    def test_an_old_server(self):
        found = self.look_at("name=acme,hosts=20,version=4.40.0")
        self.assertEqual(found["cursor"]["verdict"], "ok")
        self.assertIn("h.id", found["cursor"]["saw"])

    def test_no_cursor(self):
        self.look_at()
        self.sim.fault("acme", "list", {}, param_422="after")
        found = self.examine()
        self.assertEqual(found["cursor"]["verdict"], "warning")
        self.assertIn("Fleet", found["cursor"]["remedy"])

    def test_a_client_certificate_that_is_missing(self):
        found = self.look_at("name=acme,hosts=20,tls=mutual")
        self.assertEqual(found["tls"]["verdict"], "warning", found["tls"])
        self.assertIn("client_cert", found["tls"]["remedy"])
        self.assertEqual(found["fleet"]["verdict"], "failed")
        self.assertIn("client_cert", found["fleet"]["remedy"])


class FourFailures(Doctor):
    def test_refused_port(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            found = self.look_at(url=f"https://127.0.0.1:{s.getsockname()[1]}")
        self.assertEqual(self.failed(found, "tcp", "refused", "nothing listens on its port"), [])

    def test_stalled_server(self):
        self.look_at(limits={"first_byte": "1s", "request": "2s"})
        self.sim.fault("acme", "any", {}, stall=True)
        self.assertEqual(self.failed(self.examine(), "fleet", "the server's version", "no answer came in time"), [])

    def test_silent_port(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            found = self.look_at(url=f"https://127.0.0.1:{listener.getsockname()[1]}")
        self.assertEqual(self.failed(found, "tls", "did not end within", "says nothing"), [])

    def test_wrong_token(self):
        self.look_at()
        self.sim.mutate("acme", "token", value="another")
        found = self.examine()
        self.assertEqual(self.failed(found, "token", "token was refused", "API-only user"), ["clock"])
        self.assertIn("token_file tokens/acme", found["token"]["saw"])
        self.assertEqual(found["fleet"]["verdict"], "ok")

    def test_no_hosts(self):
        found = self.look_at("name=acme,hosts=0")
        self.assertEqual(self.failed(found, "hosts", "no hosts", "enroll"), ["cursor"])

    def test_expired(self):
        found = self.look_at("name=acme,hosts=20,tls=expired")
        self.assertEqual(self.failed(found, "tls", "expired on 20", "renew"), [])

    def test_self_signed(self):
        found = self.look_at("name=acme,hosts=20,tls=self")
        self.assertEqual(self.failed(found, "tls", "self-signed", "ca_file"), [])

    def test_wrong_name(self):
        found = self.look_at("name=acme,hosts=20,tls=wrongname")
        self.assertEqual(self.failed(found, "tls", "not for \"127.0.0.1\"", "name of the certificate"), [])

    def test_private_ca(self):
        found = self.look_at(ca_file=None)
        self.assertEqual(self.failed(found, "tls", "issuer", "your private CA"), [])


class Others(Doctor):
    def test_unknown_name(self):
        found = self.look_at(url="https://fleet.invalid")
        self.assertEqual(self.failed(found, "name", "fleet.invalid", "spelling"), [])

    def test_private_address(self):
        found = self.look_at(allow_private=False)
        self.assertEqual(self.failed(found, "allowed", "a loopback address", "allow_private"), [])

    def test_behind_a_proxy(self):
        """What the proxy does cannot be seen; the first request tells whether it works."""
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            found = self.look_at(proxy=f"http://127.0.0.1:{s.getsockname()[1]}")
        self.assertEqual({found[s]["verdict"] for s in ("name", "allowed", "tcp", "tls")}, {"skipped"})
        self.assertEqual(self.failed(found, "fleet", "the proxy", "proxy"), [])

    def test_plain_http(self):
        found = self.look_at("name=acme,hosts=20,tls=none")
        self.assertEqual(found["address"]["verdict"], "warning")
        self.assertEqual(found["tls"]["verdict"], "skipped")
        self.assertEqual(found["latency"]["verdict"], "ok")

    def test_not_fleet(self):
        self.look_at()
        self.sim.fault("acme", "any", {}, html200=True)
        self.assertEqual(self.failed(self.examine(), "fleet", "as Fleet does", "something else"), [])

    def test_a_team(self):
        found = self.look_at("name=acme,hosts=120,scope=1+2")
        self.assertEqual(found["role"]["verdict"], "warning")
        self.assertIn("1:observer,2:observer", found["role"]["saw"])
        self.assertIn("global role observer", found["role"]["remedy"])

    def test_a_session(self):
        found = self.look_at("name=acme,hosts=20,api_only=0")
        self.assertEqual(found["token"]["verdict"], "warning")
        self.assertIn("expires", found["token"]["saw"])

    def test_gitops(self):
        found = self.look_at("name=acme,hosts=20,role=gitops")
        self.assertEqual(self.failed(found, "role", "gitops", "observer"), ["licence", "clock"])

    def test_a_slow_page(self):
        self.look_at()
        self.sim.fault("acme", "list", {}, delay_ms=5500)
        found = self.examine()
        self.assertEqual(found["latency"]["verdict"], "warning", found["latency"])

    def test_who_hangs_up_ends_it(self):
        self.look_at()
        self.sim.fault("acme", "any", {}, stall=True)
        before = self.daemon.descriptors()
        self.sim.clear_stats()
        for wait in (0, 0.01, 0.3):
            c = self.daemon.connect()
            c.send("doctor acme")
            self.pause_s(wait)
            c.close()
        self.until(lambda: self.daemon.descriptors() <= before, what="closed descriptors")
        self.assertGreater(self.sim.stats("acme")["connections"], 0)

    def test_a_tenant_that_is_removed_meanwhile(self):
        self.look_at(limits={"first_byte": "2s", "request": "3s"})
        self.sim.fault("acme", "any", {}, stall=True)
        c = self.daemon.connect()
        self.addCleanup(c.close)
        c.send("doctor acme")
        del self.muster.tenants["acme"]
        self.daemon.write_config()
        self.assertEqual([r["what"] for r in self.daemon.rows("reload")], ["removed"])
        self.assertNotIn("acme", [t["tenant"] for t in self.daemon.rows("tenant list") if t["source"] == "file"])
        *rows, end = c.lines()
        self.assertEqual((len(rows), end["verdict"]), (len(STEPS), "failed"))

    def test_the_daemon_ends_meanwhile(self):
        self.look_at()
        self.sim.fault("acme", "any", {}, stall=True)
        c = self.daemon.connect()
        c.send("doctor acme")
        next(c.lines())
        self.assertEqual(self.daemon.stop(), 0)
        c.close()

    def test_unknown_tenant(self):
        self.look_at()
        self.refused("doctor acne", "not_found", "did you mean \"acme\"")


if __name__ == "__main__":
    unittest.main(verbosity=2)
