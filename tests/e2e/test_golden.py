"""The golden records fit the documented schema, and are what eyes have checked
of them: a record that is written anew without thought fails here."""

import json
import subprocess
import sys
import unittest

from muster_e2e import SOURCE

GOLDEN = SOURCE / "tests/golden"


class Golden(unittest.TestCase):
    def records(self, name):
        return {r["id"]: r for r in map(json.loads, (GOLDEN / f"{name}.ndjson").read_text().splitlines())}

    def test_schema(self):
        files = sorted(GOLDEN.glob("*.ndjson"))
        self.assertGreaterEqual(len(files), 6)
        for path in files:
            with self.subTest(path.name), open(path, "rb") as f:
                run = subprocess.run([sys.executable, SOURCE / "tests/e2e/schema_check.py",
                                      SOURCE / "docs/device.schema.json"], stdin=f, capture_output=True, timeout=60)
                self.assertEqual(run.returncode, 0, run.stdout.decode() + run.stderr.decode())

    def test_absent_is_unknown(self):
        for name in ("free-4.36-list", "premium-4.7x-macos", "premium-4.7x-ubuntu", "documented-list"):
            for r in self.records(name).values():
                self.assertEqual((name, r["id"], r["disk"]["encryption"]["state"]), (name, r["id"], "unknown"))

    def test_details_bring_encryption(self):
        free = self.records("free-4.36-list-and-details")
        self.assertEqual(free[1]["disk"]["encryption"], {"state": "on", "method": "filevault", "key_escrowed": None,
                                                         "evidence": "disk_encryption_enabled"})
        self.assertEqual(free[2]["disk"]["encryption"]["state"], "unknown")
        anna = self.records("documented-list-and-detail")[1]
        self.assertEqual(anna["disk"]["encryption"], {"state": "on", "method": "filevault", "key_escrowed": True,
                                                      "evidence": "os_settings"})
        self.assertEqual(anna["agent"]["orbit"], "1.22.0")

    def test_compliance(self):
        self.assertEqual({i: r["compliance"]["state"] for i, r in self.records("documented-list").items()},
                         {1: "noncompliant", 33: "noncompliant", 57: "compliant", 58: "not_evaluated",
                          59: "not_evaluated"})
        self.assertEqual(self.records("free-4.36-list-and-details")[2]["compliance"]["reasons"],
                         ["Full disk encryption enabled (Linux) (All teams)"])

    def test_systems(self):
        rows = {**self.records("documented-list"), 14: self.records("premium-4.7x-ubuntu")[14]}
        self.assertEqual({i: (r["os"]["family"], r["os"]["name"], r["os"]["version"]) for i, r in rows.items()},
                         {1: ("macos", "macOS", "15.2"), 33: ("linux", "Ubuntu", "20.04.3 LTS"),
                          57: ("windows", "Windows 11 Enterprise 22H2", "10.0.22621.3007"),
                          58: ("ipados", "iPadOS", "17.5.1"), 59: ("macos", None, None),
                          14: ("linux", "Ubuntu", "24.04.3 LTS")})

    def test_placeholders_are_null(self):
        for r in self.records("free-4.36-list").values():
            self.assertIsNone(r["volatile"]["primary_mac"], "only zeros")
        pending = self.records("documented-list")[59]
        self.assertEqual((pending["mdm"]["enrollment"], pending["identity"]["uuid"], pending["enrolled"],
                          pending["hardware"]["memory_bytes"], pending["volatile"]["restarted"]),
                         ("pending", None, None, None, None))

    def test_owner_and_access(self):
        rows = self.records("documented-list")
        self.assertEqual((rows[1]["owner"]["email"], rows[1]["owner"]["source"], rows[1]["access"]["users"]),
                         ("anna@example.com", "custom", ["anna@example.com"]))
        self.assertEqual(rows[57]["access"], {"users": ["maria.lopez@example.com"], "groups": ["Workstations"]})
        self.assertEqual(rows[33]["access"], {"users": [], "groups": ["Servers"]})


if __name__ == "__main__":
    unittest.main(verbosity=2)
