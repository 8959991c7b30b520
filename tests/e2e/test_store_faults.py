"""What goes wrong with the store's place: a full disk, a second process, a
newer format, a damaged file, folders that cannot be written. Each is a
sentence, nothing is damaged, and it goes on when the cause is gone."""

import contextlib
import json
import os
import pathlib
import re
import signal
import struct
import subprocess
import tempfile
import unittest

from muster_e2e import Muster, Sim, run, wait_for

FAILED, STORE, BUSY = 1, 4, 6
PAGE, PAGE_HEADER, KEY_OFFSET, BRANCH = 4096, 16, 2, 1  # of LMDB's file


def limited(muster, file_bytes):
    """A sync that may write files of no more than that: pieces beyond it fail."""
    def set_limit():
        import resource
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))
    process = subprocess.run([str(c) for c in muster.command("--once", "--progress=never")], timeout=120,
                             stdin=subprocess.DEVNULL, capture_output=True, preexec_fn=set_limit, cwd=muster.dir)
    return process.returncode, process.stdout.decode(), process.stderr.decode()


@contextlib.contextmanager
def small_disk(kilobytes):
    if os.geteuid() != 0:
        raise unittest.SkipTest("only root may mount a small disk")
    with tempfile.TemporaryDirectory(prefix="muster-disk-") as folder:
        mounted = run(["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "none", folder], 20)
        if mounted.status != 0:
            raise unittest.SkipTest(f"a small disk cannot be mounted here: {mounted.err.strip()}")
        try:
            yield pathlib.Path(folder)
        finally:
            run(["umount", folder], 20)


class StoreFaults(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sim = Sim("name=acme,hosts=400,seed=1", "name=tiny,hosts=5,seed=2").start()

    @classmethod
    def tearDownClass(cls):
        cls.sim.stop()

    def muster(self, *tenants, store=None):
        m = Muster(self.sim, list(tenants) or ["acme"])
        self.addCleanup(m.close)
        if store:
            m.store = store
            m.write_config()
        return m

    def sound(self, muster, devices):
        muster.verify()
        self.assertEqual(len(muster.ctl("devices", "acme")), devices)

    # no room

    def test_full_disk(self):
        with small_disk(400) as disk:
            m = self.muster(store=disk / "store")
            filler = disk / "filler"
            first = m.once("--progress=never")
            self.assertEqual(first.status, FAILED, first)
            self.assertIn("the disk of the store", first.out + first.err)
            self.assertIn("is full; free some space and it goes on", first.out + first.err)
            m.verify()
            told = m.ctl_run("tenants", "--json")
            self.assertEqual(told.status, FAILED, "the last sync is not shown as success")
            kept = json.loads(told.out)
            self.assertEqual((kept["baseline"], kept["sync"]["error"]), (False, "disk_full"))
            self.assertEqual(run(["mount", "-o", "remount,size=64m", disk], 20).status, 0)
            self.assertEqual(m.once().status, 0)
            self.sound(m, 400)
            # full again, with a store that is in use: it still reads, and loses nothing
            seq = m.ctl("tenants")[0]["seq"]
            with open(filler, "wb") as f, contextlib.suppress(OSError):
                while True:
                    f.write(bytes(1 << 20))
                    f.flush()
            self.sim.mutate("acme", "touch", field="os_version", fraction=1)
            again = m.once("--progress=never")
            self.assertIn(again.status, (0, FAILED), again)
            self.sound(m, 400)
            filler.unlink()
            self.assertEqual(m.once().status, 0)
            self.sound(m, 400)
            events = m.ctl("changes", "acme", "--since", str(seq))
            self.assertEqual([e["seq"] for e in events], list(range(seq + 1, seq + 1 + len(events))))
            self.assertEqual(len({e["id"] for e in events}), len(events), "one event for each host that changed")
            self.assertGreater(len(events), 300)

    def test_no_room_for_a_store(self):
        with small_disk(8) as disk:
            (disk / "filler").write_bytes(bytes(8192 - 4096))
            m = self.muster(store=disk / "store")
            r = m.once("--progress=never")
            self.assertEqual(r.status, STORE, r)
            self.assertIn("full", r.err)
            self.assertEqual(run(["mount", "-o", "remount,size=64m", disk], 20).status, 0)
            self.assertEqual(m.once().status, 0)
            self.sound(m, 400)

    def test_limit_of_file_size(self):
        """The same without root: a piece of a page that does not fit."""
        m = self.muster()
        status, out, err = limited(m, 300 * 1024)
        self.assertEqual(status, FAILED, out + err)
        self.assertIn("the store refused", out + err)
        m.verify()
        self.assertEqual(m.once().status, 0)
        self.sound(m, 400)

    # somebody else

    def test_second_process(self):
        self.sim.fault("acme", "list", {"times": 1}, delay_ms=3000)
        self.addCleanup(self.sim.clear_faults, "acme")
        m = self.muster()
        first = m.start_once("--progress=never")
        wait_for(lambda: (m.store / "muster.lock").exists() and (m.store / "muster.lock").read_text(), what="the lock")
        second = m.once("--progress=never")
        self.assertEqual(second.status, BUSY, second)
        self.assertIn(f"is in use by process {first.pid}; stop it or choose another store", second.err)
        self.assertEqual(second.err.count("\n"), 1, "one sentence")
        out, err = first.communicate(timeout=60)
        self.assertEqual(first.returncode, 0, out + err)
        self.sound(m, 400)
        self.assertEqual(m.once().status, 0, "the lock went with the process")

    def test_lock_of_a_dead_process(self):
        m = self.muster("tiny")
        process = m.start_once()
        wait_for(lambda: (m.store / "muster.lock").exists(), what="the lock")
        process.kill()
        process.communicate()
        self.assertEqual(m.once().status, 0)

    def test_reading_while_it_is_written(self):
        self.sim.fault("acme", "list", delay_ms=20)
        self.addCleanup(self.sim.clear_faults, "acme")
        m = self.muster()
        m.settings["limits"] = {"page_hosts": 20}
        m.write_config()
        writer, seen = m.start_once("--progress=never"), set()
        while writer.poll() is None:
            r = m.ctl_run("verify")
            self.assertIn(r.status, (0, STORE), r)
            if r.status == 0:
                seen.update(row["devices"] for row in m.ctl("tenants"))
        self.assertEqual(writer.returncode, 0)
        self.assertGreater(len(seen), 3, "it was seen growing")

    # what is there is something else

    def test_newer_format(self):
        m = self.muster("tiny")
        self.assertEqual(m.once().status, 0)
        data = m.store / "data.mdb"
        held = data.read_bytes()
        known = re.search(rb"format\0\0\0(.)", held)[1][0]
        data.write_bytes(held.replace(b"format\0\0\0%c" % known, b"format\0\0\0%c" % (known + 1)))
        want = f"has format {known + 1}, this program knows up to {known}; use a newer program"
        for r in (m.once(), m.ctl_run("tenants"), m.ctl_run("verify")):
            self.assertEqual(r.status, STORE, r)
            self.assertIn(want, r.err)
        data.write_bytes(held)
        self.assertEqual(m.once().status, 0)
        m.verify()

    def test_damaged_file(self):
        m = self.muster()
        self.assertEqual(m.once().status, 0)
        data = m.store / "data.mdb"
        held = data.read_bytes()
        for name, damaged in [("both meta pages", bytes(8192) + held[8192:]), ("cut to a page", held[:4096]),
                              ("cut to four pages", held[:16384]), ("cut to half", held[:len(held) // 8192 * 4096]), ("text", b"this is no store\n" * 1000)]:
            with self.subTest(name):
                data.write_bytes(damaged)
                for r in (m.ctl_run("verify"), m.once()):
                    self.assertEqual(r.status, STORE, r)
                    self.assertEqual(r.err.count("\n"), 1, r)
                self.assertEqual(data.read_bytes()[:4096], damaged[:4096], "it was not written over")
        data.write_bytes(held)
        self.assertEqual(m.once().status, 0)
        self.sound(m, 400)

    def test_damaged_pages(self):
        """Branch pages with a single key: LMDB's assertion, met by readers and by the writer's thread."""
        m = self.muster()
        self.assertEqual(m.once().status, 0)
        data = m.store / "data.mdb"
        held = data.read_bytes()
        damaged, branches = bytearray(held), 0
        for number in range(2, len(held) // PAGE):
            # an LMDB page begins with its number, 2 bytes of padding, its flags and where its keys end
            found, flags = struct.unpack_from("<Q2xH", held, number * PAGE)
            if (found, flags) == (number, BRANCH):
                struct.pack_into("<H", damaged, number * PAGE + 12, PAGE_HEADER + KEY_OFFSET)
                branches += 1
        self.assertGreater(branches, 0)
        data.write_bytes(damaged)
        for r in (m.ctl_run("verify"), m.ctl_run("devices", "acme"), m.once("--progress=never")):
            self.assertEqual(r.status, STORE, r)
            self.assertRegex(r.err, "^muster(d|ctl): a part of the store cannot be read: .* restore a backup\n$")
        data.write_bytes(held)
        self.assertEqual(m.once().status, 0)
        self.sound(m, 400)

    def test_without_standard_files(self):
        """What is printed must not go into the file that took the number of a closed one; the
        sync is done all the same, and that its result could not be told is exit code 5."""
        m = self.muster()
        for closed in (1,), (2,), (0, 1, 2):
            with self.subTest(closed):
                process = subprocess.Popen([str(c) for c in m.command("--once", "--log-level", "debug")], cwd=m.dir,
                                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                           preexec_fn=lambda: [os.close(fd) for fd in closed])
                self.assertEqual(process.wait(120), 5 if 1 in closed else 0)
                self.sound(m, 400)
                for file in m.store.iterdir():
                    held = file.read_bytes()
                    self.assertFalse(b"waiting" in held or b"from=new" in held, file.name)

    def test_damaged_records_are_found(self):
        """Bytes of a record: LMDB has no checksums, verify reads each back."""
        m = self.muster()
        self.assertEqual(m.once().status, 0)
        data, name = m.store / "data.mdb", m.ctl("devices", "acme")[7]["identity"]["hostname"].encode()
        self.assertIn(name, data.read_bytes())
        data.write_bytes(data.read_bytes().replace(name, b'"' * len(name)))
        r = m.ctl_run("verify")
        self.assertEqual(r.status, FAILED, r)

    # folders

    def test_no_folder(self):
        m = self.muster("tiny")
        self.assertEqual(m.ctl_run("tenants").status, STORE)
        m.store = m.dir / "no" / "such" / "folder"
        m.write_config()
        (m.dir / "no").write_text("a file")
        r = m.once()
        self.assertEqual(r.status, STORE, r)
        self.assertIn("could not be made", r.err)
        (m.dir / "no").unlink()
        self.assertEqual(m.once().status, 0)
        self.assertEqual((m.dir / "no").stat().st_mode & 0o777, 0o700)

    def test_folder_of_others(self):
        m = self.muster("tiny")
        m.store.mkdir()
        (m.store / "letter.txt").write_text("dear")
        r = m.once()
        self.assertEqual(r.status, STORE, r)
        self.assertIn("it holds other files", r.err)
        self.assertEqual([p.name for p in m.store.iterdir()], ["letter.txt"])

    def test_read_only_disk(self):
        with small_disk(65536) as disk:
            m = self.muster(store=disk / "store")
            self.assertEqual(m.once().status, 0)
            self.assertEqual(run(["mount", "-o", "remount,ro", disk], 20).status, 0)
            r = m.once()
            self.assertEqual(r.status, STORE, r)
            self.assertIn("Read-only file system", r.err)
            self.sound(m, 400)
            self.assertEqual(run(["mount", "-o", "remount,rw", disk], 20).status, 0)
            self.assertEqual(m.once().status, 0)

    def as_nobody(self, command):
        if os.geteuid() != 0:
            return run(command, 60)
        return run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *command], 60)

    def test_folder_that_may_not_be_written(self):
        m = self.muster("tiny")
        self.assertEqual(m.once().status, 0)
        m.dir.chmod(0o755)
        pathlib.Path(self.sim.dir).chmod(0o755)
        for p in m.dir.rglob("*"):
            p.chmod(0o755)
        for p in m.store.iterdir():
            p.chmod(0o444)
        m.store.chmod(0o555)
        before = (m.store / "data.mdb").read_bytes()
        r = self.as_nobody(m.command("--once"))
        self.assertEqual(r.status, STORE, r)
        self.assertIn("could not be opened", r.err)
        r = self.as_nobody([m.program("musterctl"), "--store", m.store, "tenants"])
        self.assertEqual(r.status, STORE, r)
        self.assertIn("is not allowed; run it as the user who owns the store", r.err)
        self.assertEqual((m.store / "data.mdb").read_bytes(), before)
        m.store.chmod(0o755)


if __name__ == "__main__":
    unittest.main(verbosity=2)
