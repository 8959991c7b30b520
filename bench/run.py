#!/usr/bin/env python3
"""Measures musterd against the limit (see limit.c) on the bundled simulator:
prints a table and writes bench/results/<time>.json. A missed goal is reported,
it is not a failure: a noisy machine must not stop anybody.

Both sides fetch the same pages with the same query from a simulator that has
rendered them beforehand. Speeds are medians of rounds that alternate between
the two; bytes are the worst of all rounds; memory is followed in a round of its
own, because the follower takes time from what is being timed.
"""
import argparse
import json
import os
import pathlib
import platform
import shutil
import signal
import statistics
import subprocess
import sys
import time

from processes import Failed, Limit, Muster, Sim, instructions, raise_file_limit

HERE = pathlib.Path(__file__).resolve().parent
QUERY = ("per_page={page}&order_key=id&order_direction=asc"
         "&device_mapping=true&populate_policies=true&include_device_status=true")
MIB = 1 << 20


class Report:
    def __init__(self):
        self.rows, self.details = [], {}

    def add(self, name, value, unit, at_least=None, at_most=None, note=""):
        met = None
        if at_least is not None:
            met = value >= at_least
        if at_most is not None:
            met = value <= at_most
        row = {"name": name, "value": value, "unit": unit, "at_least": at_least, "at_most": at_most,
               "met": met, "note": note}
        self.rows.append(row)
        print(self.line(row), flush=True)

    @staticmethod
    def line(row):
        goal = ""
        if row["at_least"] is not None:
            goal = f">= {row['at_least']:g}"
        if row["at_most"] is not None:
            goal = f"<= {row['at_most']:g}"
        verdict = {True: "met", False: "MISSED", None: ""}[row["met"]]
        value = f"{row['value']:,.3f}" if row["unit"] == "ratio" else f"{row['value']:,.1f}"
        return f"{row['name']:44}{value:>14} {row['unit']:<12}{goal:>10}  {verdict:7}{row['note']}"


def tenant(name, hosts, seed, **more):
    options = dict(name=name, hosts=hosts, seed=seed, version="4.93.0", tier="premium", role="observer",
                   policies=12, plain=1, prepared=1, **more)
    return ",".join(f"{k}={v}" for k, v in options.items())


def alternate(rounds, limit, tenants, muster, before):
    """Median ratios of `rounds` pairs, and all single results."""
    pairs = []
    for _ in range(rounds):
        least = limit.run(tenants)
        before()
        pairs.append((least, muster.sync()))
        if muster.stored() != least["hosts"]:
            raise Failed(f"{muster.stored()} devices are stored of {least['hosts']}; see {muster.log}")
    before()
    observed = muster.sync(observe=True)
    return {
        "wall": statistics.median(a["wall_s"] / b["wall_s"] for a, b in pairs),
        "cpu": statistics.median(a["cpu_s"] / b["cpu_s"] for a, b in pairs),
        "limit_hosts_s": statistics.median(a["hosts"] / a["wall_s"] for a, _ in pairs),
        "hosts": pairs[0][0]["hosts"],
        "written": max(b["written"] for _, b in pairs),
        "rss": observed["rss_anon_mib"],
        "us_host": statistics.median(b["cpu_s"] / a["hosts"] * 1e6 for a, b in pairs),
        "pairs": pairs,
    }


def one_tenant(o, report, folder):
    """Cold, warm, everything volatile moved, one in a hundred changed."""
    with Sim(o.build, folder / "sim", [tenant("bench", o.hosts, 7)]) as sim:
        limit = Limit(o.build, folder, sim, QUERY.format(page=o.page))
        muster = Muster(o.build, folder, sim, ["bench"], o.page)
        cold = alternate(o.rounds, limit, ["bench"], muster, muster.fresh)
        report.details["cold"] = cold
        body = sum(a["bytes"] for a, _ in cold["pairs"]) / len(cold["pairs"])
        report.add("limit", cold["limit_hosts_s"], "hosts/s", note=f"{body / cold['hosts']:,.0f} B a host")
        report.add("cold sync, wall", cold["wall"], "ratio", at_least=0.8)
        report.add("cold sync, CPU", cold["cpu"], "ratio", at_least=0.6, note=f"{cold['us_host']:.1f} us a host")
        report.add("cold sync, memory (RssAnon)", cold["rss"], "MiB", at_most=32)
        report.add("cold sync, written", cold["written"] / cold["hosts"], "B/host")

        warm = alternate(o.rounds, limit, ["bench"], muster, lambda: None)
        report.details["warm"] = warm
        report.add("warm sync, nothing changed, wall", warm["wall"], "ratio", at_least=0.9)
        report.add("warm sync, nothing changed, CPU", warm["cpu"], "ratio", note=f"{warm['us_host']:.1f} us a host")
        report.add("warm sync, memory (RssAnon)", warm["rss"], "MiB", at_most=32)
        report.add("warm sync, nothing changed, written", warm["written"] / MIB, "MiB", at_most=1)

        changes(o, report, sim, limit, muster, cold["hosts"])
        parts_alone(o, report, sim, folder)


def changes(o, report, sim, limit, muster, hosts):
    sim.mutate("bench", op="volatile")
    limit.run(["bench"])
    moved = muster.sync()
    report.details["volatile"] = moved
    report.add("all volatile members moved, written", moved["written"] / hosts, "B/host", at_most=200)

    sim.mutate("bench", op="volatile")
    sim.mutate("bench", op="touch", fraction=0.01, field="os_version")
    limit.run(["bench"])
    touched = muster.sync()
    sample = muster.rows("devices", "bench")[:2000]
    record = statistics.mean(len(json.dumps(r, separators=(",", ":"), ensure_ascii=False).encode()) for r in sample)
    changed = sum(1 for r in muster.rows("changes", "bench") if r.get("kind") == "changed")
    over = (touched["written"] - moved["written"]) / max(1, changed * record)
    report.details["touched"] = dict(touched, changed=changed, record_bytes=record)
    report.add("1 % of the records changed, on top of that", over, "x bytes", at_most=4,
               note=f"{changed} records of {record:,.0f} B")


def parts_alone(o, report, sim, folder):
    page = folder / "page.json"
    page.write_bytes(sim.get("bench", "/api/v1/fleet/hosts?" + QUERY.format(page=min(o.page, 400)) + "&after=0"))
    for name, program, toggle in (("parser alone", "parse_alone", "parse_loop"),
                                  ("derivation alone", "derive_alone", "derive_loop"),
                                  ("encoding alone", "derive_alone", "encode_loop")):
        path = pathlib.Path(o.build, "bench", program)
        if not path.exists():
            continue
        count, hosts = instructions(path, toggle, [page, "3"], folder)
        report.add(name, count / hosts, "instr/host")


def ten_tenants(o, report, folder):
    names = [f"bench{i}" for i in range(10)]
    with Sim(o.build, folder / "sim10", [tenant(n, o.hosts // 10, 100 + i) for i, n in enumerate(names)]) as sim:
        limit = Limit(o.build, folder, sim, QUERY.format(page=o.page))
        muster = Muster(o.build, folder / "ten", sim, names, o.page)
        cold = alternate(o.rounds, limit, names, muster, muster.fresh)
        report.details["ten"] = cold
        report.add("ten limits at once", cold["limit_hosts_s"], "hosts/s")
        report.add("ten tenants at once, cold, wall", cold["wall"], "ratio", at_least=0.8)
        report.add("ten tenants at once, cold, CPU", cold["cpu"], "ratio")
        report.add("ten tenants at once, memory (RssAnon)", cold["rss"], "MiB")


def software_page(folder, target_bytes):
    """A page in which each of 20 hosts carries a huge software list."""
    item = {"name": "package-with-a-long-name", "version": "12.34.56-7+deb12u8", "source": "deb_packages",
            "vulnerabilities": [{"cve": "CVE-2024-12345", "details_link": "https://nvd.example/CVE-2024-12345"}]}
    each = target_bytes // 20 // (len(json.dumps(item, separators=(",", ":"))) + 12)
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "big__hosts_page_0.json", "w", encoding="utf-8") as out:
        out.write('{"hosts":[')
        for host in range(1, 21):
            software = ",".join(json.dumps(dict(item, id=i), separators=(",", ":")) for i in range(each))
            # fleetsim finds the last id of a recorded page by the line it stands in
            out.write(("," if host > 1 else "") + f'{{\n      "id": {host},"hostname":"big-{host}","platform":"ubuntu",'
                      f'"created_at":"2024-01-02T03:04:05Z","uuid":"u-{host}","software":[{software}]}}')
        out.write("]}")
    (folder / "big__hosts_page_1_empty.json").write_text('{"hosts":[]}')
    return (folder / "big__hosts_page_0.json").stat().st_size


def one_big_page(o, report, folder):
    size = software_page(folder / "recorded", o.big_mib * MIB)
    big = f"name=big,version=4.93.0,tier=premium,role=observer,replay={folder / 'recorded'}"
    with Sim(o.build, folder / "simbig", [big]) as sim:
        muster = Muster(o.build, folder / "bigstore", sim, ["big"], 20)
        muster.fresh()
        result = muster.sync(observe=True)
        stored = muster.stored()
        report.details["big"] = result
        report.add("one page with software, memory (RssAnon)", result["rss_anon_mib"], "MiB", at_most=32,
                   note=f"{size / MIB:.0f} MiB, {stored} devices stored")


def machine():
    model = [line.partition(":")[2].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
             if line.startswith("model name")]
    commit = subprocess.run(["git", "-C", HERE, "rev-parse", "--short", "HEAD"], stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL, text=True, check=False).stdout.strip()
    return {"cpus": os.cpu_count(), "cpu": model[0] if model else platform.processor(),
            "kernel": platform.release(), "commit": commit, "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}


def options():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--build", default=HERE.parent / "build/release", help="build folder")
    p.add_argument("--hosts", type=int, default=200000, help="hosts in all (default %(default)s)")
    p.add_argument("--page", type=int, default=800, help="hosts a page, for both sides (default %(default)s)")
    p.add_argument("--rounds", type=int, default=3, help="rounds of what is timed (default %(default)s)")
    p.add_argument("--big-mib", type=int, default=100, help="size of the page with software (default %(default)s)")
    p.add_argument("--only", choices=["one", "ten", "big"], action="append", help="just these parts")
    p.add_argument("--dir", default=HERE.parent / "var/bench", help="where stores and pages go")
    return p.parse_args()


def main():
    o = options()
    o.build = pathlib.Path(o.build).resolve()
    folder = pathlib.Path(o.dir).resolve()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    raise_file_limit()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    report, here, failed = Report(), machine(), False
    print(f"{here['cpus']} x {here['cpu']}, kernel {here['kernel']}, commit {here['commit']}; "
          f"{o.hosts:,} hosts, {o.page} a page, {o.rounds} rounds\n")
    print(f"{'':44}{'measured':>14} {'':12}{'goal':>10}")
    for name, part in (("one", one_tenant), ("ten", ten_tenants), ("big", one_big_page)):
        if o.only and name not in o.only:
            continue
        try:
            part(o, report, folder)
        except Failed as e:
            failed = True
            print(f"{name}: not measured: {e}", flush=True)
    results = HERE / "results"
    results.mkdir(exist_ok=True)
    out = results / time.strftime("%Y%m%dT%H%M%SZ.json", time.gmtime())
    out.write_text(json.dumps({"machine": here, "hosts": o.hosts, "page": o.page, "rows": report.rows,
                               "details": report.details}, indent=1))
    missed = sum(1 for r in report.rows if r["met"] is False)
    goals = sum(1 for r in report.rows if r["met"] is not None)
    print(f"\n{goals - missed} of {goals} goals met; all numbers are in {os.path.relpath(out)}")
    if not failed:
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
