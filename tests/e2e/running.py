"""musterd as a daemon, in the folder of a Muster, and its admin socket."""

import json
import os
import signal
import socket
import subprocess
import time

from muster_e2e import Failed, wait_for
from oracle import Scenario


class Refused(Failed):
    def __init__(self, end):
        super().__init__(end["error"])
        self.reason = end["reason"]


class Connection:
    """The admin socket by hand: a line out, JSON lines in."""

    def __init__(self, path, timeout=30):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)
        self.socket.connect(str(path))
        self.rest = b""

    def close(self):
        self.socket.close()

    def send(self, line):
        self.socket.sendall(line.encode() + b"\n")

    def lines(self):
        """Rows as they come; the last one has `ok`."""
        while True:
            while b"\n" not in self.rest:
                more = self.socket.recv(65536)
                if not more:
                    raise Failed("the daemon hung up")
                self.rest += more
            line, self.rest = self.rest.split(b"\n", 1)
            row = json.loads(line)
            yield row
            if "ok" in row:
                return

    def ask(self, line):
        """The rows and the last object; Refused when it says so."""
        self.send(line)
        *rows, end = self.lines()
        if not end["ok"]:
            raise Refused(end)
        return rows, end


class Daemon:
    def __init__(self, muster, *options, **sections):
        """`sections` of the configuration: log={"level": "debug"}, ..."""
        self.muster = muster
        self.options = options
        self.socket = muster.dir / "admin.sock"
        self.sections = {"admin": {"socket": str(self.socket)}, **sections}
        self.logs = []
        self.process = None
        self.write_config()

    def write_config(self):
        self.muster.write_config()
        with open(self.muster.config, "a", encoding="utf-8") as f:
            for name, section in self.sections.items():
                f.write(f"{name}: {json.dumps(section)}\n")

    def start(self, env=None, ready_s=30):
        self.logs.append(self.muster.dir / f"log.{len(self.logs)}")
        with open(self.logs[-1], "wb") as log:
            self.process = subprocess.Popen([str(c) for c in self.muster.command(*self.options)],
                                            cwd=self.muster.dir, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env={**os.environ, **(env or {})})
        self.muster.processes.append(self.process)
        wait_for(lambda: self.process.poll() is not None or "ready" in self.log(), ready_s, what="the daemon")
        if self.process.poll() is not None:
            raise Failed(f"musterd ended with {self.process.returncode}: {self.log()}")
        return self

    def log(self):
        return self.logs[-1].read_text(errors="replace")

    def connect(self, timeout=30):
        return Connection(self.socket, timeout)

    def ask(self, line, timeout=30):
        connection = self.connect(timeout)
        try:
            return connection.ask(line)
        finally:
            connection.close()

    def rows(self, line, timeout=30):
        return self.ask(line, timeout)[0]

    def tenant(self, name):
        return self.rows(f"tenant show {name}")[0]

    def stop(self, timeout=30):
        """SIGTERM; the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout)

    def kill(self):
        self.process.kill()
        self.process.wait(10)

    def memory(self, what="RssAnon"):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as f:
            return next(int(line.split()[1]) * 1024 for line in f if line.startswith(what + ":"))

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))


class Running(Scenario):
    """A scenario with a daemon; it must end well and say nothing of sanitizers."""

    def run_daemon(self, *options, env=None, **sections):
        self.daemon = Daemon(self.muster, *options, **sections)
        self.addCleanup(self.end)
        return self.daemon.start(env)

    def end(self, status=0):
        if self.daemon.process.poll() is None:
            self.assertEqual(self.daemon.stop(), status, self.daemon.log())
        for log in self.daemon.logs:
            text = log.read_text(errors="replace")
            self.assertNotIn("runtime error", text)
            self.assertNotIn("AddressSanitizer", text)
            self.assertNotIn("LeakSanitizer", text)

    def refused(self, line, reason, *tells):
        with self.assertRaises(Refused) as caught:
            self.daemon.ask(line)
        self.assertEqual(caught.exception.reason, reason, caught.exception)
        for text in tells:
            self.assertIn(text, str(caught.exception))

    def until(self, condition, timeout=30, what="a condition"):
        return wait_for(condition, timeout, every=0.05, what=what)

    def pause_s(self, seconds):
        time.sleep(seconds)
