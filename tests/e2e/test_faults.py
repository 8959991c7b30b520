"""What a server, or something in front of it, does wrong: each fault is met
once in mid-walk and overcome, and met for ever and given up with a sentence."""

import datetime
import sys
import time
import unittest

from muster_e2e import BUILD, run, wait_for
from oracle import QUICK, Scenario

HTML = "<html><body><h1>502 Bad Gateway</h1></body></html>"
# runs a program and says how much memory it took at most, in KiB
MEASURE = """import resource, subprocess, sys
subprocess.run(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)"""
LIMITS = {"page_hosts": 50, "first_byte": "1s", "request": "2s", "body_bytes": "1MiB", "host_bytes": "64KiB"}

# name: what the server does, and what is said when it does it for ever
PASSING = {
    "in-band error": (dict(inband={"hosts": 7, "error": "deadlock found"}), "deadlock found"),
    "in-band error on an empty page": (dict(inband={"hosts": 0, "error": "context canceled"}), "context canceled"),
    "closed in the body": (dict(cut={"bytes": 3000}), "the list of hosts"),
    "closed before the body": (dict(cut={"bytes": 0}), "the list of hosts"),
    "closed between hosts": (dict(cut={"hosts": 3}), "the list of hosts"),
    "reset": (dict(cut={"bytes": 3000, "reset": True}), "the list of hosts"),
    "reset before the body": (dict(cut={"bytes": 0, "reset": True}), "the list of hosts"),
    "garbage": (dict(garbage=500), "the list of hosts"),
    "a log-in page with status 200": (dict(html200=True), "the list of hosts"),
    "408": (dict(status=408), "gave up reading the request"),
    "422": (dict(status=422), "422"),
    "429": (dict(status=429, body="{}"), "asks to wait"),
    "500": (dict(status=500), "500"),
    "502 with HTML": (dict(status=502, type="text/html", body=HTML), "502"),
    "503": (dict(status=503), "503"),
    "504, empty": (dict(status=504, body=""), "504"),
    "ids going backwards": (dict(backwards=True), "ascend"),
    "an id twice": (dict(duplicate=True), "ascend"),
}

# these are not tried again
FINAL = {
    "400": (dict(status=400), "rejected with status 400"),
    "401": (dict(status=401), "token was refused"),
    "402": (dict(status=402), "Premium"),
    "403": (dict(status=403), "role"),
    "403 by a proxy": (dict(status=403, type="text/html", body=HTML), "in front of Fleet"),
    "404": (dict(status=404), "does not exist"),
    "404 by a proxy": (dict(status=404, type="text/html", body=HTML), "not Fleet"),
    "409": (dict(status=409), "conflicts"),
    "413 by a proxy": (dict(status=413, type="text/html", body=HTML), "413"),
    "redirect": (dict(status=302, body="", headers={"Location": "https://login.example.com/sso"}),
                 "https://login.example.com/sso"),
}


def sanitized():
    cache = (BUILD / "CMakeCache.txt").read_text()
    return "MUSTER_SANITIZE:STRING=\n" not in cache and "MUSTER_SANITIZE" in cache


class Faults(Scenario):
    def setUp(self):
        self.serve("name=acme,hosts=230", "name=old,hosts=230,version=4.36.0,tier=free", limits=LIMITS)

    def each(self, rows, strike):
        """strike(tenant, do, sentence) for each row, on a server of each wire form."""
        for name, row in rows.items():
            for tenant in ("acme", "old"):
                if tenant == "old" and ("status" in row[0] or "inband" in row[0]):
                    continue  # no body of either form, or only the streamed one has it
                with self.subTest(name, tenant=tenant):
                    self.fresh([tenant], limits=LIMITS)
                    strike(tenant, *row)

    def failure(self, tenant):
        return next(l for l in self.last.out.splitlines() if l.startswith(tenant) and " failed " in l)

    def test_once_in_mid_walk(self):
        def strike(tenant, do, _):
            self.sim.fault(tenant, "list", {"after_id": 60, "times": 1}, **do)
            self.sync(tells="1 retries")
            self.same(tenant)
            self.assertEqual(self.kinds(tenant), {"baseline": [None]})
        self.each(PASSING, strike)

    def test_five_times_at_the_first_page(self):
        def strike(tenant, do, _):
            # behind the probes of the cursor; old servers refuse the first one
            self.sim.fault(tenant, "list", {"skip": 3 if tenant == "old" else 1, "times": 5}, **do)
            self.sync()
            self.same(tenant)
        # after a 422 the cursor is probed again, which would meet it too
        self.each({k: v for k, v in PASSING.items() if k != "422"}, strike)

    def test_for_ever(self):
        def strike(tenant, do, sentence):
            self.sim.fault(tenant, "list", {"after_id": 60}, **do)
            self.sync(status=1)
            line = self.failure(tenant)
            for part in (sentence, "the list of hosts", "given up after 6 attempts"):
                self.assertIn(part, line)
            self.kept(tenant)
            asked = [p for p in self.pages(tenant) if int(p["after"]) >= 60]
            self.assertEqual(len(asked), 6, asked)
        self.each(PASSING, strike)

    def kept(self, tenant):
        """The proven pages are stored, nothing was deleted, and the next sync goes on."""
        stored = self.devices(tenant)
        self.assertEqual(len(stored), 50)
        self.assertEqual(self.kinds(tenant), {})
        row = self.tenant(tenant)
        self.assertEqual((row["sync"]["result"], row["walk"]["state"]), ("failed", "under_way"))
        self.assertIn("the list of hosts", row["sync"]["text"])

    def test_final(self):
        def strike(tenant, do, sentence):
            self.sim.fault(tenant, "list", {"after_id": 60}, **do)
            self.sync(status=1)
            self.assertIn(sentence, self.failure(tenant))
            self.assertNotIn("attempts", self.failure(tenant))
            self.assertEqual(len([p for p in self.pages(tenant) if int(p["after"]) >= 60]), 1)
            self.kept(tenant)
            self.sim.clear_faults(tenant)
            self.sync(tells="resumed")
            self.same(tenant)
        self.each(FINAL, strike)

    def test_token_revoked_in_mid_walk(self):
        self.fresh(["acme"], limits=LIMITS)
        self.sync()
        before = self.devices()
        self.sim.fault("acme", "list", {"after_id": 60}, delay_ms=200)
        process = self.muster.start_once("--retry-base", "10ms")
        self.sim.clear_stats()
        wait_for(lambda: len(self.pages()) >= 1, what="the first page")
        self.sim.mutate("acme", "token", value="another")
        out, _ = process.communicate(timeout=20)
        self.sim.mutate("acme", "token", value=self.sim.token("acme"))
        self.assertEqual(process.returncode, 1)
        self.assertIn(b"the token was refused", out)
        self.look()
        self.assertEqual(self.devices(), before)


class Bodies(Scenario):
    """Bodies that are well-formed and not what was asked for."""

    def setUp(self):
        self.serve("name=acme,hosts=230", limits=LIMITS)

    def host_in_the_middle(self):
        """The host that the fault will strike on the first page."""
        return sorted(self.hosts())[25]

    def test_one_host_that_cannot_be_read(self):
        for kind, rejected in {"string": True, "no_id": True, "wrong_types": False}.items():
            with self.subTest(kind):
                self.fresh(limits=LIMITS)
                victim = self.host_in_the_middle()
                self.sim.fault("acme", "list", {"skip": 1, "times": 1}, bad_host=kind)
                self.sync()
                ids = set(self.hosts())
                self.assertEqual(set(self.devices()), ids - {victim} if rejected else ids)
                rejects = self.muster.ctl("rejects", "acme")
                self.assertEqual(len(rejects), 1 if rejected else 0, rejects)
                if rejected:
                    self.assertTrue(rejects[0]["reason"] and rejects[0]["sample"] is not None, rejects)
                    self.assertIn("1 rejected", self.last.out)
                if kind == "wrong_types":
                    self.assertRegex(self.last.out, r"[1-9][0-9]* values of a wrong type read as null")
                self.sync()
                self.same()

    def test_a_rejected_host_keeps_its_record(self):
        self.sync()
        victim = self.host_in_the_middle()
        before = self.devices()[victim]
        for fault in (dict(long_string=100000), dict(depth=100), dict(bad_host="string"), dict(bad_host="no_id")):
            self.sim.clear_faults("acme")
            self.sim.fault("acme", "list", {"skip": 1, "times": 1}, **fault)
            self.sync()
            self.assertEqual(self.devices()[victim], before, fault)
            self.assertIn("1 rejected", self.last.out)
        self.assertEqual(self.kinds(), {"baseline": [None]})

    def test_a_page_without_any_id(self):
        self.sync()
        self.sim.fault("acme", "list", {"after_id": 60}, clamp=1, bad_host="no_id")
        self.sync(status=1, tells="none of the 1 hosts after host 66 has an id")
        self.assertEqual(self.kinds(), {"baseline": [None]})
        self.assertEqual(len(self.muster.ctl("rejects", "acme")), 1)
        self.sim.clear_faults("acme")
        self.same()
        self.sync(tells="resumed")
        self.assertEqual(self.kinds(), {"baseline": [None]})

    def test_null_everywhere(self):
        self.sim.fault("acme", "list", null_everywhere=True)
        self.sync()
        devices = self.devices()
        self.assertEqual(len(devices), 230)
        for d in devices.values():
            self.assertIsNone(d["identity"]["serial"])
            self.assertIn(d["disk"]["encryption"]["state"], ("unknown",))
            self.assertNotEqual(d["compliance"]["state"], "compliant")
            self.assertIsNone((d["owner"] or {}).get("email"))
        self.sim.clear_faults("acme")
        self.sync()
        self.same()

    def test_text(self):
        for do in (dict(bad_utf8=True), dict(long_string=60000), dict(split=1), dict(split=3),
                   dict(drip={"bytes": 100000, "every_ms": 5})):
            with self.subTest(do):
                self.fresh(limits=LIMITS)
                self.sim.fault("acme", "list", **do)
                self.sync()
                self.assertEqual("strings that were not UTF-8 repaired" in self.last.out, "bad_utf8" in do)
                self.sim.clear_faults("acme")
                self.same(but=[self.host_in_the_middle()] if "bad_utf8" in do else ())

    def test_four_byte_characters(self):
        face = "\U0001f600" * 255
        email = face[12:] + "@example.com"
        ids = sorted(self.hosts())[:1]
        self.sim.mutate("acme", "set", id=ids[0],
                        json={"hardware_serial": face, "uuid": face, "hostname": face, "team_id": 9, "team_name": face,
                              "fleet_id": 9, "fleet_name": face,
                              "device_mapping": [{"email": email, "source": "custom"}]})
        self.sync()
        d = self.devices()[ids[0]]
        self.assertEqual((d["identity"]["serial"], d["owner"]["email"], d["access"]["groups"]),
                         (face, email, [face]))
        found = self.muster.ctl("devices", "acme", "--owner", email)
        self.assertEqual([f["id"] for f in found], ids)
        self.assertEqual(self.muster.ctl("device", "acme", face)[0]["id"], ids[0])
        self.sync(tells="nothing changed")

    def test_depth(self):
        victim = self.host_in_the_middle()
        self.sim.fault("acme", "list", {"skip": 1, "times": 1}, depth=10000)
        self.sync()
        self.assertEqual(set(self.hosts()) - set(self.devices()), {victim})
        self.assertEqual([r["id"] for r in self.muster.ctl("rejects", "acme")], [victim])
        self.sync()
        self.same()

    def test_a_host_larger_than_it_may_be(self):
        victim = self.host_in_the_middle()
        self.sim.fault("acme", "list", {"skip": 1, "times": 1}, long_string=100_000)
        self.sync(tells="1 rejected")
        self.assertEqual(set(self.hosts()) - set(self.devices()), {victim})
        self.sync()
        self.same()

    def memory_mib(self):
        """The most memory that one sync takes, the store's mapped pages included."""
        if sanitized():
            return 0
        measured = run([sys.executable, "-c", MEASURE, *self.muster.command("--once", *QUICK)], 60)
        return int(measured.err.splitlines()[-1]) // 1024

    def test_a_string_of_100_megabytes(self):
        # the page fails, not the host alone, and the memory does not grow
        self.fresh(limits={**LIMITS, "body_bytes": "512MiB", "host_bytes": "512MiB", "first_byte": "30s", "request": "60s"})
        for fault in (dict(long_string=100_000_000), dict(bad_host="oversize")):
            self.sim.clear_faults("acme")
            self.sim.fault("acme", "list", {"skip": 1}, **fault)
            self.sync(status=1, tells="a single value of the answer is larger")
            self.assertEqual(self.devices(), {})
            self.assertLess(self.memory_mib(), 64)
        self.sim.clear_faults("acme")
        self.sync()
        self.same()

    def test_endless(self):
        self.sim.fault("acme", "list", {"after_id": 60}, endless=True)
        run = self.sync(status=1, timeout=30)
        self.assertIn("the list of hosts", run.out)
        self.assertIn("is longer than 1048576 bytes", run.out)
        self.assertLess(run.seconds, 15)
        self.assertEqual(len(self.devices()), 50)
        self.assertLessEqual(len(self.pages()), 8)

    def test_a_page_that_is_too_long_is_halved(self):
        self.sim.fault("acme", "list", {"skip": 1, "times": 1}, endless=2_000_000)
        self.sync()
        self.assertEqual([p["per_page"] for p in self.pages()][:2], ["50", "25"])
        self.same()

    def test_clamped(self):
        self.sim.fault("acme", "list", clamp=7)
        self.sync()
        self.sim.clear_faults("acme")
        self.assertEqual(len(self.pages()), -(-230 // 7) + 1)
        self.same()

    def test_more_than_asked_for(self):
        self.sim.fault("acme", "list", {"after_id": 60}, more=30)
        self.sync(status=1, tells="more")
        self.assertEqual(len(self.devices()), 50)
        self.assertLessEqual(len(self.pages()), 8)

    def test_more_than_asked_for_once(self):
        self.sim.fault("acme", "list", {"after_id": 60, "times": 1}, more=30)
        self.sync()
        self.same()

    def test_gzip(self):
        self.sim.fault("acme", "list", {"after_id": 60, "times": 1}, gzip=50_000_000)
        self.sync()
        self.same()
        self.fresh(limits=LIMITS)
        self.sim.fault("acme", "list", {"after_id": 60}, gzip=50_000_000)
        self.sync(status=1, tells="the list of hosts")

    def test_slow(self):
        self.sim.fault("acme", "list", {"after_id": 60, "times": 1}, drip={"bytes": 100, "every_ms": 100})
        run = self.sync()
        self.assertGreater(run.seconds, 1.9)
        self.same()

    def test_slow_for_ever(self):
        self.sim.fault("acme", "list", {"after_id": 60}, drip={"bytes": 10, "every_ms": 100})
        run = self.sync("--give-up-after", "4s", status=1, tells="given up")
        self.assertLess(run.seconds, 15)
        self.sim.clear_faults("acme")
        self.sync(tells="resumed")
        self.same()

    def test_no_answer(self):
        self.sim.fault("acme", "list", {"after_id": 60, "times": 2}, stall=True)
        run = self.sync()
        self.assertGreater(run.seconds, 1.9)
        self.same()


class Disk(Scenario):
    """A store that cannot grow: what was committed stays, and the next sync goes on."""

    def setUp(self):
        self.serve("name=acme,hosts=4000,plain=1", limits={"page_hosts": 100})

    def test_file_size_limit(self):
        command = self.muster.command("--once", *QUICK)
        failed = run(["bash", "-c", 'ulimit -f 1000; exec "$@"', "limited", *command], 60, cwd=self.muster.dir)
        self.assertEqual(failed.status, 1, failed)
        self.assertIn("the store refused", failed.out)
        self.look()
        self.assertTrue(0 < len(self.devices()) < 4000)
        self.sync(tells="resumed")
        self.same()

    def test_full(self):
        script = """
            mount -t tmpfs -o size=1m tmpfs "$1" || exit 77
            shift; ctl=$1; shift
            "$@"; echo "first $?"
            "$ctl" --store "$PWD/store" verify; echo "verified $?"
            mount -o remount,size=64m "$PWD/store" || exit 77
            "$@"; echo "second $?"
            "$ctl" --store "$PWD/store" verify; echo "verified $?"
            "$ctl" --store "$PWD/store" devices acme --json | wc -l"""
        self.muster.store.mkdir()
        ran = run(["unshare", "-rm", "bash", "-c", script, "full", self.muster.store, self.muster.program("musterctl"),
                   *self.muster.command("--once", *QUICK)], 60, cwd=self.muster.dir)
        if ran.status in (1, 77) and "first" not in ran.out:
            self.skipTest(f"no file system of its own here: {ran.err.strip()}")
        lines = ran.out.splitlines()
        self.assertIn("free some space", ran.out)
        self.assertEqual([l for l in lines if l.split()[0] in ("first", "second", "verified")],
                         ["first 1", "verified 0", "second 0", "verified 0"], ran)
        self.assertEqual(lines[-1].strip(), "4000", ran)


class Waiting(Scenario):
    def setUp(self):
        self.serve("name=acme,hosts=120", limits={"page_hosts": 50})

    def throttled(self, value, **when):
        self.sim.fault("acme", "list", {"after_id": 30, **when}, status=429, body="", headers={"Retry-After": value})

    def gap(self):
        log = self.log(part="/hosts?")
        at = next(i for i, r in enumerate(log) if r["status"] == 429)
        return (log[at + 1]["at_ms"] - log[at]["at_ms"]) / 1000

    def test_seconds(self):
        self.throttled("2", times=1)
        self.sync()
        self.assertTrue(1.9 <= self.gap() < 4, self.gap())
        self.same()

    def test_date(self):
        at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=4)
        self.throttled(at.strftime("%a, %d %b %Y %H:%M:%S GMT"), times=1)
        began = time.time()
        self.sync()
        self.assertGreaterEqual(time.time(), int(at.timestamp()) - 0.5)
        self.assertLess(time.time() - began, 8)
        self.same()

    def test_nonsense_is_ignored(self):
        for value in ("soon", "-5", "99999999999999999999999", ""):
            with self.subTest(value):
                self.fresh(limits={"page_hosts": 50})
                self.throttled(value, times=1)
                run = self.sync("--give-up-after", "3s", status=1 if value.startswith("9") else 0)
                self.assertLess(run.seconds, 5)

    def test_longer_than_there_is_time(self):
        self.throttled("600")
        run = self.sync(status=1, tells=("given up", "the next attempt would be in 6"))
        self.assertLess(run.seconds, 3)
        self.assertEqual(self.sim.requests("acme", "list", 429), 1)
        self.sim.clear_faults("acme")
        self.sync(tells="resumed")
        self.same()

    def test_on_503_too(self):
        self.sim.fault("acme", "list", {"after_id": 30, "times": 1}, status=503, headers={"Retry-After": "1"})
        run = self.sync()
        self.assertGreater(run.seconds, 0.9)
        self.same()

    def test_first_wait_grows(self):
        self.sim.fault("acme", "list", {"after_id": 30}, status=503)
        run = self.sync("--retry-base", "100ms", status=1, tells="given up after 6 attempts")
        at = [r["at_ms"] for r in self.log(part="/hosts?") if r["status"] == 503]
        gaps = [b - a for a, b in zip(at, at[1:])]
        self.assertEqual(len(gaps), 5)
        self.assertTrue(all(g >= 24 for g in gaps), gaps)
        self.assertTrue(all(g <= 100 * 2 ** i + 80 for i, g in enumerate(gaps)), gaps)
        self.assertLess(run.seconds, 5)

    def test_without_a_proven_page(self):
        self.sim.fault("acme", "list", {"after_id": 30}, status=503)
        run = self.sync("--retry-base", "20s", "--give-up-after", "1s", status=1, tells="no page was proven for 1 s")
        self.assertLess(run.seconds, 3)


class Refused(Scenario):
    """A parameter that the server refuses costs a feature, not the sync."""

    def test_each_parameter(self):
        self.serve("name=acme,hosts=120", "name=old,hosts=120,version=4.80.0")
        for tenant in ("acme", "old"):
            for fault in ("param_422", "param_400"):
                for name in ("include_device_status", "populate_policies", "device_mapping"):
                    with self.subTest(fault, tenant=tenant, name=name):
                        self.fresh([tenant])
                        self.sim.fault(tenant, "list", **{fault: name})
                        self.sync()
                        pages = self.pages(tenant)
                        self.assertTrue(pages and all(name not in p for p in pages))
                        others = {"include_device_status", "populate_policies", "device_mapping"} - {name}
                        self.assertTrue(all(o in pages[0] for o in others), pages[0])
                        self.assertEqual(len(self.devices(tenant)), 120)

    def test_all_of_them(self):
        self.serve("name=acme,hosts=120")
        for name in ("include_device_status", "populate_policies", "device_mapping"):
            self.sim.fault("acme", "list", param_422=name)
        self.sync()
        self.assertEqual(len(self.devices()), 120)
        for d in self.devices().values():
            self.assertNotEqual(d["compliance"]["state"], "unknown")

    def test_a_422_later_reads_the_version_again(self):
        self.serve("name=acme,hosts=230", limits={"page_hosts": 50})
        self.sim.fault("acme", "list", {"after_id": 60, "times": 1}, status=422)
        self.sync()
        self.assertEqual(self.sim.requests("acme", "version"), 2)
        self.assertEqual(len([r for r in self.log(part="per_page=1&")]), 2)
        self.same()


if __name__ == "__main__":
    unittest.main()
