"""Answers that no test of a fault has: a success that is not Fleet's 200, and a
server that repeats the token it was sent. And settings:
names that no tenant has, and the age from which a device is stale."""

import json
import unittest

from oracle import Scenario

TOKEN = "Zm9vYmFyYmF6cXV4cXV1eGNvcmdlZ3JhdWx0Z2FycGx5d2FsZG9mcmVkcGx1Z2h4eXp6eXRodWQ+/w=="


def error(reason):
    return json.dumps({"message": "Bad request", "errors": [{"name": "base", "reason": reason}]})


class OtherSuccesses(Scenario):
    def setUp(self):
        self.serve("name=acme,hosts=30")

    def test_list(self):
        for status in (201, 204, 206):
            for body in ("", '{"hosts": []}'):
                with self.subTest(status=status, body=body):
                    self.fresh(["acme"])
                    self.sim.fault("acme", "list", {"skip": 1}, status=status, body=body)
                    self.sync(status=1, tells=f"status {status}")
                    self.assertEqual(self.devices(), {})
                    self.sim.clear_faults("acme")

    def test_a_missing_host_is_not_gone(self):
        self.sync()
        gone = sorted(self.devices())[4]
        self.sim.mutate("acme", "delete", ids=[gone])
        self.sim.fault("acme", "detail", {}, status=204, body="")
        self.sync()
        self.assertIn(gone, self.devices())

    def test_detail(self):
        self.sim.fault("acme", "detail", {"times": 3}, status=204, body="")
        self.sync("--details", "due", tells="details failed")


class RepeatedToken(Scenario):
    FAULTS = {
        "a refusal": ("list", dict(status=400, body=error("bad token " + TOKEN))),
        "a refusal, cut": ("list", dict(status=400, body=error("x" * 130 + TOKEN))),
        "a failure": ("version", dict(status=500, body=error(TOKEN))),
        "a redirect": ("list", dict(status=302, body="", headers={"Location": "https://x/?token=" + TOKEN})),
        "an error in the page": ("list", dict(inband={"hosts": 2, "error": TOKEN})),
        "a detail": ("detail", dict(status=422, body=error(TOKEN))),
    }

    def test_it_is_said_nowhere(self):
        self.serve("name=acme,hosts=30,token=" + TOKEN)
        for name, (match, do) in self.FAULTS.items():
            with self.subTest(name):
                self.fresh(["acme"])
                self.sim.fault("acme", match, **do)
                run = self.muster.once("--retry-base", "1ms", "--probe-gap", "1ms", "--log-level", "debug")
                self.sim.clear_faults("acme")
                self.assertNotIn(TOKEN[:12], run.out + run.err)
                for file in self.muster.store.iterdir():
                    self.assertNotIn(TOKEN[:12].encode(), file.read_bytes(), file.name)


class UnknownNames(Scenario):
    def test_they_are_refused(self):
        self.serve("name=acme,hosts=30")
        for option in ("--tenant", "acne"), ("--tenant", "acme", "--tenant", "acne"), ("--accept-deletions", "acne=5"):
            with self.subTest(option):
                self.sync(*option, status=2, tells='"acne"')
                self.assertFalse(self.muster.store.exists())

    def test_numbers_that_are_none(self):
        self.serve("name=acme,hosts=30")
        for value in "acme=99999999999999999999", "acme=-1", "acme=5x", "acme=", "=5":
            with self.subTest(value):
                self.sync("--accept-deletions", value, status=2, tells=f'"{value}" is no TENANT=N')
                self.assertFalse(self.muster.store.exists())


class StaleAfter(Scenario):
    def stale(self, *options):
        return sum(d["stale"] is True for d in self.muster.ctl("devices", "acme", *options))

    def test_the_setting_counts_and_the_option_wins(self):
        self.serve("name=acme,hosts=120", stale_after="3650d")
        self.sync()
        self.assertEqual(self.stale(), 0)
        some = self.stale("--stale-after", "1h")
        self.assertGreater(some, 0)
        self.muster.settings["stale_after"] = "1h"
        self.muster.write_config()
        self.sync(tells="nothing changed")
        self.assertEqual((self.stale(), self.stale("--stale-after", "3650d")), (some, 0))


class Replaced(Scenario):
    def test_it_is_said_that_devices_went(self):
        self.serve("name=acme,hosts=30")
        self.sync()
        self.sim.mutate("acme", "recreate", id=sorted(self.devices())[3])
        self.sync(tells="1 created, 1 deleted")


if __name__ == "__main__":
    unittest.main()
