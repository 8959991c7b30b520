"""The configuration as musterd itself reads it: included files, settings of the
daemon, and what it needs for one round of syncs."""

import os
import tempfile
import unittest

from muster_e2e import BUILD, run

EXIT_CONFIG = 3


class Configuration(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="muster-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        os.mkdir(os.path.join(self.folder, "tenants.d"))

    def put(self, name, text):
        with open(os.path.join(self.folder, name), "w", encoding="utf-8") as f:
            f.write(text)

    def musterd(self, *options):
        config = os.path.join(self.folder, "muster.yaml")
        return run([os.path.join(BUILD, "musterd"), "--config", config, *options], timeout=60)

    def test_included_files_count(self):
        self.put("muster.yaml", "include: tenants.d/*.yaml\ndefaults: {interval: 5m}\nlog: {level: debug}\n")
        for name in ("a", "b"):
            self.put(f"tenants.d/{name}.yaml", f"tenants: [{{name: {name}, url: {name}.example, token_file: tok}}]\n")
        self.put("tenants.d/tok", "x")
        os.chmod(os.path.join(self.folder, "tenants.d/tok"), 0o600)
        r = self.musterd("--check-config")
        self.assertEqual((r.status, r.err), (0, ""))
        self.assertIn("2 tenants, no errors", r.out)

    def test_mistakes_name_their_file(self):
        self.put("muster.yaml", "include: tenants.d/*.yaml\nlimits: {transfers: none}\n")
        self.put("tenants.d/a.yaml", "tenants:\n- {name: a, url: a.example, token_file: nope}\n")
        r = self.musterd("--check-config")
        self.assertEqual(r.status, EXIT_CONFIG)
        self.assertIn(os.path.join(self.folder, "muster.yaml") + ":2:21: error: ", r.err)
        self.assertIn(os.path.join(self.folder, "tenants.d/a.yaml") + ":2:41: error: ", r.err)
        self.assertEqual(len(r.err.splitlines()), 2)

    def test_no_tenants(self):
        self.put("muster.yaml", "secrets: {key_file: key}\n")
        self.assertEqual(self.musterd("--check-config").status, 0)
        r = self.musterd("--once")
        self.assertEqual(r.status, EXIT_CONFIG)
        self.assertIn("--once finds no tenants", r.err)
        self.put("muster.yaml", "store: {}\n")
        self.assertIn('the file has no "tenants"', self.musterd("--check-config").err)


if __name__ == "__main__":
    unittest.main()
