#!/usr/bin/env python3
"""The demo: three simulated Fleet servers are synced into a store, shown,
changed, and synced again. Ends by itself; `./dev demo` builds what it needs.
"""
import argparse
import fcntl
import json
import os
import pathlib
import pty
import shutil
import signal
import struct
import subprocess
import sys
import termios
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent

TENANTS = [
    # a current Premium server: every feature is there
    "name=acme,hosts=60,seed=7,plain=1,version=4.93.0,tier=premium,role=observer",
    # an old Free one: no teams, no encryption in the list, another cursor, only a count of failing policies
    "name=oldtown,hosts=25,seed=11,version=4.36.0,tier=free,role=observer",
    # a middle-aged one whose second page breaks off once
    "name=flaky,hosts=120,seed=23,version=4.80.0,tier=premium,role=observer",
]
ROWS_SHOWN = 14


class Failed(Exception):
    pass


def heading(text):
    bold, plain = ("\033[1m", "\033[0m") if sys.stdout.isatty() else ("", "")
    print(f"\n{bold}== {text}{plain}", flush=True)


def on_terminal(command):
    """Runs a program on a terminal of the demo's width, so that its tables fit;
    gives its exit code and what it printed."""
    width = shutil.get_terminal_size((120, 24)).columns
    try:
        ours, theirs = pty.openpty()
    except OSError:  # none to be had, as in a bare chroot
        run = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=120, check=False)
        return run.returncode, run.stdout.decode(errors="replace")
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
    environment = dict(os.environ, COLUMNS=str(width))
    if not sys.stdout.isatty():
        environment["NO_COLOR"] = "1"
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=theirs, env=environment)
    os.close(theirs)
    parts = []
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # the other end is closed
            part = b""
        if not part:
            break
        parts.append(part)
    os.close(ours)
    return process.wait(120), b"".join(parts).decode(errors="replace").replace("\r\n", "\n")


def start_simulator(build, folder):
    """The process, and per tenant its url, token and ca_file; 'control' has the
    address that changes hosts and orders faults."""
    arguments = [a for t in TENANTS for a in ("--tenant", t)]
    process = subprocess.Popen([build / "tests/sim/fleetsim", "--dir", folder, "--exit-with-stdin", *arguments],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    told = {}
    while "control" not in told or len(told) <= len(TENANTS):
        line = process.stdout.readline()
        if not line:
            raise Failed("the simulator ended before it was ready")
        row = json.loads(line)
        if "control" in row:
            told["control"] = row["control"]
        else:
            told[row["tenant"]] = row
    return process, told


def order(told, path, body):
    request = urllib.request.Request(told["control"] + path, json.dumps(body).encode(),
                                     {"Content-Type": "application/json"}, method="POST")
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.read()


def write_configuration(folder, told):
    lines = ["# Written by the demo; conf/muster.yaml explains every setting.", "store: {path: store}", "tenants:"]
    tokens = folder / "tokens"
    tokens.mkdir()
    for name in (t.split(",")[0].partition("=")[2] for t in TENANTS):
        token = tokens / name
        token.touch(mode=0o600)
        token.write_text(told[name]["token"] + "\n")
        authority = pathlib.Path(told[name]["ca_file"]).resolve()
        lines += [f"  - name: {name}", f"    url: {told[name]['url']}", f"    token_file: tokens/{name}",
                  f"    ca_file: {json.dumps(str(authority))}", "    allow_private: true   # it runs on this machine",
                  "    limits: {page_hosts: 20}"]
    (folder / "muster.yaml").write_text("\n".join(lines) + "\n")


class Programs:
    def __init__(self, build, folder):
        self.musterd, self.musterctl, self.folder = build / "musterd", build / "musterctl", folder
        self.store = folder / "store"
        self.shown = os.path.relpath(self.store)

    def sync(self):
        config = self.folder / "muster.yaml"
        print(f"$ musterd --config {os.path.relpath(config)} --once", flush=True)
        done = subprocess.run([self.musterd, "--config", config, "--once"], timeout=600, check=False)
        if done.returncode != 0:
            raise Failed(f"musterd ended with {done.returncode}")

    def show(self, *arguments, rows=None):
        """Runs musterctl as a person would; a long table is cut after `rows`."""
        print(f"$ musterctl --store {self.shown} {' '.join(arguments)}", flush=True)
        code, text = on_terminal([self.musterctl, "--store", self.store, *arguments])
        lines = text.splitlines()
        print("\n".join(lines[:rows]))
        if rows is not None and len(lines) > rows:
            print(f"... and {len(lines) - rows} more lines")
        sys.stdout.flush()
        if code != 0:
            raise Failed(f"musterctl ended with {code}")

    def sequences(self):
        """Tenant -> the sequence number of its last change."""
        out = subprocess.run([self.musterctl, "--store", self.store, "--json", "tenants"],
                             stdout=subprocess.PIPE, text=True, timeout=120, check=True).stdout
        rows = [json.loads(line) for line in out.splitlines()]
        return {row.get("tenant") or row["name"]: str(row["seq"]) for row in rows}


def change_some(told):
    order(told, "/t/acme/mutate", {"op": "touch", "fraction": 0.05, "field": "policy"})
    order(told, "/t/acme/mutate", {"op": "touch", "fraction": 0.03, "field": "owner"})
    order(told, "/t/acme/mutate", {"op": "add", "count": 2})
    order(told, "/t/oldtown/mutate", {"op": "touch", "fraction": 0.1, "field": "os_version"})
    order(told, "/t/flaky/mutate", {"op": "delete", "count": 2})


def tell(programs, told):
    names = [name for name in told if name != "control"]
    order(told, "/t/flaky/fault", {"match": "list", "when": {"after_id": 1, "times": 1}, "do": {"cut": {"hosts": 7}}})

    heading("first sync: everything is new; a page of flaky breaks off half-way and is asked for again")
    programs.sync()
    heading("what is in the store now")
    programs.show("devices", "acme", rows=ROWS_SHOWN)
    programs.show("summary")

    before = programs.sequences()
    change_some(told)
    heading("a few hosts changed on the servers: second sync")
    programs.sync()
    heading("just what changed")
    for name in names:
        programs.show("changes", name, "--since", before[name])


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--build", default=ROOT / "build/release", type=pathlib.Path, help="build folder")
    p.add_argument("--dir", default=ROOT / "var/demo", type=pathlib.Path, help="where the store goes")
    o = p.parse_args()
    build, folder = o.build.resolve(), o.dir.resolve()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))

    simulator, told = start_simulator(build, folder / "fleetsim")
    programs = Programs(build, folder)
    try:
        write_configuration(folder, told)
        tell(programs, told)
    except (Failed, subprocess.TimeoutExpired) as e:
        print(f"demo: {e}", file=sys.stderr)
        return 1
    finally:
        simulator.stdin.close()
        simulator.wait(10)
    heading(f"the store is in {programs.shown}; the simulated servers are gone, the store can still be read")
    print("Try next:")
    control = os.path.relpath(programs.musterctl)
    print(f"  {control} --store {programs.shown} devices acme --state noncompliant")
    print(f"  {control} help")
    return 0


if __name__ == "__main__":
    sys.exit(main())
