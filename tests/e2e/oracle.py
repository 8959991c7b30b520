"""What the store must say after a sync, worked out a second time from what the
simulator lists, and the base class of the scenarios that are checked by it.

Scenario.sync() runs `musterd --once` fast and then looks at everything that has
to hold whatever happened: the store verifies, every record fits
docs/device.schema.json, each tenant's feed is complete, in order, and leads to
just the devices that are stored."""

import json
import unittest

import schema_check
from muster_e2e import SOURCE, Muster, Sim

PRECEDENCE = ["custom", "idp", "mdm_idp_accounts", "google_chrome_profiles"]
NOT_REAL = {"", "-1", "0", "None"}
NOT_UUIDS = {"03000200-0400-0500-0006-000700080009"}  # what some firmware says for all machines
QUICK = ["--retry-base", "10ms", "--probe-gap", "50ms", "--details", "none"]
ORACLE_PAGE = 499
SCHEMA = json.loads((SOURCE / "docs/device.schema.json").read_text())
schema_check.inspect(SCHEMA, SCHEMA)


def real(text):
    return None if text is None or text in NOT_REAL else text


def uuid(host):
    text = (real(host["uuid"]) or "").lower()
    return None if not text or text in NOT_UUIDS else text


def owner(host):
    """(people of the best source, that source); ([], None) when there is nobody."""
    mapping = list(host.get("device_mapping") or [])
    for user in host.get("end_users") or []:
        if user.get("idp_username"):
            mapping.append({"email": user["idp_username"], "source": "idp"})
        mapping += user.get("other_emails") or []
    for source in PRECEDENCE:
        people = {m["email"] for m in mapping if m["source"] == source}
        if people:
            return people, source
    return set(), None


def faults_of(device, host):
    """How a stored device differs from the host that the server lists."""
    people, source = owner(host)
    wanted = {
        "id": host["id"],
        "uuid": uuid(host),
        "serial": real(host["hardware_serial"]),
        "hostname": real(host["hostname"]),
        "computer_name": real(host["computer_name"]),
        "team": host.get("team_id"),
        "groups": [host["team_name"]] if host.get("team_name") else [],
        "source": source,
        "ambiguous": len(people) > 1,
    }
    got = {
        "id": device["id"],
        **{k: device["identity"][k] for k in ("uuid", "serial", "hostname", "computer_name")},
        "team": device["team"]["id"] if device["team"] else None,
        "groups": device["access"]["groups"],
        "source": device["owner"]["source"] if device["owner"] else None,
        "ambiguous": bool(device["owner"] and device["owner"]["ambiguous"]),
    }
    if "policies" in host:
        answers = {p["id"]: p["response"] for p in host["policies"] or []}
        wanted["failing"] = sum(r == "fail" for r in answers.values())
        wanted["results"] = {i: r or "unanswered" for i, r in answers.items()}
        got["failing"] = device["compliance"]["failing"]
        got["results"] = {p["id"]: p["result"] for p in device["compliance"]["policies"]}
    found = [f"{k} is {got[k]!r} and not {w!r}" for k, w in wanted.items() if got[k] != w]
    if people and (device["owner"] or {}).get("email") not in people:
        found.append(f"owner {device['owner']!r} is none of {people!r}")
    return found


def schema_faults(devices):
    return [f"device {d['id']}: {f}" for d in devices for f in schema_check.faults(SCHEMA, SCHEMA, d)]


class Replica:
    """A consumer of one tenant's feed: starts at the baseline's snapshot and
    must arrive at what is stored by following the events alone."""

    def __init__(self):
        self.seq, self.ids = 0, None

    def follow(self, events, stored):
        """Yields what is wrong with the events since the last time."""
        for e in events:
            if e["seq"] != self.seq + 1:
                yield f"event {e['seq']} follows {self.seq}"
            self.seq = e["seq"]
            if e["kind"] == "baseline":
                if self.ids is not None:
                    yield "a second baseline"
                self.ids = None
            elif self.ids is None:
                continue
            elif e["kind"] in ("created", "revived"):
                if e["id"] in self.ids:
                    yield f"{e['kind']} {e['id']} twice: {e}"
                self.ids.add(e["id"])
            elif e["kind"] in ("deleted", "out_of_scope"):
                if e["id"] not in self.ids:
                    yield f"{e['kind']} {e['id']}, which was not there: {e}"
                self.ids.discard(e["id"])
            elif e["kind"] == "changed":
                if e["id"] not in self.ids:
                    yield f"changed {e['id']}, which was not there"
                if not e["fields"]:
                    yield f"changed {e['id']} without saying what"
            else:
                yield f"an event of an unknown kind: {e}"
        if self.ids is None:
            self.ids = set(stored) if self.seq else None
        elif self.ids != set(stored):
            yield f"the feed leads to {sorted(self.ids ^ set(stored))} more or less than is stored"


class Scenario(unittest.TestCase):
    def serve(self, *tenants, **settings):
        """Starts the simulator and prepares a folder for the daemon."""
        self.sim = Sim(*(tenants or ("name=acme,hosts=120",))).start()
        self.addCleanup(self.sim.stop)
        self.fresh(**settings)

    def fresh(self, tenants=None, **settings):
        """An empty store, and a simulator without faults and counts."""
        for name in self.sim.tenants:
            self.sim.clear_faults(name)
        self.sim.clear_stats()
        self.muster = Muster(self.sim, tenants, **settings)
        self.addCleanup(self.muster.close)
        self.replicas = {}
        self.last = None

    def sync(self, *options, status=0, tells=(), timeout=60, env=None):
        """One sync; it must end with `status` and say each of `tells`."""
        self.last = self.muster.once(*QUICK, *options, timeout=timeout, env=env)
        self.assertEqual(self.last.status, status, self.last)
        for text in [tells] if isinstance(tells, str) else tells:
            self.assertIn(text, self.last.out + self.last.err)
        self.assertNotIn("runtime error", self.last.err)
        if self.muster.store.exists():
            self.look()
        return self.last

    def look(self):
        """What has to hold whatever happened."""
        self.muster.verify()
        for t in self.tenants():
            devices = self.devices(t["tenant"])
            self.assertEqual(schema_faults(devices.values()), [])
            replica = self.replicas.setdefault(t["tenant"], Replica())
            events = self.muster.ctl("changes", t["tenant"], "--since", str(replica.seq))
            self.assertEqual(list(replica.follow(events, devices)), [])

    def tenants(self):
        """musterctl tenants, which exits 1 when the last sync of one of them failed."""
        run = self.muster.ctl_run("tenants", "--json")
        rows = [json.loads(line) for line in run.out.splitlines()]
        self.assertEqual(run.status, int(any(t["sync"]["result"] == "failed" for t in rows)), run)
        return rows

    def tenant(self, tenant="acme"):
        return next(t for t in self.tenants() if t["tenant"] == tenant)

    def devices(self, tenant="acme"):
        return {d["id"]: d for d in self.muster.ctl("devices", tenant)}

    def changes(self, tenant="acme", since=0):
        return self.muster.ctl("changes", tenant, "--since", str(since))

    def kinds(self, tenant="acme", since=0):
        """{kind: [ids]} of the feed."""
        found = {}
        for e in self.changes(tenant, since):
            found.setdefault(e["kind"], []).append(e.get("id"))
        return found

    def seq(self, tenant="acme"):
        return self.tenant(tenant)["seq"]

    def hosts(self, tenant="acme"):
        """{id: host} as the server lists them, by pages: the order key that every version takes."""
        found, page = {}, 0
        while True:
            answer = self.sim.page(tenant, order_key="id", page=page, per_page=ORACLE_PAGE, device_mapping="true",
                                   populate_policies="true")
            self.assertEqual(answer.status, 200, answer)
            hosts = answer.json()["hosts"]
            found.update((h["id"], h) for h in hosts)
            if not hosts:
                return found
            page += 1

    def same(self, tenant="acme", but=(), details=False):
        """The store holds just what the server lists (and what each detail adds), except for hosts `but`."""
        hosts = self.hosts(tenant)
        if details:
            for i, host in hosts.items():
                host["end_users"] = self.sim.get(tenant, f"hosts/{i}").json()["host"].get("end_users")
        devices = self.devices(tenant)
        self.assertEqual(sorted(devices), sorted(hosts))
        found = {i: faults_of(d, hosts[i]) for i, d in devices.items() if i not in but}
        self.assertEqual({i: f for i, f in found.items() if f}, {})

    # what the server saw

    def log(self, tenant="acme", part=""):
        return [r for r in self.sim.stats(tenant)["log"] if part in r["target"]]

    def pages(self, tenant="acme"):
        """The requests of the walk (not those of the probe or of this oracle), as dicts of their
        parameters, with status and took_ms."""
        found = []
        for r in self.log(tenant, "/hosts?"):
            query = dict(p.split("=", 1) for p in r["target"].split("?", 1)[1].split("&"))
            if query.get("per_page") not in ("1", str(ORACLE_PAGE)):
                found.append({**query, "status": r["status"], "took_ms": r["took_ms"]})
        return found
