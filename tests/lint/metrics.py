#!/usr/bin/env python3
"""Holds what uses the metrics to their contract, docs/metrics.md.

    metrics.py                 checks the contract itself, the alert rules, their
                               tests and the dashboard in conf/
    metrics.py --scrape FILE   checks a page that was scraped (- is standard
                               input): each metric documented, with its type, its
                               labels and its values, and no tenant with too many
    metrics.py --selftest      checks that each rule can fail
"""
import json
import pathlib
import re
import subprocess
import shutil
import sys
import tempfile

ROOT = pathlib.Path(__file__).parents[2]
CONTRACT = ROOT / "docs/metrics.md"
RULES = ROOT / "conf/muster.rules.yml"
RULES_TEST = ROOT / "tests/prometheus/muster.rules.test.yml"
DASHBOARD = ROOT / "conf/grafana-muster.json"
SERIES_OF_A_TENANT = 30
BOUNDS_MAX = 24  # HISTOGRAM_BOUNDS_MAX of base/histogram.h
UNITS = ("_seconds", "_bytes")
# labels that Prometheus or its user adds
FOREIGN_LABELS = {"instance", "job", "le", "__name__"}
FOREIGN_METRICS = {"up"}

ROW = re.compile(r"^\| `([a-z_]+)` \| (\w+) \|([^|]*)\|(?: (\d+) \|)?([^|]*)\|$", re.M)
BOUNDS = re.compile(r"^\| `([a-z_]+)` \| ([0-9. ]+) \|$", re.M)
LABEL = re.compile(r"`(\w+)`=([^;]+)")
USE = re.compile(r"\b((?:muster|process)_[a-z_]+)\b(?:\{([^}]*)\})?")
MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"((?:\\.|[^"\\])*)"')
SAMPLE = re.compile(r'^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)(?: -?\d+)?$')
PAIR = re.compile(r'(\w+)="((?:\\.|[^"\\])*)",?')


class Metric:
    def __init__(self, kind, labels, series):
        self.kind, self.labels, self.series = kind, labels, series


def read_contract(text):
    """name -> Metric, and what is wrong with the text itself"""
    metrics, errors = {}, []
    bounds = {m.group(1): m.group(2).split() for m in BOUNDS.finditer(text)}
    for name, kind, labels, series, meaning in ROW.findall(text):
        known = {k: [v.strip() for v in values.split(",")]
                 for k, values in LABEL.findall(labels)}
        if name.startswith("muster_tenant_"):
            known["tenant"] = ["*"]
        if name in metrics:
            errors.append(f"{name} is there twice")
        metrics[name] = Metric(kind, known, int(series) if series else None)
        if not meaning.strip():
            errors.append(f"{name} says nothing of its meaning")
    return metrics, errors + check_contract(metrics, bounds)


def values_of(metric):
    count = 1
    for label, values in metric.labels.items():
        if label not in ("tenant", "breaker"):
            count *= len(values)
    return count


def check_contract(metrics, bounds):
    errors = []
    for name, m in metrics.items():
        if m.kind not in ("gauge", "counter", "histogram"):
            errors.append(f"{name} has the unknown type {m.kind}")
        if (m.kind == "counter") != name.endswith("_total"):
            errors.append(f"{name}: counters, and only they, end in _total")
        if m.kind == "histogram" and not name.endswith(UNITS):
            errors.append(f"{name} does not end in its unit")
        if (m.kind == "histogram") != (name in bounds):
            errors.append(f"{name}: histograms, and only they, have bounds")
        if name.startswith("muster_tenant_") != (m.series is not None):
            errors.append(f"{name}: what is of a tenant says how many series it has")
        if m.series and "breaker" not in m.labels and m.series != values_of(m):
            errors.append(f"{name} has {values_of(m)} values of its labels and says {m.series} series")
    for name, of in bounds.items():
        numbers = [float(b) for b in of]
        if name not in metrics or numbers != sorted(set(numbers)) or len(numbers) > BOUNDS_MAX:
            errors.append(f"the bounds of {name} do not ascend, are too many, or of no metric")
    total = sum(m.series or 0 for m in metrics.values())
    if not metrics or total > SERIES_OF_A_TENANT:
        errors.append(f"a tenant has {total} series, more than {SERIES_OF_A_TENANT}")
    return errors


def base_of(metrics, name):
    if name in metrics and metrics[name].kind != "histogram":
        return name
    stem = re.sub(r"_(bucket|sum|count)$", "", name)
    return stem if stem != name and stem in metrics and metrics[stem].kind == "histogram" else None


def value_fits(known, op, value):
    if known == ["*"] or "$" in value or value == "":
        return True
    if op in ("=", "!="):
        return value in known
    return all(any(re.fullmatch(part, k) for k in known) for part in value.split("|"))


def check_use(metrics, where, expression):
    """Every metric that an expression names is documented, with these labels."""
    errors = []
    for name, inside in USE.findall(expression):
        base = base_of(metrics, name)
        if base is None:
            errors.append(f"{where}: {name} is not in docs/metrics.md")
            continue
        labels = metrics[base].labels
        for label, op, value in MATCHER.findall(inside):
            if label in FOREIGN_LABELS:
                continue
            if label not in labels:
                errors.append(f"{where}: {name} has no label {label}")
            elif not value_fits(labels[label], op, value):
                errors.append(f'{where}: {label} of {name} is never "{value}"')
    return errors


def dashboard_expressions(dashboard):
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"]
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            yield "variable " + variable["name"], variable["query"]["query"]


def check_dashboard(metrics, dashboard):
    errors, ids = [], [p["id"] for p in dashboard["panels"]]
    if len(ids) != len(set(ids)):
        errors.append("dashboard: two panels have the same id")
    found = list(dashboard_expressions(dashboard))
    for title, expression in found:
        uses = [n for n, _ in USE.findall(expression)]
        if not uses and not FOREIGN_METRICS.intersection(re.findall(r"\w+", expression)):
            errors.append(f'dashboard: "{title}" shows no metric')
        errors += check_use(metrics, f'dashboard, "{title}"', expression)
    if not found:
        errors.append("dashboard: nothing in it")
    return errors + check_syntax(found)


def check_syntax(found):
    """promtool parses each expression, as a recording rule."""
    if not shutil.which("promtool"):
        print("note: promtool is not installed")
        return []
    rules = []
    for i, (title, expression) in enumerate(found):
        if title.startswith("variable "):
            continue
        for name, value in (("$__rate_interval", "5m"), ("$__range", "1h")):
            expression = expression.replace(name, value)
        rules.append({"record": f"dashboard:expression:{i}", "expr": expression})
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as f:
        json.dump({"groups": [{"name": "dashboard", "rules": rules}]}, f)
        f.flush()
        run = subprocess.run(["promtool", "check", "rules", f.name], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return [] if run.returncode == 0 else ["dashboard: " + run.stdout.decode()]


def strip_comments(text):
    return re.sub(r"^\s*#.*$", "", text, flags=re.M)


def check_rules(metrics, rules, tests):
    errors = check_use(metrics, "alert rules", rules) + check_use(metrics, "tests of the rules", tests)
    for name in re.findall(r"- alert: (\w+)", rules):
        if f"alertname: {name}\n        exp_alerts" not in tests:
            errors.append(f"alert rules: no test makes {name} fire")
    blocks = re.split(r"- alert: ", rules)[1:]
    for block in blocks:
        if not re.search(r"^\s+runbook: '.{20,}\.'$", block, re.M):
            errors.append(f"alert rules: {block.split()[0]} has no runbook sentence")
    return errors


def check_sample(metrics, types, line, tenants):
    match = SAMPLE.match(line)
    if not match:
        return [f"no sample: {line}"]
    name, labels = match.group(1), dict(PAIR.findall(match.group(2) or ""))
    base = base_of(metrics, name)
    if base is None:
        return [f"{name} is not in docs/metrics.md"]
    m, errors = metrics[base], []
    if types.get(base) != m.kind:
        errors.append(f"{base} is a {types.get(base)}, not a {m.kind}")
    expected = set(m.labels) | ({"le"} if name.endswith("_bucket") and m.kind == "histogram" else set())
    if set(labels) != expected:
        errors.append(f"{name} has the labels {sorted(labels)}, not {sorted(expected)}")
    for label, value in labels.items():
        if label in m.labels and not value_fits(m.labels[label], "=", value):
            errors.append(f'{label} of {name} is never "{value}"')
    if "tenant" in m.labels:
        tenants[labels.get("tenant")] = tenants.get(labels.get("tenant"), 0) + 1
    return errors


def check_scrape(metrics, page):
    errors, types, tenants = [], {}, {}
    for line in page.splitlines():
        words = line.split()
        if line.startswith("# TYPE ") and len(words) == 4:
            types[words[2]] = words[3]
        elif line and not line.startswith("#"):
            errors += check_sample(metrics, types, line, tenants)
    for tenant, count in tenants.items():
        if count > SERIES_OF_A_TENANT:
            errors.append(f"tenant {tenant} has {count} series")
    for name in metrics:
        if not name.startswith("muster_tenant_") and name not in types:
            errors.append(f"{name} is missing")
    return sorted(set(errors))


SELFTEST_CONTRACT = """
| `muster_tenant_x` | gauge | `state`=a, b | 2 | text |
| `muster_y_total` | counter | `code`=200, none | text |
| `muster_z_seconds` | histogram | | text |

| `muster_z_seconds` | 0.1 1 5 |
"""
SELFTEST_PAGE = ('# TYPE muster_tenant_x gauge\nmuster_tenant_x{tenant="t",state="a"} 1\n# TYPE muster_y_total counter\n'
                 'muster_y_total{code="200"} 5\n# TYPE muster_z_seconds histogram\nmuster_z_seconds_bucket{le="+Inf"} 1\n')


def selftest():
    m, none = read_contract(SELFTEST_CONTRACT)

    def contract(old, new):
        return read_contract(SELFTEST_CONTRACT.replace(old, new, 1))[1]

    def page(old, new):
        return check_scrape(m, SELFTEST_PAGE.replace(old, new, 1))

    fine = [none, check_scrape(m, SELFTEST_PAGE),
            check_use(m, "", 'rate(muster_z_seconds_bucket{job="a"}[5m]) / muster_y_total{code=~"2..|none"}')]
    bad = [
        contract("| 2 |", "| 3 |"), contract("muster_y_total", "muster_y"), contract("gauge", "thing"),
        contract("0.1 1 5", "1 0.1 5"), contract("muster_z_seconds", "muster_z"), contract("| 2 |", "|"),
        contract("a, b | 2", ", ".join("abcdefghijklmnopqrstuvwxyzABCDE") + " | 31"), contract("| text |", "| |"),
        check_use(m, "", "muster_other"), check_use(m, "", "muster_z_seconds"), check_use(m, "", "muster_y_total_sum"),
        check_use(m, "", 'muster_y_total{colour="a"}'), check_use(m, "", 'muster_y_total{code="201"}'),
        check_use(m, "", 'muster_y_total{code=~"200|4.."}'),
        page("muster_y_total{", "muster_q_total{"), page("counter", "gauge"), page('code="200"', ""),
        page('"200"', '"999"'), page("} 1", "} 1 x y"), page("# TYPE muster_y_total counter\n", ""),
        page('muster_tenant_x{tenant="t",state="a"} 1\n', 'muster_tenant_x{tenant="t",state="a"} 1\n' * 31),
        check_rules(m, "- alert: A\n  expr: muster_y_total\n  runbook: 'Do this and that, then look.'\n", ""),
        check_rules(m, "- alert: A\n", "alertname: A\n        exp_alerts"),
        check_syntax([("t", "sum(")]) or (not shutil.which("promtool") and ["skipped"]),
    ]
    failed = [f"fine {i}: {e}" for i, e in enumerate(fine) if e] + [f"bad {i} passed" for i, e in enumerate(bad) if not e]
    for text in failed:
        print("metrics.py --selftest:", text)
    return failed


def check_all():
    metrics, errors = read_contract(CONTRACT.read_text(encoding="utf-8"))
    rules = strip_comments(RULES.read_text(encoding="utf-8"))
    errors += check_rules(metrics, rules, strip_comments(RULES_TEST.read_text(encoding="utf-8")))
    errors += check_dashboard(metrics, json.loads(DASHBOARD.read_text(encoding="utf-8")))
    print(f"metrics: {len(metrics)} of them, {sum(m.series or 0 for m in metrics.values())} series a tenant")
    return errors


def main():
    if sys.argv[1:2] == ["--selftest"]:
        errors = selftest()
    elif sys.argv[1:2] == ["--scrape"]:
        page = sys.stdin.read() if sys.argv[2] == "-" else pathlib.Path(sys.argv[2]).read_text(encoding="utf-8")
        errors = check_scrape(read_contract(CONTRACT.read_text(encoding="utf-8"))[0], page)
    else:
        errors = check_all()
    for text in errors:
        print(text)
    sys.exit(1 if errors else 0)


if __name__ == "__main__":
    main()
