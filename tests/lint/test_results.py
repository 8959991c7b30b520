#!/usr/bin/env python3
"""The last line of `./dev test` must be right even when things went wrong."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

PROGRAM = pathlib.Path(__file__).resolve().parents[1] / "results.py"

CASE = {
    "run": '<testcase name="unit/base/a" time="0.1" status="run"/>',
    "fail": '<testcase name="unit/base/b" time="0.1" status="fail"><failure message=""/></testcase>',
    "skip": '<testcase name="e2e/c" time="0" status="notrun"><skipped message="SKIP_RETURN_CODE=77"/>'
            "<system-out>skipped: no recordings here</system-out></testcase>",
}


class Results(unittest.TestCase):
    def last_line(self, *files):
        """What results.py says last, its exit code, and all it said."""
        with tempfile.TemporaryDirectory() as d:
            arguments = []
            for i, content in enumerate(files):
                path = pathlib.Path(d, f"{i}.xml")
                if content is not None:
                    path.write_text(content)
                arguments.append(f"run{i}={path}")
            done = subprocess.run([sys.executable, PROGRAM, *arguments], stdout=subprocess.PIPE, text=True, check=False)
        return done.stdout.splitlines()[-1], done.returncode, done.stdout

    @staticmethod
    def suite(*kinds):
        return "<testsuite>" + "".join(CASE[k] for k in kinds) + "</testsuite>"

    def test_adds_up(self):
        line, code, _ = self.last_line(self.suite("run", "skip"), self.suite("run"))
        self.assertEqual((line, code), ("2 passed, 0 failed, 1 skipped", 0))

    def test_says_why_skipped(self):
        self.assertIn("e2e/c: skipped: no recordings here", self.last_line(self.suite("run", "skip"))[2])

    def test_failure_fails(self):
        line, code, said = self.last_line(self.suite("run", "fail"))
        self.assertEqual((line, code), ("1 passed, 1 failed, 0 skipped", 1))
        self.assertIn("FAILED  run0: unit/base/b", said)

    def test_no_file_is_a_failure(self):
        line, code, _ = self.last_line(self.suite("run"), None)
        self.assertEqual((line, code), ("1 passed, 1 failed, 0 skipped", 1))

    def test_broken_file_is_a_failure(self):
        self.assertEqual(self.last_line("<testsuite>")[:2], ("0 passed, 1 failed, 0 skipped", 1))

    def test_no_test_is_a_failure(self):
        self.assertEqual(self.last_line("<testsuite/>")[:2], ("0 passed, 1 failed, 0 skipped", 1))

    def test_all_skipped_is_no_success(self):
        self.assertEqual(self.last_line(self.suite("skip"))[:2], ("0 passed, 0 failed, 1 skipped", 1))


if __name__ == "__main__":
    unittest.main()
