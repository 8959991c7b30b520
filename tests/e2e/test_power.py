"""The power fails at a random write or sync of the store, 60 times: what was
written since the last sync arrived in part, in any order, or not at all (the
model stands in tests/shim/lostwrites.c). After each the store is consistent; at
the end nothing that was committed is lost and no change is told twice."""

import pathlib
import tempfile
import unittest

from crash_story import SOAK, STORE_MISSING, Story, seeded
from muster_e2e import Failed, Muster, Sim, preloaded

FIRST_STORES, CHAPTERS, CHAPTER_ROUNDS = 20 * SOAK, 5 * SOAK, 8
KILLED = -9


class Power(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        preloaded("lostwrites")  # or skips all of it
        cls.rng = seeded()

    def shim(self, **settings):
        return preloaded("lostwrites", FILE="data.mdb", **settings)

    def calls_of(self, muster):
        """How many writes and syncs a whole sync makes."""
        with tempfile.TemporaryDirectory() as folder:
            count = pathlib.Path(folder, "count")
            run = muster.once("--progress=never", env=self.shim(COUNT=count))
            if run.status != 0:
                raise Failed(f"the sync under the shim failed: {run}")
            return int(count.read_text())

    def fail_at(self, muster, at, **more):
        """One sync that meets the failure; False when it ended before."""
        env = self.shim(AT=at, SEED=self.rng.randrange(1, 1 << 31), **more)
        run = muster.once("--progress=never", env=env)
        if run.status not in (0, KILLED) or (run.status == KILLED and "power failed" not in run.err):
            raise Failed(f"neither done nor without power: {run}")
        return run.status == KILLED

    def cut(self, story, calls):
        failed = self.fail_at(story.muster, self.rng.randrange(1, calls + 1))
        story.look()
        return failed

    def test_first_minutes(self):
        """Of a store that is just being made."""
        with Sim("name=acme,hosts=60,seed=1", "name=old,hosts=30,seed=2,version=4.36.0,tier=free") as sim:
            with Muster(sim) as muster:
                calls = self.calls_of(muster)
            self.assertGreater(calls, 20)
            for round_ in range(FIRST_STORES):
                with Muster(sim, limits={"page_hosts": 20}) as muster:
                    story = Story(sim, self.rng, muster, ["acme", "old"])
                    self.cut(story, 8 if round_ % 2 else calls)
                    self.cut(story, calls // 2)
                    story.sync_whole()
                    story.compare_with_fresh()

    def test_a_lying_disk_does_harm(self):
        """What would not notice this would notice nothing."""
        with Sim("name=acme,hosts=60,seed=1") as sim:
            for _ in range(30):
                with Muster(sim) as muster:
                    self.fail_at(muster, self.rng.randrange(20, 40), LIES=1)
                    if muster.ctl_run("verify").status not in (0, STORE_MISSING):
                        return
                    if muster.store.exists() and muster.once().status != 0:
                        return
            self.fail("the store stood 30 failures of a disk that syncs nothing")

    def test_changes(self):
        with Sim("name=acme,hosts=240,seed=1", "name=mid,hosts=120,seed=3,version=4.81.0") as sim:
            with Muster(sim, limits={"page_hosts": 20}) as muster:
                story = Story(sim, self.rng, muster, ["acme", "mid"])
                story.sync_whole()
                for b in story.books.values():
                    story.read_feed(b)
                    b.open_chapter()
                failures = 0
                for _ in range(CHAPTERS):
                    for _ in range(CHAPTER_ROUNDS):
                        story.change()
                        failures += self.cut(story, 90)
                    story.close_chapter()
                print(f"{failures} of {CHAPTERS * CHAPTER_ROUNDS} syncs lost their power: {dict(story.stages)}",
                      flush=True)
                self.assertGreater(failures, CHAPTERS * CHAPTER_ROUNDS // 4)
                story.compare_with_fresh()


if __name__ == "__main__":
    unittest.main(verbosity=2)
