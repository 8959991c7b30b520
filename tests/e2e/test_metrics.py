"""GET /metrics, /healthz and /readyz of musterd, held to docs/metrics.md."""

import http.client
import json
import re
import shutil
import signal
import socket
import subprocess
import sys
import unittest
import urllib.parse

from muster_e2e import SOURCE, free_of_proxies, run
from running import Running

ALL = ("name=acme,hosts=120", "name=globex,hosts=40,seed=3")
SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$")
PAIR = re.compile(r'(\w+)="([^"]*)"')


class Scrape:
    """One page: value("name", label="value")."""

    def __init__(self, text):
        self.text, self.samples = text, {}
        for line in text.splitlines():
            if not line.startswith("#"):
                name, labels, value = SAMPLE.match(line).groups()
                self.samples[name, frozenset(PAIR.findall(labels or ""))] = float(value)

    def value(self, name, **labels):
        return self.samples.get((name, frozenset(labels.items())))

    def sum(self, name, **labels):
        wanted = set(labels.items())
        return sum(v for (n, have), v in self.samples.items() if n == name and wanted <= have)


class Scraped(Running):
    def setUp(self):
        self.serve(*ALL)

    def start(self, *options, listen="127.0.0.1:0", **sections):
        self.run_daemon(*options, http={"listen": listen}, **sections)
        self.address = re.search(r"http=\"?(\S+?)\"? ", self.daemon.log()).group(1)

    def get(self, path):
        host, _, port = self.address.rpartition(":")
        c = http.client.HTTPConnection(host.strip("[]"), int(port), timeout=30)
        try:
            c.request("GET", path)
            r = c.getresponse()
            return r.status, r.headers, r.read().decode()
        finally:
            c.close()

    def scrape(self):
        status, headers, text = self.get("/metrics")
        self.assertEqual(status, 200, text)
        self.assertEqual(headers["Content-Type"], "text/plain; version=0.0.4; charset=utf-8")
        return Scrape(text)

    def synced(self):
        for name in "acme", "globex":
            self.daemon.rows(f"wait {name} synced")

    def check(self, page):
        """The contract, and what Prometheus itself says of the text."""
        path = self.muster.dir / "page"
        path.write_text(page.text)
        r = run([sys.executable, "-B", SOURCE / "tests/lint/metrics.py", "--scrape", path], 60)
        self.assertEqual((r.status, r.out), (0, ""), r)
        if not shutil.which("promtool"):
            print("promtool (package prometheus) is not installed: not asked", file=sys.stderr)
            return
        r = subprocess.run(["promtool", "check", "metrics"], input=page.text, text=True, timeout=60,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.assertEqual(r.returncode, 0, r.stdout)


class Metrics(Scraped):
    def test_the_page_is_what_the_contract_says(self):
        self.start()
        self.synced()
        self.until(lambda: self.scrape().sum("muster_tenant_devices_by_compliance") == 160, what="counted devices")
        page = self.scrape()
        self.check(page)
        summary = {r["tenant"]: r for r in self.daemon.rows("summary")}
        for name, hosts in ("acme", 120), ("globex", 40):
            for group, metric in ("compliance", "compliance"), ("mdm", "mdm"):
                for state, count in summary[name][group].items():
                    self.assertEqual(page.value(f"muster_tenant_devices_by_{metric}", tenant=name, state=state), count)
            self.assertEqual(page.sum("muster_tenant_devices_by_encryption", tenant=name), hosts)
            self.assertEqual(page.value("muster_tenant_up", tenant=name), 1)
            self.assertEqual(page.value("muster_tenant_syncs_total", tenant=name, result="ok"), 1)
            self.assertEqual(page.value("muster_tenant_changes_total", tenant=name),
                             self.muster.ctl("changes", name)[-1]["seq"])
            self.assertGreater(page.value("muster_tenant_certificate_expiry_timestamp_seconds", tenant=name),
                               page.value("muster_tenant_last_success_timestamp_seconds", tenant=name))
            self.assertEqual(page.value("muster_tenant_state", tenant=name, state="waiting", breaker="closed"), 1)
        self.assertEqual(page.value("muster_tenants", state="waiting"), 2)
        self.assertEqual(page.value("process_start_time_seconds"), self.scrape().value("process_start_time_seconds"))

    def test_exchanges_are_those_of_the_server(self):
        self.start()
        self.synced()
        page = self.scrape()
        asked = sum(self.sim.stats(t)["requests"] for t in self.sim.tenants)
        self.assertEqual(page.sum("muster_requests_total"), asked)
        self.assertEqual(page.sum("muster_request_duration_seconds_count"), asked)
        self.assertEqual(page.value("muster_requests_total", endpoint="version", code="200"), 2)
        self.assertEqual(page.value("muster_requests_total", endpoint="me", code="200"), 4)
        self.assertGreater(page.value("muster_requests_total", endpoint="host", code="200"), 0)
        self.assertEqual(page.value("muster_received_bytes_total"), page.sum("muster_tenant_received_bytes_total"))
        self.assertGreater(page.value("muster_commit_duration_seconds_count"), 0)
        self.assertGreater(page.value("muster_loop_lag_seconds_count"), 0)

    def test_failures_are_counted(self):
        self.start()
        self.synced()
        before = self.scrape()
        self.sim.fault("acme", "version", {"times": 1}, status=503)
        self.daemon.rows("sync acme --wait")
        page = self.scrape()
        self.assertEqual(page.value("muster_requests_total", endpoint="version", code="503"), 1)
        self.assertEqual(page.value("muster_errors_total", reason="server"), 1)
        self.assertEqual(page.value("muster_tenant_errors_total", tenant="acme"), 1)
        self.assertEqual(page.value("muster_tenant_retries_total", tenant="acme"), 1)
        self.assertEqual(page.value("muster_tenant_errors_total", tenant="globex"), 0)
        self.sim.mutate("acme", "token", value="another")
        with self.assertRaises(Exception):
            self.daemon.rows("sync acme --wait")
        page = self.scrape()
        self.check(page)
        self.assertEqual(page.value("muster_tenant_up", tenant="acme"), 0)
        self.assertEqual(page.value("muster_tenant_state", tenant="acme", state="auth_failed", breaker="closed"), 1)
        self.assertEqual(page.value("muster_errors_total", reason="token"), 1)
        self.assertEqual(page.value("muster_tenant_syncs_total", tenant="acme", result="failed"), 1)
        self.assertGreaterEqual(page.value("muster_tenant_last_attempt_timestamp_seconds", tenant="acme"),
                                before.value("muster_tenant_last_attempt_timestamp_seconds", tenant="acme"))

    def test_a_restart_remembers_when_it_went_well(self):
        self.start()
        self.synced()
        was = self.scrape().value("muster_tenant_last_success_timestamp_seconds", tenant="acme")
        self.assertEqual(self.daemon.stop(), 0)
        self.daemon.start()
        self.address = re.search(r"http=\"?(\S+?)\"? ", self.daemon.log()).group(1)
        page = self.scrape()
        self.assertGreater(was, 0)
        self.assertAlmostEqual(page.value("muster_tenant_last_success_timestamp_seconds", tenant="acme"), was, delta=2)
        self.assertEqual(page.value("muster_tenant_up", tenant="acme"), 1)
        self.assertEqual(page.value("muster_tenant_changes_total", tenant="acme"), 0)

    def test_a_tenant_that_goes_leaves_nothing(self):
        self.start()
        self.synced()
        del self.muster.tenants["globex"]
        self.daemon.write_config()
        self.daemon.rows("reload")
        page = self.scrape()
        self.assertNotIn("globex", page.text)
        self.assertIn('tenant="acme"', page.text)
        self.assertEqual(page.value("muster_config_last_reload_successful"), 1)


class Health(Scraped):
    def test_it_lives_and_is_ready(self):
        self.start()
        self.synced()
        self.assertEqual(self.get("/healthz")[::2], (200, "ok\n"))
        status, _, text = self.get("/readyz")
        self.assertEqual(status, 200)
        self.assertEqual(text, "ready\ndaemon: running\nstore: writable\nconfiguration: in force\n"
                               "tenants: 2, 2 waiting\n")
        self.assertEqual(self.get("/nothing")[0], 404)

    def test_a_refused_configuration_is_told(self):
        self.start()
        self.muster.tenants["acme"] = {"interval": "never"}
        self.daemon.write_config()
        self.daemon.process.send_signal(signal.SIGHUP)
        self.until(lambda: "configuration: refused" in self.get("/readyz")[2], what="the refusal")
        self.assertEqual(self.get("/readyz")[0], 200)
        self.assertEqual(self.scrape().value("muster_config_last_reload_successful"), 0)

    def test_it_listens_on_a_unix_socket(self):
        path = self.muster.dir / "metrics.sock"
        self.start(listen=f"unix:{path}")
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(30)
        s.connect(str(path))
        s.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
        answer = b""
        while more := s.recv(4096):
            answer += more
        s.close()
        self.assertIn(b" 200 ", answer.split(b"\r\n")[0])
        self.assertTrue(answer.endswith(b"ok\n"))


class Prometheus(Scraped):
    def test_the_real_one_scrapes_it(self):
        if not shutil.which("prometheus"):
            self.skipTest("prometheus (package prometheus) is not installed")
        self.start()
        self.synced()
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        config = self.muster.dir / "prometheus.yml"
        config.write_text(json.dumps({"global": {"scrape_interval": "1s"}, "scrape_configs": [
            {"job_name": "muster", "static_configs": [{"targets": [self.address]}]}]}))
        with open(self.muster.dir / "prometheus.log", "wb") as log:
            process = subprocess.Popen(["prometheus", f"--config.file={config}",
                                        f"--storage.tsdb.path={self.muster.dir / 'tsdb'}",
                                        f"--web.listen-address=127.0.0.1:{port}"],
                                       stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.muster.processes.append(process)

        def ask(expression):
            url = f"http://127.0.0.1:{port}/api/v1/query?" + urllib.parse.urlencode({"query": expression})
            try:
                with free_of_proxies().open(url, timeout=10) as r:
                    return json.load(r)["data"]["result"]
            except OSError:
                return []
        found = self.until(lambda: ask("muster_tenant_up"), 60, what="a scrape")
        self.assertEqual({(r["metric"]["tenant"], r["value"][1]) for r in found}, {("acme", "1"), ("globex", "1")})
        self.assertEqual(ask("up")[0]["value"][1], "1")
        self.assertEqual(ask("sum(muster_tenants)")[0]["value"][1], "2")
        process.terminate()
        process.wait(30)


if __name__ == "__main__":
    unittest.main(verbosity=2)
