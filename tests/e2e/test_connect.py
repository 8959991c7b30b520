"""The way to a server: addresses, certificates, tokens, roles and what the
server turns out to be; for each a sentence that a person understands."""

import http.server
import socket
import threading
import unittest

import muster_e2e
from oracle import QUICK, Scenario

TRIES = ["--give-up-after", "3s"]


class Connect(Scenario):
    def refused(self, *sentences, error=None, tenant="acme", asked=None):
        """The sync fails and says each of `sentences`; nothing was listed."""
        run = self.sync(*TRIES, status=1, timeout=30)
        line = next(l for l in run.out.splitlines() if l.startswith(tenant + " ") and " failed " in l)
        for s in sentences:
            self.assertIn(s, line)
        if error:
            self.assertIn(f"({error})", line)
            self.assertEqual(self.tenant(tenant)["sync"]["error"], error)
            self.assertIn(sentences[0], self.tenant(tenant)["sync"]["text"])
        self.assertEqual(self.devices(tenant), {})
        self.assertNotIn(self.sim.token(tenant), run.out + run.err)
        return line

    def only(self, setting="", **settings):
        self.serve("name=acme,hosts=60" + ("," + setting if setting else ""), **settings)


class Certificates(Connect):
    def test_expired(self):
        self.only("tls=expired")
        self.refused("has expired", error="tls")

    def test_self_signed(self):
        self.only("tls=self")
        self.refused("self-signed", "ca_file", error="tls")

    def test_wrong_name(self):
        self.only("tls=wrongname")
        self.refused("issued for", "127.0.0.1", error="tls")

    def test_unknown_issuer(self):
        self.only()
        self.muster.settings["ca_file"] = None
        self.muster.write_config()
        text = self.muster.config.read_text()
        self.assertNotIn("ca_file", text)
        self.refused("issuer", "ca_file", error="tls")

    def test_not_tried_again(self):
        self.only("tls=expired")
        self.refused("has expired")
        self.assertNotIn("attempts", self.last.out)

    def test_client_certificate(self):
        self.only("tls=mutual")
        # with TLS 1.3 the refusal comes after the request was sent, and a reset may overtake it
        line = self.refused("the server's version")
        self.assertRegex(line, "client_cert|lost before an answer came")
        self.muster.settings.update(client_cert=f"{self.sim.dir}/client.pem", client_key=f"{self.sim.dir}/client.key")
        self.muster.write_config()
        self.sync()
        self.assertEqual(len(self.devices()), 60)

    def test_tls_to_a_plain_port(self):
        def answer(listener):
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(4096)
                    connection.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        threading.Thread(target=answer, args=(listener,), daemon=True).start()
        self.only()
        self.muster.settings["url"] = f"https://127.0.0.1:{listener.getsockname()[1]}"
        self.muster.write_config()
        self.refused("does not speak TLS", error="tls")

    def test_plain_http(self):
        self.only("tls=none")
        self.sync()
        self.same()


class Addresses(Connect):
    def closed_port(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            return s.getsockname()[1]

    def test_connection_refused(self):
        self.only()
        self.muster.settings["url"] = f"https://127.0.0.1:{self.closed_port()}"
        self.muster.write_config()
        line = self.refused("given up after 6 attempts", "the server's version", error="connect")
        self.assertIn("refused", line)

    def test_unknown_name(self):
        self.only()
        self.muster.settings["url"] = "https://fleet.invalid"
        self.muster.write_config()
        self.refused("fleet.invalid", "given up after 6 attempts", error="dns")

    def test_private_addresses_need_leave(self):
        self.only()
        self.muster.settings["allow_private"] = False
        self.muster.write_config()
        self.refused("allow_private", error="address")
        self.assertEqual(self.sim.stats("acme")["connections"], 0)

    def test_http_needs_leave(self):
        self.only("tls=none")
        self.muster.settings["allow_http"] = False
        self.muster.write_config()
        run = self.muster.once(*QUICK)
        self.assertEqual(run.status, 3, run)
        self.assertIn("allow_http", run.err)

    def test_spelling_is_repaired(self):
        self.only()
        self.muster.settings.update(url=f"  {self.sim.url('acme')}/api/v1/fleet/ ", ca_file=self.sim.ca_file("acme"))
        self.muster.write_config()
        self.sync()
        self.same()

    def test_path_prefix(self):
        self.only("shared=1")
        self.sync()
        self.same()
        self.fresh()
        self.muster.settings["url"] = self.sim.url("acme") + "/elsewhere"
        self.muster.write_config()
        self.refused("not Fleet", error="not_fleet")


class Other(http.server.BaseHTTPRequestHandler):
    """A web server that has nothing to do with Fleet."""

    def do_GET(self):
        status, kind, body, more = self.server.answer
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for k, v in more.items():
            self.send_header(k, v)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class NotFleet(Connect):
    def answers(self, status, kind, body, **more):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Other)
        server.answer = (status, kind, body, more)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.only()
        self.muster.settings["url"] = f"http://127.0.0.1:{server.server_port}"
        self.muster.write_config()

    def test_html(self):
        self.answers(200, "text/html", b"<html><body>It works!</body></html>")
        self.refused("Fleet", error="not_fleet")

    def test_other_json(self):
        self.answers(200, "application/json", b'{"status": "ok"}')
        self.refused("is this a Fleet server?", error="not_fleet")

    def test_not_found(self):
        self.answers(404, "text/plain", b"404 page not found\n")
        self.refused("Fleet", error="not_fleet")

    def test_empty(self):
        self.answers(200, "text/plain", b"")
        self.refused("Fleet", error="not_fleet")

    def test_no_content(self):
        self.answers(204, "text/plain", b"")
        self.refused("Fleet")

    def test_redirect_to_a_login(self):
        self.answers(302, "text/html", b"", Location="https://login.example.com/sso?next=/api")
        self.refused("redirected to", "login.example.com", error="redirect")

    def test_proxy_that_wants_a_login(self):
        self.answers(401, "text/html", b"<html>who are you?</html>")
        self.assertNotIn("token_file", self.refused("in front of Fleet", error="token"))

    def test_huge(self):
        self.answers(200, "application/json", b'{"version": "' + b"4" * 20_000_000 + b'"}')
        self.refused("longer than", error="limit")


class Tokens(Connect):
    def test_wrong(self):
        self.only()
        self.sim.mutate("acme", "token", value="another")
        self.refused("the token was refused", "in its place (token_file tokens/acme)", error="token")
        self.assertIn("(token_file tokens/acme)", self.tenant()["sync"]["text"])
        self.assertEqual(self.sim.requests("acme", "version"), 1)

    def test_wrong_in_the_environment(self):
        self.only()
        self.muster.settings.update(token_file=None, token_env="ACME_TOKEN")
        self.muster.write_config()
        self.sync(status=1, tells="in its place (token_env ACME_TOKEN)", env={"ACME_TOKEN": "another"})
        self.sync(env={"ACME_TOKEN": self.sim.token("acme")})

    def test_password_to_be_changed(self):
        self.only()
        self.sim.fault("acme", "version", status=401,
                       body='{"message": "password reset required",'
                            ' "errors": [{"name": "base", "reason": "password reset required"}]}')
        self.refused("must change its password first (token_file tokens/acme)", error="token")

    def config_error(self, content, *sentences):
        self.only()
        path = self.muster.token_file("acme")
        if content is None:
            path.unlink()
        else:
            path.write_bytes(content)
        for command in ("--once", "--check-config"):
            run = muster_e2e.run(self.muster.command(command), 20, cwd=self.muster.dir)
            self.assertEqual(run.status, 3, run)
            for s in ("muster.yaml:", *sentences):
                self.assertIn(s, run.err)
        self.assertEqual(self.sim.stats("acme")["connections"], 0)

    def test_line_break(self):
        self.config_error(b"token-\nacme\n", "token")

    def test_control_character(self):
        self.config_error(b"token\x01acme\n", "token")

    def test_empty(self):
        self.config_error(b" \n", "token")

    def test_missing(self):
        self.config_error(None, "tokens/acme")

    def test_white_space_around_it(self):
        self.only()
        (self.muster.token_file("acme")).write_text("\n  " + self.sim.token("acme") + " \r\n\n")
        self.sync()

    def test_session_warning(self):
        self.only("api_only=0")
        self.sync(tells=("warning", "session", "API-only"))
        self.same()
        self.only()
        self.sync()
        self.assertNotIn("warning", self.last.out)

    def test_token_is_never_shown(self):
        self.serve("name=acme,hosts=60,token=Zm9vYmFyYmF6c2VjcmV0")
        run = self.sync("--log-level", "debug")
        self.sim.fault("acme", "any", status=401)
        again = self.sync("--log-level", "debug", status=1)
        for r in (run, again):
            self.assertNotIn("Zm9vYmFyYmF6c2VjcmV0", r.out + r.err)
        for path in self.muster.store.rglob("*"):
            if path.is_file():
                with open(path, "rb") as f:
                    self.assertNotIn(b"Zm9vYmFyYmF6c2VjcmV0", f.read(64 << 20), path)


class Roles(Connect):
    def test_each_that_may(self):
        for role in ("observer", "observer_plus", "maintainer", "admin", "technician"):
            with self.subTest(role):
                self.only(f"role={role}")
                self.sync()
                self.assertEqual(self.tenant()["server"]["role"], role)

    def test_gitops(self):
        self.only("role=gitops")
        self.refused("gitops", "observer", error="forbidden")
        self.assertEqual(self.sim.requests("acme", "list"), 0)

    def test_none(self):
        self.only("role=none")
        self.refused("has no role", error="forbidden")

    def test_team_scope_sees_its_teams(self):
        self.only("scope=1+2")
        self.sync()
        self.same()
        self.assertEqual({d["team"]["id"] for d in self.devices().values()}, {1, 2})

    def test_team_scope_without_hosts(self):
        self.only("scope=14,teams=2")
        self.sync(status=1, tells=("no hosts are visible", "scoped to teams"))

    def test_premium_or_free(self):
        for tier in ("premium", "free"):
            self.only(f"tier={tier}")
            self.sync(tells=tier)
            self.assertEqual(self.tenant()["server"]["tier"], tier)


class Allowlist(Connect):
    def test_without_me(self):
        self.only("endpoints=list+version+config+detail")
        self.sync(tells=("warning", "/me", "no device will be deleted"))
        self.same()
        gone = self.sim.mutate("acme", "delete", count=2)["ids"]
        self.sync()
        self.sync()
        self.assertLessEqual(set(gone), set(self.devices()))
        self.assertEqual(self.kinds(), {"baseline": [None]})
        self.assertEqual(self.tenant()["missing"], 2)

    def test_without_config(self):
        self.only("endpoints=list+version+me+detail")
        self.sync()
        self.same()
        self.sim.mutate("acme", "delete", count=1)
        self.sync()
        self.same()

    def test_without_count(self):
        self.only("endpoints=list+version+me+config+detail")
        self.sync()
        self.same()

    def test_without_list(self):
        self.only("endpoints=version+me+config+detail")
        self.refused("API-only user may call", error="forbidden")

    def test_without_detail(self):
        self.only("endpoints=list+version+me+config")
        self.sync("--details", "due", tells="details")
        self.same()
        self.assertLess(self.sim.requests("acme", "detail"), 5)
        self.sim.mutate("acme", "delete", count=1)
        self.sync()
        self.assertEqual(self.kinds(), {"baseline": [None]})

    def test_me_forbidden_by_role_or_proxy_is_no_allowlist(self):
        self.only()
        self.sim.fault("acme", "me", status=403, type="text/html", body="<html>WAF</html>")
        self.refused("in front of Fleet", error="forbidden")


class Flaky(Connect):
    def test_each_endpoint_once(self):
        self.only()
        for endpoint in ("version", "me", "config", "list"):
            for do in (dict(status=503), dict(cut={"bytes": 5}), dict(status=429, body="", headers={"Retry-After": "0"})):
                with self.subTest(endpoint, do=do):
                    self.fresh()
                    self.sim.fault("acme", endpoint, {"times": 1}, **do)
                    self.sync(tells="1 retries")
                    self.same()

    def test_each_endpoint_for_ever(self):
        self.only()
        for endpoint, what in {"version": "the server's version", "me": "the token's user", "config": "the licence",
                               "list": "the list of hosts"}.items():
            with self.subTest(endpoint):
                self.fresh()
                self.sim.fault("acme", endpoint, status=503)
                self.refused("given up after 6 attempts", what, error="server")
                self.assertEqual(self.sim.requests("acme", endpoint), 6)

    def test_count_is_not_needed(self):
        self.only()
        for do in (dict(status=500), dict(status=403), dict(garbage=100)):
            self.fresh()
            self.sim.fault("acme", "count", **do)
            self.sync()
            self.assertLessEqual(self.sim.requests("acme", "count"), 1)


class Together(Connect):
    def test_sentences_name_the_tenant(self):
        self.serve("name=good,hosts=60", "name=expired,hosts=60,tls=expired", "name=gitops,hosts=60,role=gitops",
                   "name=broken,hosts=60", "name=revoked,hosts=60")
        self.sim.mutate("revoked", "token", value="x")
        self.sim.fault("broken", "list", status=500)
        self.sync(status=1)
        for tenant, sentence in {"expired": "has expired", "gitops": "gitops", "broken": "status 500",
                                 "revoked": "token was refused"}.items():
            self.assertRegex(self.last.out, f"(?m)^{tenant} +failed .*{sentence}")
        self.assertRegex(self.last.out, "(?m)^good +ok ")
        self.same("good")

    def test_one_tenant_by_name(self):
        self.serve("name=a,hosts=60", "name=b,hosts=60")
        self.sync("--tenant", "a")
        self.same("a")
        self.assertEqual(self.sim.stats("b")["requests"], 0)
        run = self.muster.once("--tenant", "nobody")
        self.assertEqual(run.status, 2, run)

    def test_second_process_is_refused(self):
        self.serve("name=acme,hosts=60")
        self.sim.fault("acme", "list", delay_ms=1500)
        first = self.muster.start_once("--details", "none")
        while not self.sim.requests("acme", "version"):
            pass
        run = self.muster.once(*QUICK)
        self.assertEqual(run.status, 6, run)
        self.assertIn(str(first.pid), run.err)
        self.assertEqual(first.wait(20), 0)


if __name__ == "__main__":
    unittest.main()
