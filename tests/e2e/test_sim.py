"""The simulator against what Fleet is known to do: a test server that is wrong
would make every other test worthless."""

import http.client
import json
import socket
import ssl
import threading
import time
import unittest
import zlib
from urllib.error import URLError

from muster_e2e import Failed, Sim, shared


class SimTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sim = Sim("name=new,hosts=120,seed=7,version=4.93.0",
                      "name=mid,hosts=60,version=4.81.0",
                      "name=v78,hosts=60,version=4.78.0",
                      "name=old,hosts=60,version=4.36.0,tier=free,role=admin",
                      "name=free,hosts=30,version=4.86.0,tier=free",
                      "name=scoped,hosts=200,version=4.86.0,scope=1+3,role=observer",
                      "name=gitops,hosts=5,role=gitops",
                      "name=listed,hosts=5,version=4.86.0,endpoints=list+version",
                      "name=expired,hosts=1,tls=expired", "name=self,hosts=1,tls=self",
                      "name=wrongname,hosts=1,tls=wrongname", "name=mutual,hosts=1,tls=mutual",
                      "name=plainhttp,hosts=1,tls=none",
                      "name=one,hosts=40,shared=1", "name=two,hosts=50,shared=1",
                      "name=prepared,hosts=300,prepared=1,plain=1").start()

    @classmethod
    def tearDownClass(cls):
        cls.sim.stop()

    def tearDown(self):
        for name in ("new", "old", "mid", "prepared"):
            self.sim.clear_faults(name)

    def error(self, answer):
        e = answer.json()
        first = e.get("errors", [{}])[0]
        return answer.status, e["message"], first.get("name"), first.get("reason")

    def raw(self, tenant, path):
        """The connection after a request was sent: for bytes that no client library shows."""
        host, port = self.sim.url(tenant).split("//")[1].split(":")
        s = socket.create_connection((host, int(port)), timeout=20)
        if self.sim.url(tenant).startswith("https:"):
            s = ssl.create_default_context(cafile=self.sim.ca_file(tenant)).wrap_socket(s, server_hostname=host)
        s.sendall(f"GET /api/v1/fleet/{path} HTTP/1.1\r\nHost: x\r\n"
                  f"Authorization: Bearer {self.sim.token(tenant)}\r\n\r\n".encode())
        return s

    def read_all(self, s):
        got = b""
        s.settimeout(20)
        try:
            while part := s.recv(65536):
                got += part
                if got.endswith(b"\r\n0\r\n\r\n"):
                    break
        finally:
            s.close()
        return got


class Forms(SimTest):
    def test_new_is_compact_and_streamed(self):
        a = self.sim.page("new", order_key="id", after=0, per_page=10)
        self.assertTrue(a.body.startswith(b'{"hosts": [{"created_at":"'), a)
        self.assertTrue(a.body.endswith(b"}]}"), a.body[-20:])
        self.assertEqual(a.headers["Content-Type"], "application/json")
        self.assertEqual(a.headers["Transfer-Encoding"], "chunked")
        self.assertNotIn(b"\n", a.body)

    def test_old_is_indented(self):
        a = self.sim.page("old", order_key="h.id", after=0, per_page=10)
        self.assertTrue(a.body.startswith(b'{\n  "hosts": [\n    {\n      "created_at": "'), a)
        self.assertTrue(a.body.endswith(b"\n  ]\n}\n"))
        self.assertEqual(a.headers["Content-Type"], "application/json; charset=utf-8")
        self.assertEqual(a.body, json.dumps(a.json(), indent=2, ensure_ascii=False).encode()
                         .replace(b"&", b"\\u0026").replace(b"<", b"\\u003c").replace(b">", b"\\u003e")
                         .replace(b"\xe2\x80\xa8", b"\\u2028") + b"\n")

    def test_empty_pages(self):
        self.assertEqual(self.sim.page("old", order_key="id", page=99, per_page=10).body, b'{\n  "hosts": []\n}\n')
        self.assertEqual(self.sim.page("new", order_key="id", after=999999, per_page=10).body, b'{"hosts": []}')

    def test_keys_by_version(self):
        first = {t: self.sim.page(t, order_key="id", per_page=1, device_mapping="true", populate_policies="1",
                                  include_device_status="T").json()["hosts"][0] for t in ("new", "mid", "v78", "old")}
        for key, has in {"disk_encryption_enabled": "new", "fleet_id": "new", "timezone": "new",
                         "software": "new mid v78", "policies": "new mid v78", "gigs_total_disk_space": "new mid v78",
                         "last_restarted_at": "new mid v78", "orbit_version": "new mid v78",
                         "device_mapping": "new mid v78 old", "mdm": "new mid v78 old"}.items():
            for t, h in first.items():
                self.assertEqual(key in h, t in has.split(), f"{key} of {t}")
        self.assertIn("device_status", first["mid"]["mdm"])
        self.assertNotIn("device_status", first["v78"]["mdm"])
        self.assertEqual(list(first["old"]["issues"]), ["total_issues_count", "failing_policies_count"])
        self.assertEqual(list(first["new"]["issues"]),
                         ["failing_policies_count", "critical_vulnerabilities_count", "total_issues_count"])
        self.assertEqual(first["new"]["fleet_id"], first["new"]["team_id"])
        self.assertIsNone(first["new"]["software"])

    def test_issues_agree_with_policies(self):
        for h in self.sim.hosts("new", populate_policies="true"):
            answers = [p["response"] for p in h["policies"] or []]
            self.assertEqual(h["issues"]["failing_policies_count"], answers.count("fail"))
            self.assertEqual(answers, sorted(answers, key=["fail", "", "pass"].index))

    def test_oddities_are_there(self):
        body = b"".join(self.sim.page("new", order_key="id", after=0, per_page=500).body for _ in range(1))
        hosts = json.loads(body)["hosts"]
        self.assertIn(b"\\u0000", body)
        self.assertIn(b"\\u0026", body)
        self.assertIn("🚀".encode(), body)
        self.assertTrue(any(h["uptime"] > 2**53 for h in hosts))
        self.assertTrue(any(len(h["computer_name"]) == 255 and len(h["computer_name"].encode()) == 1020 for h in hosts))
        serials = [h["hardware_serial"] for h in hosts]
        for odd in ("", "-1", "None", "0"):
            self.assertIn(odd, serials)
        self.assertEqual(serials.count("DUPLICATE-SERIAL"), 2)
        pending = [h for h in hosts if h["mdm"]["enrollment_status"] == "Pending"]
        self.assertTrue(all(h["uuid"] == "" and h["hostname"] == "" for h in pending))
        self.assertTrue(any(h["label_updated_at"] == "2000-01-01T00:00:00Z" for h in hosts))
        self.assertFalse(any(len(h["computer_name"]) > 100 for h in self.sim.hosts("prepared")))

    def test_same_seed_same_fleet(self):
        with Sim("name=x,hosts=20,seed=7,now=1790000000") as a, Sim("name=x,hosts=20,seed=7,now=1790000000") as b:
            self.assertEqual(a.hosts("x"), b.hosts("x"))
            with Sim("name=x,hosts=20,seed=8,now=1790000000") as c:
                self.assertNotEqual(a.hosts("x"), c.hosts("x"))

    def test_size_of_a_host(self):
        hosts = self.sim.hosts("prepared", device_mapping="true", populate_policies="true",
                               include_device_status="true")
        mean = sum(len(json.dumps(h, separators=(",", ":"))) for h in hosts) / len(hosts)
        self.assertTrue(4800 < mean < 5800, mean)

    def test_detail(self):
        host = self.sim.page("new", order_key="id", per_page=1).json()["hosts"][0]
        lean = self.sim.get("new", f"hosts/{host['id']}?exclude_software=true")
        full = self.sim.get("new", f"hosts/{host['id']}")
        self.assertTrue(lean.body.startswith(b'{\n  "host": {\n'))
        detail = lean.json()["host"]
        self.assertEqual(detail["software"], [])
        self.assertGreater(len(full.json()["host"]["software"]), 100)
        self.assertEqual(detail["uuid"], host["uuid"])
        self.assertEqual(detail["orbit_version"], "1.48.1")
        self.assertIn("status", detail["mdm"]["os_settings"]["disk_encryption"])
        self.assertIn("end_users", detail)
        old = self.sim.page("old", order_key="id", per_page=1).json()["hosts"][0]["id"]
        detail = self.sim.get("old", f"hosts/{old}?exclude_software=true").json()["host"]
        self.assertGreater(len(detail["software"]), 100, "old servers ignore exclude_software")
        self.assertNotIn("end_users", detail)

    def test_prepared_is_the_same_text(self):
        query = dict(order_key="id", after=0, populate_policies="true", device_mapping="true")
        whole = self.sim.page("prepared", per_page=300, **query).json()["hosts"]
        one_by_one, after = [], 0
        for _ in range(300):
            h = self.sim.page("prepared", **{**query, "after": after, "per_page": 1}).json()["hosts"][0]
            one_by_one.append(h)
            after = h["id"]
        self.assertEqual(whole, one_by_one)


class Paging(SimTest):
    def ids(self, tenant, **params):
        a = self.sim.page(tenant, **params)
        self.assertEqual(a.status, 200, a)
        return [h["id"] for h in a.json()["hosts"]]

    def test_cursor_covers_all_ascending(self):
        ids = [h["id"] for h in self.sim.hosts("new")]
        self.assertEqual(len(ids), 120)
        self.assertEqual(ids, sorted(set(ids)))
        self.assertGreater(ids[-1], 120, "there are gaps")

    def test_cursor_by_version(self):
        ambiguous = (422, "Validation Failed", "base", "Error 1052 (23000): Column 'id' in where clause is ambiguous")
        for t in ("old", "v78", "mid"):
            self.assertEqual(self.error(self.sim.page(t, order_key="id", after=0, per_page=1)), ambiguous)
            self.assertEqual(len(self.ids(t, order_key="h.id", after=0, per_page=5)), 5)
            self.assertEqual(len(self.ids(t, order_key="id", per_page=5)), 5, "without a cursor it works")
        status, message, name, reason = self.error(self.sim.page("new", order_key="h.id", after=0, per_page=1))
        self.assertEqual((status, message, name), (422, "Validation Failed", "order_key"))
        self.assertTrue(reason.startswith("invalid order_key: h.id allowed values are: ["), reason)
        self.assertEqual(self.error(self.sim.page("new", order_key="orbit_version"))[3],
                         "The request could not be processed.")

    def test_page_is_ignored_with_after(self):
        first = self.ids("new", order_key="id", after=0, per_page=7)
        self.assertEqual(self.ids("new", order_key="id", after=0, per_page=7, page=3), first)

    def test_corrupt_cursor_restarts(self):
        self.assertEqual(self.ids("new", order_key="id", after="xyz", per_page=3),
                         self.ids("new", order_key="id", after="0", per_page=3))

    def test_defaults(self):
        self.assertEqual(len(self.ids("new")), 120)
        self.assertEqual(len(self.ids("new", page=0)), 20)
        self.assertEqual(len(self.ids("new", page="", per_page="")), 120)

    def test_unordered_pages_shuffle(self):
        pages = [self.ids("new", page=p, per_page=30) for p in range(4)]
        seen = sum(pages, [])
        self.assertEqual(len(seen), 120)
        self.assertLess(len(set(seen)), 120, "unordered pages repeat and miss hosts")

    def test_descending(self):
        up = self.ids("new", order_key="id", per_page=200)
        self.assertEqual(self.ids("new", order_key="id", order_direction="desc", per_page=200), up[::-1])
        self.assertEqual(self.ids("new", order_key="id", order_direction="desc", after=up[10], per_page=3),
                         up[9:6:-1])

    def test_bad_parameters(self):
        for params, text in [
                ({"page": "x"}, "non-int page value"), ({"page": -1}, "negative page value"),
                ({"per_page": "x"}, "non-int per_page value"), ({"per_page": 0}, "invalid per_page value"),
                ({"order_key": "id", "order_direction": "up"}, "unknown order_direction: up"),
                ({"order_direction": "asc"}, "order_key must be specified with order_direction"),
                ({"after": 1}, "order_key must be specified with after"),
                ({"status": "foo"}, "Invalid status: foo"),
                ({"device_mapping": "yes"}, "Invalid device_mapping: yes"),
                ({"team_id": "x"}, "Invalid team_id: x"), ({"team_id": 99}, "team is invalid")]:
            self.assertEqual(self.error(self.sim.page("new", **params)), (400, "Bad request", "base", text))
        self.assertEqual(self.error(self.sim.page("new", team_id=1, fleet_id=1))[0], 400)
        self.assertEqual(self.sim.page("new", nonsense=1).status, 200)
        self.assertEqual(self.sim.page("old", populate_policies="yes").status, 200, "unknown there, so ignored")

    def test_filters(self):
        everyone = self.sim.hosts("new")
        by_team = {t: self.ids("new", order_key="id", team_id=t) for t in range(4)}
        self.assertEqual(sorted(sum(by_team.values(), [])), [h["id"] for h in everyone])
        self.assertEqual(by_team[2], [h["id"] for h in everyone if h["team_id"] == 2])
        self.assertEqual(by_team[2], self.ids("new", order_key="id", fleet_id=2))
        verified = self.ids("new", order_key="id", team_id=1, os_settings_disk_encryption="verified")
        self.assertTrue(verified and set(verified) <= set(by_team[1]))
        for i in verified[:5]:
            d = self.sim.get("new", f"hosts/{i}?exclude_software=1").json()["host"]
            self.assertEqual(d["mdm"]["os_settings"]["disk_encryption"]["status"], "verified")
        self.assertTrue(set(self.ids("new", os_settings_disk_encryption="verified")) <= set(by_team[0]))
        self.assertEqual(self.sim.get("new", "hosts/count?team_id=2").json(), {"count": len(by_team[2])})
        self.assertEqual(self.sim.get("new", "hosts/count").json(), {"count": 120})


class Access(SimTest):
    def test_tokens(self):
        self.assertEqual(self.error(self.sim.get("new", "me", token="wrong")),
                         (401, "Authentication required", "base", "Authentication required"))
        self.assertEqual(self.error(self.sim.get("new", "me", headers={})),
                         (401, "Authorization header required", "base", "Authorization header required"))
        self.assertEqual(self.sim.get("new", "me", headers={"Authorization": "bEaReR token-new"}).status, 200)
        self.assertEqual(self.sim.get("new", "me", headers={}).headers["Content-Type"], "text/plain; charset=utf-8")

    def test_roles(self):
        me = self.sim.get("new", "me").json()
        self.assertEqual((me["user"]["global_role"], me["user"]["api_only"], me["user"]["teams"]), ("observer", True, []))
        self.assertEqual(self.error(self.sim.page("gitops", page=0)), (403, "forbidden", "base", "forbidden"))
        denied = self.sim.get("listed", "me")
        self.assertEqual((denied.status, denied.json()["message"]), (403, "Permission Denied"))
        self.assertNotIn("errors", denied.json())
        self.assertEqual(self.sim.page("listed", page=0).status, 200)

    def test_scope(self):
        me = self.sim.get("scoped", "me").json()["user"]
        self.assertIsNone(me["global_role"])
        self.assertEqual([(t["id"], t["role"]) for t in me["teams"]], [(1, "observer"), (3, "observer")])
        self.assertEqual(me["fleets"], me["teams"])
        seen = self.sim.hosts("scoped")
        self.assertEqual({h["team_id"] for h in seen}, {1, 3})
        ids = {h["id"] for h in seen}
        hidden = self.sim.mutate("scoped", "scope")["changed"] and \
            next(h["id"] for h in self.sim.hosts("scoped") if h["id"] not in ids)
        self.sim.mutate("scoped", "scope", teams=[1, 3])
        self.assertEqual(self.error(self.sim.get("scoped", f"hosts/{hidden}"))[:2], (403, "forbidden"))

    def test_not_there(self):
        self.assertEqual(self.error(self.sim.get("new", "hosts/99999")),
                         (404, "Resource Not Found", "base", "Host 99999 was not found in the datastore"))
        self.assertEqual(self.sim.get("new", "hosts/abc").body, b"404 page not found\n")
        self.assertEqual(self.sim.get("new", "nothing").status, 404)
        self.assertEqual(self.sim.get("new", "policies").status, 404, "only under the newer aliases")

    def test_licence(self):
        self.assertEqual(self.error(self.sim.get("free", "teams"))[:2], (402, "Requires Fleet Premium license"))
        self.assertEqual(self.sim.get("free", "config").json()["license"]["tier"], "free")
        self.assertEqual(self.sim.get("new", "config").json()["license"]["tier"], "premium")
        self.assertTrue(all(h["team_id"] is None for h in self.sim.hosts("free")))
        teams = self.sim.get("new", "teams").json()
        self.assertEqual(teams["teams"], teams["fleets"])
        self.assertEqual(self.sim.get("mid", "fleets").status, 404)

    def test_version(self):
        self.assertEqual(self.sim.get("old", "version").json()["version"], "4.36.0")

    def test_revoked_token(self):
        with Sim("name=x,hosts=5") as sim:
            self.assertEqual(sim.page("x", page=0).status, 200)
            token = sim.token("x")
            sim.mutate("x", "token", value="another")
            self.assertEqual(sim.get("x", "me", token=token).status, 401)

    def test_certificates(self):
        for name, words in {"expired": "expired", "self": "self-signed", "wrongname": "IP address mismatch",
                            "mutual": ""}.items():
            with self.assertRaises((URLError, ssl.SSLError, OSError), msg=name) as e:
                self.sim.get(name, "version")
            self.assertIn(words, str(e.exception))
        self.assertTrue(self.sim.url("plainhttp").startswith("http:"))
        self.assertEqual(self.sim.get("plainhttp", "version").status, 200)

    def test_shared_listener(self):
        self.assertTrue(self.sim.url("one").endswith("/t/one"))
        self.assertEqual(self.sim.url("one").rsplit("/t/")[0], self.sim.url("two").rsplit("/t/")[0])
        self.assertEqual((len(self.sim.hosts("one")), len(self.sim.hosts("two"))), (40, 50))


class Faults(SimTest):
    def page(self, tenant="new", **more):
        key = "id" if tenant in ("new", "prepared") else "h.id"
        return self.sim.page(tenant, **{"order_key": key, "after": 0, "per_page": 20, **more})

    def test_status_skip_and_times(self):
        self.sim.fault("new", "list", {"skip": 1, "times": 2}, status=503, headers={"Retry-After": "7"}, body="busy")
        self.assertEqual([self.page().status for _ in range(4)], [200, 503, 503, 200])
        self.sim.fault("new", "list", {"times": 1}, status=429, headers={"Retry-After": "7"})
        a = self.page()
        self.assertEqual((a.status, a.headers["Retry-After"]), (429, "7"))
        self.sim.fault("new", "detail", status=500)
        self.assertEqual(self.page().status, 200)

    def test_at_a_cursor(self):
        self.sim.fault("new", "list", {"after_id": 50, "times": 1}, status=502, type="text/html", body="<html>")
        self.assertEqual(self.page(after=49).status, 200)
        a = self.page(after=50)
        self.assertEqual((a.status, a.headers["Content-Type"], a.body), (502, "text/html", b"<html>"))

    def test_inband(self):
        for t in ("new", "prepared"):
            self.sim.fault(t, "list", {"times": 1}, inband={"hosts": 3, "error": "context deadline exceeded"})
            a = self.page(t)
            self.assertEqual((a.status, len(a.json()["hosts"])), (200, 3))
            self.assertTrue(a.body.endswith(b'],"error": "context deadline exceeded"}'))

    def test_cut(self):
        for t in ("new", "old", "prepared"):
            self.sim.fault(t, "list", {"times": 1}, cut={"hosts": 3})
            with self.assertRaises(http.client.IncompleteRead) as e:
                self.page(t)
            if t != "old":
                self.assertEqual(len(json.loads(e.exception.partial.rstrip(b",") + b"]}")["hosts"]), 3)
            self.sim.fault(t, "list", {"times": 1}, cut={"bytes": 1000})
            with self.assertRaises(http.client.IncompleteRead) as e:
                self.page(t)
            self.assertEqual(self.page(t).status, 200)

    def test_reset(self):
        # without TLS: Python's ssl module shows a reset as an end of file
        for n in (0, 1000):
            self.sim.fault("plainhttp", "list", {"times": 1}, cut={"bytes": n, "reset": True})
            with self.assertRaises(ConnectionResetError):
                self.read_all(self.raw("plainhttp", "hosts?order_key=id"))

    def test_split(self):
        plain = self.page().json()
        self.sim.fault("new", "list", {"times": 1}, split=3)
        wire = self.read_all(self.raw("new", "hosts?order_key=id&after=0&per_page=20"))
        body = wire.split(b"\r\n\r\n", 1)[1]
        self.assertTrue(body.startswith(b"3\r\n{\"h\r\n3\r\nost\r\n"), body[:30])
        self.sim.fault("new", "list", {"times": 1}, split=1)
        self.assertEqual(self.page().json(), plain)

    def test_slow(self):
        began = time.monotonic()
        self.sim.fault("new", "list", {"times": 1}, delay_ms=300)
        self.page()
        self.assertGreater(time.monotonic() - began, 0.29)
        began = time.monotonic()
        self.sim.fault("new", "version", {"times": 1}, drip={"bytes": 50, "every_ms": 50})
        self.assertEqual(self.sim.get("new", "version").json()["version"], "4.93.0")
        self.assertGreater(time.monotonic() - began, 0.15)
        self.sim.fault("new", "list", {"times": 1}, stall=True)
        with self.assertRaises((TimeoutError, URLError)):
            self.sim.get("new", "hosts", timeout=0.5)

    def test_bad_bodies(self):
        self.sim.fault("new", "list", {"times": 1}, html200=True)
        a = self.page()
        self.assertEqual((a.status, a.headers["Content-Type"]), (200, "text/html; charset=utf-8"))
        self.sim.fault("new", "list", {"times": 1}, garbage=500)
        a = self.page()
        self.assertEqual((a.status, len(a.body)), (200, 500))
        self.sim.fault("new", "list", {"times": 1}, gzip=1000000)
        a = self.page()
        self.assertLess(len(a.body), 10000)
        inflated = zlib.decompress(a.body, wbits=31)
        self.assertGreaterEqual(len(inflated), 1000000)
        self.assertTrue(inflated.startswith(b'{"hosts":['))
        self.sim.fault("new", "list", {"times": 1}, long_string=100000)
        self.assertIn("abcdefghijklmnopqrstuvwxyzabc", str(self.page().json()["hosts"][10]["x_long"]))
        self.sim.fault("new", "list", {"times": 1}, depth=5000)
        self.assertIn(b"[" * 5000 + b"]" * 5000, self.page().body)
        self.sim.fault("new", "list", {"times": 1}, bad_utf8=True)
        self.assertIn(b"bad \xed\xa0\x80 \xc0\xaf \xe2\x82 end", self.page().body)
        self.sim.fault("new", "list", {"times": 1}, endless=True)
        s = self.raw("new", "hosts?order_key=id&per_page=1")
        got = 0
        while got < 3000000:
            got += len(s.recv(65536))
        s.close()

    def test_bad_hosts(self):
        whole = self.page().json()["hosts"]
        for kind in ("string", "no_id", "wrong_types", "oversize"):
            self.sim.fault("new", "list", {"times": 1}, bad_host=kind)
            hosts = self.page().json()["hosts"]
            self.assertEqual(len(hosts), 20)
            self.assertEqual(hosts[:10] + hosts[11:], whole[:10] + whole[11:], kind)
            self.assertNotEqual(hosts[10], whole[10], kind)
        self.sim.fault("new", "list", {"times": 1}, null_everywhere=True)
        for h, w in zip(self.page().json()["hosts"], whole):
            self.assertEqual(h, {**dict.fromkeys(w), "id": w["id"]})

    def test_bent_pages(self):
        ids = [h["id"] for h in self.page(per_page=60).json()["hosts"]]
        got = lambda: [h["id"] for h in self.page().json()["hosts"]]
        self.sim.fault("new", "list", {"times": 1}, clamp=5)
        self.assertEqual(got(), ids[:5])
        self.sim.fault("new", "list", {"times": 1}, more=15)
        self.assertEqual(got(), ids[:35])
        self.sim.fault("new", "list", {"times": 1}, backwards=True)
        self.assertEqual(got(), ids[:20][::-1])
        self.sim.fault("new", "list", {"times": 1}, duplicate=True)
        self.assertEqual(got(), ids[:19] + ids[18:19])
        self.sim.fault("new", "list", {"times": 1}, lag={"missing": 1})
        self.assertEqual(got(), ids[:1] + ids[2:20])
        self.sim.fault("new", "list", {"times": 1}, lag={"deleted": True})
        self.assertEqual(len(set(got())), 21)

    def test_refused_parameter(self):
        self.sim.fault("new", "list", param_422="populate_policies")
        self.assertEqual(self.page().status, 200)
        self.assertEqual(self.page(populate_policies="true").status, 422)

    def test_unknown_faults_are_refused(self):
        with self.assertRaises(Failed):
            self.sim.fault("new", "list", sttaus=500)
        with self.assertRaises(Failed):
            self.sim.fault("new", "lisst", status=500)


class Changes(unittest.TestCase):
    def setUp(self):
        self.sim = Sim("name=x,hosts=200,plain=1,prepared=1").start()
        self.addCleanup(self.sim.stop)
        self.before = self.read()

    def read(self):
        return {h["id"]: h for h in self.sim.hosts("x", device_mapping="true", populate_policies="true")}

    def moved(self):
        """{id: names of members that differ}"""
        now = self.read()
        return {i: {k for k in h if h[k] != now[i][k]} for i, h in self.before.items() if i in now and h != now[i]}

    def test_volatile(self):
        self.sim.mutate("x", "volatile")
        moved = self.moved()
        self.assertEqual(len(moved), 200)
        self.assertTrue(all(m <= {"updated_at", "software_updated_at", "detail_updated_at", "label_updated_at",
                                  "policy_updated_at", "seen_time", "uptime", "gigs_disk_space_available",
                                  "percent_disk_space_available", "last_restarted_at", "primary_ip", "public_ip"}
                            for m in moved.values()))

    def test_touch(self):
        for field, members in {"os_version": {"os_version", "build", "code_name"}, "policy": {"issues", "policies"},
                               "team": {"team_id", "team_name", "fleet_id", "fleet_name"},
                               "owner": {"device_mapping"}}.items():
            self.before = self.read()
            told = self.sim.mutate("x", "touch", field=field, fraction=0.1)
            moved = self.moved()
            self.assertTrue(5 < told["changed"] < 50, told)
            self.assertTrue(set(moved) <= set(told["ids"]), field)
            self.assertTrue(all(m <= members for m in moved.values()), (field, moved))
            self.assertTrue(moved, field)

    def test_delete_and_add(self):
        gone = self.sim.mutate("x", "delete", count=5)["ids"]
        first = min(set(self.before) - set(gone))
        gone += self.sim.mutate("x", "delete", ids=[first])["ids"]
        new = self.sim.mutate("x", "add", count=3)["ids"]
        now = self.read()
        self.assertEqual(set(now), set(self.before) - set(gone) | set(new))
        self.assertGreater(min(new), max(self.before))
        self.assertEqual(self.sim.get("x", f"hosts/{gone[0]}").status, 404)

    def test_set(self):
        i = sorted(self.before)[20]
        self.sim.mutate("x", "set", id=i, json={"hostname": "renamed", "uptime": 20807520000000000, "mdm": None,
                                                "brand_new": [1, {"a": "b"}]}, raw={"memory": "1e3"})
        h = self.read()[i]
        self.assertEqual((h["hostname"], h["uptime"], h["mdm"], h["brand_new"], h["memory"]),
                         ("renamed", 20807520000000000, None, [1, {"a": "b"}], 1000.0))
        self.assertEqual(h["hardware_serial"], self.before[i]["hardware_serial"])

    def test_identity(self):
        a, b = sorted(self.before)[10:12]
        self.sim.mutate("x", "recreate", id=a)
        new = self.sim.mutate("x", "reenroll", id=b)["ids"][0]
        now = self.read()
        self.assertNotEqual(now[a]["created_at"], self.before[a]["created_at"])
        self.assertNotEqual(now[a]["hardware_serial"], self.before[a]["hardware_serial"])
        self.assertNotIn(b, now)
        for k in ("hardware_serial", "uuid"):
            self.assertEqual(now[new][k], self.before[b][k])

    def test_version_changes(self):
        self.sim.mutate("x", "version", value="4.36.0")
        self.assertEqual(self.sim.page("x", order_key="id", after=0).status, 422)
        self.assertTrue(self.sim.page("x", order_key="h.id", after=0).body.startswith(b"{\n"))


class Counting(unittest.TestCase):
    def test_stats(self):
        with Sim("name=x,hosts=10") as sim:
            sim.fault("x", "list", delay_ms=300)
            walkers = [threading.Thread(target=sim.page, args=("x",)) for _ in range(3)]
            for w in walkers:
                w.start()
            for w in walkers:
                w.join()
            sim.get("x", "hosts/999")
            sim.get("x", "version", token="wrong")
            stats = sim.stats("x")
            self.assertEqual(stats["by_endpoint"]["list"], {"200": 3})
            self.assertEqual(stats["by_endpoint"]["detail"], {"404": 1})
            self.assertEqual(stats["by_endpoint"]["version"], {"401": 1})
            self.assertEqual(stats["max_in_flight"]["list"], 3)
            self.assertEqual((stats["requests"], stats["hosts_listed"], len(stats["log"])), (5, 30, 5))
            self.assertEqual(stats["log"][3]["target"], "/api/v1/fleet/hosts/999")
            self.assertGreater(stats["log"][0]["took_ms"], 290)
            self.assertGreater(stats["bytes"], 10000)
            self.assertEqual(sim.requests("x", "list", 200), 3)
            sim.clear_stats()
            self.assertEqual(sim.stats("x")["requests"], 0)

    def test_many_connections(self):
        with Sim("name=x,hosts=10") as sim:
            context = ssl.create_default_context(cafile=sim.ca_file("x"))
            host, port = sim.url("x").split("//")[1].split(":")
            open_ones = [http.client.HTTPSConnection(host, int(port), context=context, timeout=30)
                         for _ in range(100)]
            for c in open_ones:
                c.request("GET", "/api/v1/fleet/version", headers={"Authorization": "Bearer token-x"})
            for c in open_ones:
                self.assertEqual(c.getresponse().status, 200)
            self.assertEqual(sim.stats("x")["connections"], 100)
            for c in open_ones:
                c.close()


class Replay(unittest.TestCase):
    def test_recordings(self):
        folder = shared("recordings")
        with Sim(f"name=x,version=4.36.0,tier=free,replay={folder}") as sim:
            first = sim.page("x", page=0, per_page=250, order_key="id")
            self.assertEqual(first.body, (folder / "fleet-4.36-free__hosts_page_0.json").read_bytes())
            self.assertEqual(sim.page("x", page=1, per_page=250, order_key="id").json(), {"hosts": []})
            self.assertEqual(len(sim.page("x", order_key="h.id", after=0).json()["hosts"]), 2)
            self.assertEqual(sim.page("x", order_key="h.id", after=2).json(), {"hosts": []})
            self.assertEqual(sim.get("x", "hosts/1").body,
                             (folder / "fleet-4.36-free__host_1_detail_macos.json").read_bytes())



if __name__ == "__main__":
    unittest.main()
