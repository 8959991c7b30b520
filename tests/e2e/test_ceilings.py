"""The ceilings over all tenants of the daemon: transfers, connections, and memory
for pages that are not in the store yet."""

import os
import unittest

from running import Running

TENANTS, HOSTS = 30, 60
NAMES = [f"tenant-{i:02}" for i in range(TENANTS)]
LIMITS = {"transfers": 4, "connections": 6, "unproven_bytes": "1MiB"}
SKEW_MS = 10  # the simulator may note the end of an answer after the next request has come
ENDED = {"06", "07", "08"}  # of /proc/net/tcp: time-wait, closed, and closed by the other side only


class Ceilings(Running):
    def serve_all(self, names, **settings):
        self.serve(*(f"name={n},hosts={HOSTS},seed={i}" for i, n in enumerate(names)), **settings)

    def connections(self):
        """How many TCP connections the daemon has."""
        sockets, folder = set(), f"/proc/{self.daemon.process.pid}/fd"
        for fd in os.listdir(folder):
            try:
                sockets.add(os.readlink(f"{folder}/{fd}"))
            except FileNotFoundError:
                pass
        with open("/proc/net/tcp", encoding="ascii") as f:
            rows = [line.split() for line in f.readlines()[1:]]
        return sum(f"socket:[{r[9]}]" in sockets and r[3] not in ENDED for r in rows)

    def synced(self):
        return {t["tenant"] for t in self.tenants() if t["sync"]["result"] == "ok"}

    def in_flight(self):
        """The most requests that the servers had at once."""
        events = []
        for stats in self.sim.stats().values():
            self.assertLessEqual(stats["requests"], len(stats["log"]))
            for r in stats["log"]:
                if r["took_ms"] > SKEW_MS:
                    events += [(r["at_ms"], 1), (r["at_ms"] + r["took_ms"] - SKEW_MS, -1)]
        most = now = 0
        for _, step in sorted(events):
            now += step
            most = max(most, now)
        return most

    def test_never_above(self):
        self.serve_all(NAMES)
        for name in NAMES:
            self.sim.fault(name, "list", delay_ms=60)
        self.run_daemon("--details", "none", limits=LIMITS)
        most = 0

        def all_synced():
            nonlocal most
            most = max(most, self.connections())
            return self.synced() == set(NAMES)

        self.until(all_synced, 120, what="the sync of all tenants")
        self.assertLessEqual(most, LIMITS["connections"])
        self.assertGreaterEqual(most, 2)
        self.assertEqual(self.in_flight(), LIMITS["transfers"])
        for name in NAMES:
            self.assertEqual(len(self.daemon.rows(f"devices {name}")), HOSTS)

    def test_servers_that_stall_hold_up_nobody(self):
        self.serve_all(NAMES)
        stalled = NAMES[:3]
        for name in stalled:
            self.sim.fault(name, "list", {"skip": 1}, stall=True)
        self.run_daemon("--details", "none", limits=LIMITS)
        self.until(lambda: self.synced() == set(NAMES) - set(stalled), 120, what="the sync of the others")
        for name in stalled:
            self.assertEqual(self.daemon.tenant(name)["state"], "running")
        # ended in the middle, with memory in hand
        self.assertEqual(self.daemon.stop(), 0)

    def test_pages_that_find_no_room(self):
        names = NAMES[:6]
        self.serve(*(f"name={n},hosts=1500,seed={i}" for i, n in enumerate(names)), limits={"page_hosts": 1000})
        for name in names:
            self.sim.fault(name, "list", delay_ms=100)
        self.run_daemon("--details", "none", limits=LIMITS, log={"level": "info"})
        self.until(lambda: self.synced() == set(names), 120, what="the sync of all tenants")
        self.assertIn("no room for a page", self.daemon.log())
        for name in names:
            self.assertEqual(self.tenant(name)["devices"], 1500)
        self.muster.verify()

    def test_new_limits_hold_after_a_reload(self):
        self.serve_all(NAMES[:8])
        for name in NAMES[:8]:
            self.sim.fault(name, "list", delay_ms=60)
        self.run_daemon("--details", "none", limits=LIMITS)
        self.until(lambda: self.synced() == set(NAMES[:8]), 60, what="the first syncs")
        self.daemon.sections["limits"] = {**LIMITS, "transfers": 1}
        self.daemon.write_config()
        self.daemon.rows("reload")
        self.sim.clear_stats()
        self.daemon.ask("sync --all --wait", timeout=60)
        self.assertEqual(self.in_flight(), 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
