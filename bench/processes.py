"""The processes of a benchmark: the simulator, the limit, and musterd under
observation. Standard library only."""
import json
import os
import pathlib
import resource
import shutil
import ssl
import subprocess
import threading
import time
import urllib.request

SAMPLE_EVERY_S = 0.004
SYNC_AT_MOST_S = 300


class Failed(Exception):
    pass


class Sim:
    """fleetsim with some tenants; a context manager. tenants[name] has url,
    token and ca_file."""

    def __init__(self, build, folder, tenants):
        self.program = pathlib.Path(build, "tests/sim/fleetsim")
        self.folder = pathlib.Path(folder)
        self.arguments = [a for t in tenants for a in ("--tenant", t)]
        self.expected, self.tenants, self.control = len(tenants), {}, None

    def __enter__(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        self.process = subprocess.Popen(
            [self.program, "--dir", self.folder, "--exit-with-stdin", *self.arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        while len(self.tenants) < self.expected or self.control is None:
            line = self.process.stdout.readline()
            if not line:
                self.__exit__()
                raise Failed("fleetsim ended before it was ready")
            told = json.loads(line)
            if "control" in told:
                self.control = told["control"]
            elif "tenant" in told:
                self.tenants[told["tenant"]] = told
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()

    def post(self, path, body):
        request = urllib.request.Request(self.control + path, json.dumps(body).encode(),
                                         {"Content-Type": "application/json"}, method="POST")
        with urllib.request.urlopen(request, timeout=300) as answer:
            return answer.read()

    def mutate(self, tenant, **what):
        return self.post(f"/t/{tenant}/mutate", what)

    def get(self, tenant, path):
        """The body of one request as a client would see it."""
        t = self.tenants[tenant]
        context = ssl.create_default_context(cafile=t["ca_file"])
        request = urllib.request.Request(t["url"] + path, headers={"Authorization": "Bearer " + t["token"]})
        with urllib.request.urlopen(request, timeout=300, context=context) as answer:
            return answer.read()

    def cpu_s(self):
        """User and system seconds so far."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Limit:
    """The limit for some tenants at once: each finds its cursors first, then
    all start together. run() gives wall_s, cpu_s, hosts and bytes."""

    def __init__(self, build, folder, sim, query):
        self.program, self.folder, self.sim, self.query = pathlib.Path(build, "bench/limit"), folder, sim, query

    def command(self, t):
        token = pathlib.Path(self.folder, "token-" + t["tenant"])
        token.write_text(t["token"])
        return [self.program, "--url", t["url"], "--token-file", token, "--query", self.query,
                "--ca", t["ca_file"], "--wait"]

    def run(self, tenants):
        running = [subprocess.Popen(self.command(self.sim.tenants[t]), stdin=subprocess.PIPE,
                                    stdout=subprocess.PIPE, text=True) for t in tenants]
        for p in running:
            if p.stdout.readline().strip() != "ready":
                raise Failed("the limit could not walk the simulator")
        for p in running:
            p.stdin.write("go\n")
            p.stdin.flush()
        told = [json.loads(p.communicate()[0]) for p in running]
        return {
            "wall_s": max(t["end"] for t in told) - min(t["begin"] for t in told),
            "cpu_s": sum(t["user_s"] + t["sys_s"] for t in told),
            "hosts": sum(t["hosts"] for t in told),
            "bytes": sum(t["bytes"] for t in told),
        }


def read_pairs(path):
    """'key: value' lines as a dictionary of texts."""
    try:
        text = pathlib.Path(path).read_text()
    except (OSError, ProcessLookupError):
        return {}
    return dict((k, v.strip()) for k, _, v in (line.partition(":") for line in text.splitlines()))


def allocated(folder):
    return sum(p.stat().st_blocks * 512 for p in pathlib.Path(folder).glob("*") if p.is_file())


class Observer(threading.Thread):
    """Follows the anonymous resident memory of a process until it ends."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.peak_kib, self.samples, self.ended = pid, 0, 0, threading.Event()

    def run(self):
        while not self.ended.wait(SAMPLE_EVERY_S):
            told = read_pairs(f"/proc/{self.pid}/status").get("RssAnon", "")
            if told:
                self.peak_kib = max(self.peak_kib, int(told.split()[0]))
                self.samples += 1


class Muster:
    """One configuration and its store; sync() runs musterd --once under
    observation, fresh() forgets the store."""

    def __init__(self, build, folder, sim, tenants, page_hosts):
        self.program = pathlib.Path(build, "musterd")
        self.control = pathlib.Path(build, "musterctl")
        self.folder = pathlib.Path(folder)
        self.store = self.folder / "store"
        self.log = self.folder / "musterd.log"
        self.folder.mkdir(parents=True, exist_ok=True)
        lines = [f"store: {{path: {json.dumps(str(self.store))}}}", "tenants:"]
        for name in tenants:
            t = sim.tenants[name]
            token = self.folder / ("token-" + name)
            token.write_text(t["token"])
            token.chmod(0o600)
            lines += [f"  - name: {name}", f"    url: {t['url']}", f"    token_file: {token.name}",
                      f"    ca_file: {json.dumps(str(pathlib.Path(t['ca_file']).absolute()))}",
                      "    allow_private: true", f"    limits: {{page_hosts: {page_hosts}}}"]
        self.config = self.folder / "muster.yaml"
        self.config.write_text("\n".join(lines) + "\n")

    def fresh(self):
        shutil.rmtree(self.store, ignore_errors=True)

    def sync(self, observe=False):
        """One sync. Its memory is followed only when asked for: on few cores
        the follower takes time from what is being timed."""
        size = allocated(self.store)
        with open(self.log, "w", encoding="utf-8") as log:
            begin = time.monotonic()
            process = subprocess.Popen([self.program, "--config", self.config, "--once", "--details=none"],
                                       stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            observer = Observer(process.pid)
            if observe:
                observer.start()
            patience = threading.Timer(SYNC_AT_MOST_S, process.kill)
            patience.daemon = True
            patience.start()
            try:
                # what /proc says of it can be read until it is waited for
                os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
            except BaseException:
                process.kill()
                raise
            wall = time.monotonic() - begin
            patience.cancel()
        observer.ended.set()
        if observe:
            observer.join()
        io = read_pairs(f"/proc/{process.pid}/io")
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            tail = "".join(self.log.read_text(errors="replace").splitlines(True)[-12:])
            what = f"musterd ended with {process.returncode}" if wall < SYNC_AT_MOST_S else "musterd did not end"
            raise Failed(f"{what} after {wall:.0f} s:\n{tail}")
        return {
            "wall_s": wall,
            "cpu_s": usage.ru_utime + usage.ru_stime,
            "rss_anon_mib": observer.peak_kib / 1024,
            "samples": observer.samples,
            # What was handed to write calls: the store's pages and a few lines
            # of log. `write_bytes` counts every page of a folio of which one
            # byte became dirty, twenty times too much on kernels with large ones.
            "written": int(io.get("wchar", 0)),
            "dirtied": int(io.get("write_bytes", 0)),
            "grown": allocated(self.store) - size,
        }

    def rows(self, *arguments):
        """What musterctl --json prints, parsed line by line."""
        out = subprocess.run([self.control, "--store", self.store, "--json", *arguments],
                             stdout=subprocess.PIPE, text=True, check=True).stdout
        return [json.loads(line) for line in out.splitlines()]

    def stored(self):
        """Devices in the store, all tenants together."""
        return sum(row["devices"] for row in self.rows("tenants"))


def instructions(program, toggle, arguments, folder):
    """Instructions inside the function `toggle`, and what the program printed."""
    out = pathlib.Path(folder, "callgrind.out")
    done = subprocess.run(["valgrind", "--tool=callgrind", "--collect-atstart=no", f"--toggle-collect={toggle}",
                           f"--callgrind-out-file={out}", program, *arguments],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise Failed(done.stderr[-2000:])
    for line in out.read_text(errors="replace").splitlines():
        if line.startswith(("summary:", "totals:")):
            return int(line.split()[1]), int(done.stdout.split()[-1])
    raise Failed("callgrind counted nothing")


def raise_file_limit():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65536) if hard > 0 else soft, hard))
