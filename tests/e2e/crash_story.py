"""A fleet that changes while the store is killed again and again, and what the
store must say of it afterwards. Used by test_crash.py (the process dies) and
test_power.py (the machine dies).

A story is a number of chapters. In a chapter hosts are changed, added, deleted
or exchanged, each at most once, while syncs are cut; it ends with two whole
syncs (the first completes a resumed walk, which cannot know of changes behind
its cursor) and with the books: every event of the feed accounted for, nothing
twice, nothing missing."""

import collections
import json
import os
import random

from muster_e2e import Failed, Muster

SOAK = 5 if os.environ.get("MUSTER_SOAK") else 1
STORE_MISSING = 4  # musterctl's exit code: there is no store yet

# A touch of the simulator's field must show up in this member of the record.
TOUCHES = {"os_version": "os", "team": "team"}
SHOWN = {"os": ("os_version", "build"), "team": ("team_id",)}


def seeded():
    """The seed of this run, printed so that a failure can be repeated."""
    seed = int(os.environ.get("MUSTER_SEED") or random.SystemRandom().randrange(1 << 32))
    print(f"seed {seed} (set MUSTER_SEED to repeat it)", flush=True)
    return random.Random(seed)


def without_times(record):
    """What two stores must agree on, whenever each was filled."""
    return {k: v for k, v in record.items() if k not in ("volatile", "stale", "online")}


class Books:
    """One tenant: the hosts it has, and what this chapter's events must be."""

    def __init__(self, sim, name):
        self.sim, self.name = sim, name
        # servers before 4.82 want the other spelling of the cursor
        self.key = "id" if sim.page(name, order_key="id", after=0, per_page=1).status == 200 else "h.id"
        self.ids = {h["id"] for h in sim.hosts(name, order_key=self.key)}
        self.spare = len(self.ids) // 5 - 8  # deletions before the guard would hold them
        self.events = []
        self.place = (0, 0)
        self.open_chapter()

    def open_chapter(self):
        self.untouched = sorted(self.ids)
        self.wanted = collections.Counter()
        self.began = len(self.events)

    def listed(self, host, member):
        page = self.sim.page(self.name, order_key=self.key, after=host - 1, per_page=1).json()["hosts"]
        return {k: page[0].get(k) for k in SHOWN[member]}

    def want(self, kind, host, member=None):
        self.wanted[kind, host, member] += 1


class Story:
    def __init__(self, sim, rng, muster, tenants):
        self.sim, self.rng, self.muster = sim, rng, muster
        self.books = {t: Books(sim, t) for t in tenants}
        self.stages = collections.Counter()

    # what happens to the fleet

    def change(self):
        """A few changes to one tenant, to hosts that this chapter left alone."""
        b = self.rng.choice(list(self.books.values()))
        for _ in range(self.rng.randrange(1, 5)):
            if b.untouched:
                self._change_one(b, b.untouched.pop(self.rng.randrange(len(b.untouched))))
        if self.rng.random() < 0.2:
            self.sim.mutate(b.name, "volatile", seconds=61)

    def _change_one(self, b, host):
        what = self.rng.choice(["touch"] * 6 + ["add", "delete", "recreate", "reenroll"])
        if what in ("delete", "recreate", "reenroll"):
            b.spare -= 1
            if b.spare < 0:
                what = "touch"
        if what == "touch":
            self._touch(b, host, self.rng.choice(list(TOUCHES)))
        elif what == "add":
            self._born(b, self.sim.mutate(b.name, "add", count=1)["ids"][0])
        elif what == "delete":
            self.sim.mutate(b.name, "delete", ids=[host])
            self._dies(b, host)
        elif what == "recreate":
            self.sim.mutate(b.name, "recreate", id=host)
            b.want("deleted", host)
            b.want("created", host)
        else:
            self._born(b, self.sim.mutate(b.name, "reenroll", id=host)["ids"][0])
            self._dies(b, host)

    def _touch(self, b, host, field):
        """Not every touch shows: a free server has no teams, a rare system one version."""
        before = b.listed(host, TOUCHES[field])
        self.sim.mutate(b.name, "touch", field=field, id=host)
        if b.listed(host, TOUCHES[field]) != before:
            b.want("changed", host, TOUCHES[field])

    def _born(self, b, host):
        b.ids.add(host)
        b.want("created", host)

    def _dies(self, b, host):
        b.ids.remove(host)
        b.want("deleted", host)

    # after a cut

    def look(self):
        """The store is consistent and went neither back nor round in circles."""
        run = self.muster.ctl_run("verify")
        if run.status == STORE_MISSING and "there is no store" in run.err:
            self.stages["no store"] += 1
            return
        if run.status != 0:
            raise Failed(f"the store is not consistent: {run}")
        rows = {row["tenant"]: row for row in self.muster.ctl("tenants")}
        for b in self.books.values():
            if b.name in rows:
                self._look_at(b, rows[b.name])

    def _look_at(self, b, row):
        walk = row["walk"]
        place = (walk["number"], walk["cursor"] or 0)
        if place < b.place:
            raise Failed(f"\"{b.name}\" went back from walk and cursor {b.place} to {place}")
        if row["seq"] < len(b.events):
            raise Failed(f"\"{b.name}\" lost events: had {len(b.events)}, has {row['seq']}")
        b.place = place
        self.read_feed(b)
        whole = "complete" if walk["state"] == "complete" else "cut"
        self.stages[("walk " if row["baseline"] else "first walk ") + whole] += 1

    def read_feed(self, b):
        new = self.muster.ctl("changes", b.name, "--since", str(len(b.events)))
        for event in new:
            if event["seq"] != len(b.events) + 1:
                raise Failed(f"\"{b.name}\": sequence {event['seq']} after {len(b.events)}")
            b.events.append(event)

    # the end of a chapter

    def sync_whole(self, *arguments):
        run = self.muster.once(*arguments)
        if run.status != 0:
            raise Failed(f"a whole sync failed: {run}")
        self.muster.verify()
        return run

    def close_chapter(self, *arguments):
        self.sync_whole(*arguments)
        self.sync_whole(*arguments)
        rows = {row["tenant"]: row for row in self.muster.ctl("tenants")}
        for b in self.books.values():
            self.read_feed(b)
            if (rows[b.name]["seq"], rows[b.name]["missing"], rows[b.name]["hold"]) != (len(b.events), 0, None):
                raise Failed(f"\"{b.name}\": {len(b.events)} events read, but {rows[b.name]}")
            self.check_devices(b)
            self._check_events(b)
            b.open_chapter()

    def check_devices(self, b):
        ids = [d["id"] for d in self.muster.ctl("devices", b.name)]
        if ids != sorted(b.ids):
            raise Failed(f"devices of \"{b.name}\": missing {sorted(b.ids - set(ids))}, "
                         f"too many {sorted(set(ids) - b.ids)}, of {len(ids)}")

    def _check_events(self, b):
        found = collections.Counter()
        for event in b.events[b.began:]:
            if event["kind"] != "changed":
                found[event["kind"], event.get("id"), None] += 1
                continue
            for member in TOUCHES.values():
                if any(f.split(".")[0] == member for f in event["fields"]):
                    found["changed", event["id"], member] += 1
        if found != b.wanted:
            raise Failed(f"events of \"{b.name}\": missing {dict(b.wanted - found)}, "
                         f"too many {dict(found - b.wanted)}:\n" +
                         "\n".join(json.dumps(e) for e in b.events[b.began:]))

    def compare_with_fresh(self):
        """A store filled in one go has the same records."""
        with Muster(self.sim, self.muster.tenants, **self.muster.settings) as fresh:
            fresh.once("--details=all")
            fresh.verify()
            self.sync_whole("--details=all")
            for name in self.books:
                ours = [without_times(r) for r in self.muster.ctl("devices", name)]
                theirs = [without_times(r) for r in fresh.ctl("devices", name)]
                for a, z in zip(ours, theirs):
                    if a != z:
                        raise Failed(f"\"{name}\": a record differs from a fresh store's:\n{a}\n{z}")
                if len(ours) != len(theirs) or not ours:
                    raise Failed(f"\"{name}\": {len(ours)} records, a fresh store has {len(theirs)}")
