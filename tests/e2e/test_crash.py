"""kill -9 at random points of 200 syncs: of first walks, of the building of the
indexes, of syncs with changes, deletions and details of several tenants. After
each the store is consistent; at the end nothing is lost, and every change is in
its tenant's feed exactly once."""

import time
import unittest

from crash_story import SOAK, Story, seeded
from muster_e2e import Muster, Sim

FIRST_WALKS, FIRST_ROUNDS, FIRST_HOSTS = 6 * SOAK, 10, 3000
CHAPTERS, CHAPTER_ROUNDS = 14 * SOAK, 10


def cut(muster, after_s, *arguments):
    """Starts a sync and kills it; True when it had not ended by itself."""
    process = muster.start_once("--progress=never", *arguments)
    time.sleep(after_s)
    running = process.poll() is None
    process.kill()
    process.communicate()
    muster.processes.remove(process)
    return running


class Crash(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rng = seeded()

    def seconds_of(self, sim, *arguments, **settings):
        """How long a sync takes that begins with nothing."""
        with Muster(sim, **settings) as muster:
            return muster.once(*arguments).seconds

    def test_first_walks(self):
        with Sim(f"name=big,hosts={FIRST_HOSTS},seed=5,prepared=1", "name=small,hosts=40,seed=6") as sim:
            sim.fault("big", "list", delay_ms=8)
            whole_s = self.seconds_of(sim, "--details=none", limits={"page_hosts": 250})
            cuts = 0
            for _ in range(FIRST_WALKS):
                with Muster(sim, limits={"page_hosts": 250}) as muster:
                    story = Story(sim, self.rng, muster, ["big", "small"])
                    for _ in range(FIRST_ROUNDS):
                        # what is left to do is less and less: later rounds are shorter
                        cuts += cut(muster, self.rng.uniform(0, whole_s / 4), "--details=none")
                        story.look()
                    story.sync_whole("--details=none")
                    for b in story.books.values():
                        story.read_feed(b)
                        self.assertEqual([(e["kind"], e["devices"]) for e in b.events],
                                         [("baseline", len(b.ids))])
                        story.check_devices(b)
                print(f"first walk: {dict(story.stages)}", flush=True)
            self.assertGreater(cuts, FIRST_WALKS * FIRST_ROUNDS // 4)

    def test_changes(self):
        tenants = ["acme", "old", "mid"]
        with Sim("name=acme,hosts=240,seed=1", "name=old,hosts=120,seed=2,version=4.36.0,tier=free",
                 "name=mid,hosts=120,seed=3,version=4.81.0") as sim:
            for t in tenants:
                sim.fault(t, "list", delay_ms=4)
                sim.fault(t, "detail", delay_ms=1)
            with Muster(sim, limits={"page_hosts": 20}) as muster:
                self.tell(Story(sim, self.rng, muster, tenants), sim)

    def tell(self, story, sim):
        whole_s = story.sync_whole().seconds
        whole_s = min(whole_s, story.sync_whole().seconds * 1.5)
        for b in story.books.values():
            story.read_feed(b)
            b.open_chapter()
        cuts = 0
        for _ in range(CHAPTERS):
            for _ in range(CHAPTER_ROUNDS):
                story.change()
                cuts += cut(story.muster, self.rng.uniform(0, whole_s))
                story.look()
            story.close_chapter()
        print(f"{cuts} of {CHAPTERS * CHAPTER_ROUNDS} syncs were cut: {dict(story.stages)}, "
              f"{ {b.name: len(b.events) for b in story.books.values()} } events", flush=True)
        self.assertGreater(cuts, CHAPTERS * CHAPTER_ROUNDS // 4)
        self.assertGreater(story.stages["walk cut"], CHAPTERS)
        story.compare_with_fresh()


if __name__ == "__main__":
    unittest.main(verbosity=2)
