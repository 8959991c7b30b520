#!/usr/bin/env python3
"""Adds up ctest's JUnit files: a line per suite, the names of what failed or
was skipped, and last one plain line 'N passed, N failed, N skipped'.

    results.py LABEL=FILE...     exit 1 when a test failed or a file is missing
"""
import sys
import xml.etree.ElementTree as ElementTree


def suite_of(name):
    return "/".join(name.split("/")[:-1]) or name


def verdict(case):
    if case.get("status") in ("notrun", "disabled") or case.find("skipped") is not None:
        return "skipped"
    if case.get("status") == "fail" or case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    return "passed"


def reason_of(case):
    skipped = case.find("skipped")
    message = (skipped.get("message") or "") if skipped is not None else ""
    output = (case.findtext("system-out") or "").strip().splitlines()
    told = [line for line in output if "skip" in line.lower()]
    return (told[0] if told else message or "no reason given").strip()[:150]


def read(label, path, suites, notes):
    """Counts one file; an unreadable one counts as one failure."""
    try:
        cases = list(ElementTree.parse(path).getroot().iter("testcase"))
    except (OSError, ElementTree.ParseError) as e:
        suites.setdefault((label, "run"), [0, 0, 0, 0.0])[1] += 1
        notes.append(f"FAILED  {label}: no results: {e}")
        return
    for case in cases:
        name = case.get("name", "?")
        row = suites.setdefault((label, suite_of(name)), [0, 0, 0, 0.0])
        got = verdict(case)
        row[("passed", "failed", "skipped").index(got)] += 1
        row[3] += float(case.get("time") or 0)
        if got == "failed":
            notes.append(f"FAILED  {label}: {name}")
        elif got == "skipped":
            notes.append(f"skipped {label}: {name}: {reason_of(case)}")
    if not cases:
        suites.setdefault((label, "run"), [0, 0, 0, 0.0])[1] += 1
        notes.append(f"FAILED  {label}: no test was found")


def main():
    suites, notes = {}, []
    for argument in sys.argv[1:]:
        label, _, path = argument.partition("=")
        read(label, path, suites, notes)
    print(f"{'':8}{'suite':28}{'passed':>8}{'failed':>8}{'skipped':>9}{'seconds':>9}")
    for (label, suite), (passed, failed, skipped, seconds) in suites.items():
        print(f"{label:8}{suite:28}{passed:8}{failed:8}{skipped:9}{seconds:9.1f}")
    for note in notes:
        print(note)
    passed, failed, skipped = (sum(row[i] for row in suites.values()) for i in range(3))
    print(f"{passed} passed, {failed} failed, {skipped} skipped", flush=True)
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    main()
