"""What the end-to-end tests start and talk to: the Fleet simulator (Sim), the
daemon and the client (Muster). Standard library only; everything has a time
limit, and everything that was started is ended.

    with Sim("name=acme,hosts=500") as sim, Muster(sim) as muster:
        run = muster.once()
        assert run.status == 0, run
        devices = muster.ctl("devices", "acme")

The build folder comes from MUSTER_BUILD."""

import json
import os
import pathlib
import select
import shutil
import ssl
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

BUILD = pathlib.Path(os.environ.get("MUSTER_BUILD", "build/dev")).resolve()
SOURCE = pathlib.Path(__file__).resolve().parents[2]
SKIP = 77  # ctest's "skipped"


class Failed(Exception):
    """A program did not do what the harness needs to go on."""


class Answer:
    """One HTTP answer of the simulator: status, headers, body (bytes)."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"<Answer {self.status} {self.body[:300]!r}>"


def free_of_proxies(context=None):
    handlers = [urllib.request.ProxyHandler({})]
    if context:
        handlers.append(urllib.request.HTTPSHandler(context=context))
    return urllib.request.build_opener(*handlers)


class Sim:
    """fleetsim with some tenants, each a string of key=value settings."""

    def __init__(self, *tenants, ready_s=60):
        self.wanted, self.ready_s = tenants, ready_s
        self.tenants, self.control, self.process, self.dir = {}, None, None, None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def start(self):
        program = BUILD / "tests/sim/fleetsim"
        if not program.exists():
            raise Failed(f"{program} is missing: build it, or set MUSTER_BUILD")
        self.dir = tempfile.mkdtemp(prefix="fleetsim-")
        command = [program, "--dir", self.dir, "--exit-with-stdin"]
        for t in self.wanted:
            command += ["--tenant", t]
        self.errors = open(pathlib.Path(self.dir, "stderr"), "w+")
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=self.errors)
        try:
            self._read_addresses()
        except BaseException:
            self.stop(quiet=True)
            raise
        return self

    def _read_addresses(self):
        until, held = time.monotonic() + self.ready_s, b""
        while self.control is None:
            left = until - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                raise Failed(f"fleetsim was not ready within {self.ready_s} s")
            part = os.read(self.process.stdout.fileno(), 65536)
            if not part:
                raise Failed("fleetsim ended before it was ready: " + self._complaints())
            held += part
            *lines, held = held.split(b"\n")
            for line in lines:
                told = json.loads(line)
                if "control" in told:
                    self.control = told["control"]
                else:
                    self.tenants[told["tenant"]] = told

    def _complaints(self):
        self.errors.seek(0)
        return self.errors.read()

    def stop(self, quiet=False):
        """Ends it; fails when it had something to complain about (a sanitizer)."""
        status, complaints = 0, ""
        if self.process:
            self.process.stdin.close()
            try:
                status = self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                status = self.process.wait()
            self.process.stdout.close()
            complaints = self._complaints()
            self.errors.close()
            self.process = None
        if self.dir:
            shutil.rmtree(self.dir, ignore_errors=True)
        if not quiet and (status or "ERROR: " in complaints or "runtime error" in complaints):
            raise Failed(f"fleetsim ended with {status}: {complaints}")

    # where things are

    def url(self, tenant):
        return self.tenants[tenant]["url"]

    def token(self, tenant):
        return self.tenants[tenant]["token"]

    def ca_file(self, tenant):
        return self.tenants[tenant]["ca_file"]

    # the control interface

    def _control(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.control + path, data=data, method=method)
        try:
            with free_of_proxies().open(request, timeout=120) as r:
                return json.load(r)
        except urllib.error.HTTPError as e:
            raise Failed(f"{method} {path} {body}: {e.code} {e.read().decode(errors='replace')}") from None

    def fault(self, tenant, match="any", when=None, **do):
        """fault("acme", "list", {"skip": 1, "times": 1}, status=503)"""
        return self._control("POST", f"/t/{tenant}/fault", {"match": match, "when": when or {}, "do": do})

    def clear_faults(self, tenant):
        return self._control("DELETE", f"/t/{tenant}/fault")

    def mutate(self, tenant, op, **more):
        """Answers {"changed": n, "ids": [...]}."""
        return self._control("POST", f"/t/{tenant}/mutate", {"op": op, **more})

    def stats(self, tenant=None):
        all_of_them = self._control("GET", "/stats")
        return all_of_them[tenant] if tenant else all_of_them

    def clear_stats(self):
        return self._control("DELETE", "/stats")

    def requests(self, tenant, endpoint, status=None):
        """How many requests of an endpoint there were (with that status)."""
        counts = self.stats(tenant)["by_endpoint"][endpoint]
        return counts.get(str(status), 0) if status else sum(counts.values())

    # as a client of the API

    def get(self, tenant, path, token=None, timeout=60, headers=None):
        """One request, verified against ca.pem; `path` is below /api/v1/fleet/."""
        url = f"{self.url(tenant)}/api/v1/fleet/{path}"
        request = urllib.request.Request(url, headers=headers if headers is not None else {
            "Authorization": "Bearer " + (token or self.token(tenant))})
        context = ssl.create_default_context(cafile=self.ca_file(tenant))
        try:
            with free_of_proxies(context).open(request, timeout=timeout) as r:
                return Answer(r.status, r.headers, r.read())
        except urllib.error.HTTPError as e:
            return Answer(e.code, e.headers, e.read())

    def page(self, tenant, **params):
        return self.get(tenant, "hosts?" + urllib.parse.urlencode(params))

    def hosts(self, tenant, **params):
        """All hosts by a cursor walk, as the server lists them."""
        found, after, key = [], 0, params.pop("order_key", "id")
        while True:
            answer = self.page(tenant, order_key=key, after=after, per_page=500, **params)
            if answer.status != 200:
                raise Failed(f"listing \"{tenant}\": {answer}")
            page = answer.json()["hosts"]
            if not page:
                return found
            found += page
            after = page[-1]["id"]


class Run:
    """How a program ended: status (None when it was killed at its time limit),
    out, err, seconds."""

    def __init__(self, status, out, err, seconds):
        self.status, self.out, self.err, self.seconds = status, out, err, seconds

    def __repr__(self):
        return f"<Run status={self.status} after {self.seconds:.1f} s\n--- out\n{self.out}\n--- err\n{self.err}>"


def run(command, timeout, env=None, cwd=None):
    began = time.monotonic()
    process = subprocess.Popen([str(c) for c in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, env=env, cwd=cwd)
    try:
        out, err = process.communicate(timeout=timeout)
        status = process.returncode
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        status = None
    return Run(status, out.decode(errors="replace"), err.decode(errors="replace"), time.monotonic() - began)


class Muster:
    """A folder with muster.yaml, tokens and a store, and the two programs run
    on it. `tenants` are names of the simulator's (default: all of them), or
    {name: {more settings}}; `settings` go into every tenant."""

    def __init__(self, sim, tenants=None, **settings):
        self.sim, self.settings = sim, settings
        names = tenants if tenants is not None else list(sim.tenants)
        self.tenants = names if isinstance(names, dict) else {n: {} for n in names}
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="muster-e2e-"))
        self.store = self.dir / "store"
        self.config = self.dir / "muster.yaml"
        self.processes = []
        self.write_config()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        for p in self.processes:
            if p.poll() is None:
                p.kill()
            p.communicate()
        shutil.rmtree(self.dir, ignore_errors=True)

    def write_config(self):
        """JSON is YAML, so nothing needs quoting rules of its own."""
        rows = []
        for name, more in self.tenants.items():
            token = self.token_file(name)
            token.parent.mkdir(mode=0o700, exist_ok=True)
            token.write_text(self.sim.token(name) + "\n")
            token.chmod(0o600)
            row = {"name": name, "url": self.sim.url(name), "token_file": str(token.relative_to(self.dir)),
                   "allow_private": True, **self.settings, **more}
            if row["url"].startswith("https:"):
                row.setdefault("ca_file", self.sim.ca_file(name))
            else:
                row.setdefault("allow_http", True)
            rows.append({k: v for k, v in row.items() if v is not None})
        self.config.write_text("store: " + json.dumps({"path": str(self.store)}) + "\n" +
                               "tenants:\n" * bool(rows) + "".join(f"  - {json.dumps(r)}\n" for r in rows))

    def token_file(self, name):
        return self.dir / "tokens" / name

    def program(self, name):
        path = BUILD / name
        if not path.exists():
            raise unittest.SkipTest(f"{path} is not built")
        return path

    def command(self, *arguments):
        return [self.program("musterd"), "--config", self.config, *arguments]

    def once(self, *arguments, timeout=120, env=None):
        """musterd --once; returns a Run."""
        return run(self.command("--once", *arguments), timeout, env={**os.environ, **(env or {})}, cwd=self.dir)

    def start_once(self, *arguments, env=None):
        """The same in the background, to be killed in the middle."""
        process = subprocess.Popen([str(c) for c in self.command("--once", *arguments)], cwd=self.dir,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   env={**os.environ, **(env or {})})
        self.processes.append(process)
        return process

    def ctl_run(self, *arguments, timeout=60):
        return run([self.program("musterctl"), "--store", self.store, *arguments], timeout, cwd=self.dir)

    def ctl(self, *arguments, timeout=60):
        """musterctl ... --json as a list of dicts."""
        r = self.ctl_run(*arguments, "--json", timeout=timeout)
        if r.status != 0:
            raise Failed(f"musterctl {' '.join(arguments)}: {r}")
        return [json.loads(line) for line in r.out.splitlines() if line.strip()]

    def verify(self):
        """Fails unless the store is consistent."""
        r = self.ctl_run("verify")
        if r.status != 0:
            raise Failed(f"the store is not consistent: {r}")


def preloaded(name, **settings):
    """The environment that loads tests/shim/NAME.c into a program, with NAME_KEY=value settings."""
    shim = BUILD / f"tests/lib{name}.so"
    if not shim.exists():
        raise unittest.SkipTest(f"{shim} is not built")
    asan = os.environ.get("ASAN_OPTIONS", "")
    return {"LD_PRELOAD": str(shim), "ASAN_OPTIONS": (asan + ":" if asan else "") + "verify_asan_link_order=0",
            **{f"{name.upper()}_{k}": str(v) for k, v in settings.items()}}


def wait_for(condition, timeout=30, every=0.02, what="a condition"):
    until = time.monotonic() + timeout
    while time.monotonic() < until:
        value = condition()
        if value:
            return value
        time.sleep(every)
    raise Failed(f"{what} did not come true within {timeout} s")


def shared(*parts):
    """A path beside the checkout that only its developers have; skips when it is missing."""
    path = SOURCE.parent.joinpath("shared", *parts)
    if not path.exists():
        raise unittest.SkipTest(f"{path} is missing here")
    return path
