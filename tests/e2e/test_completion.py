"""Completion of musterctl in bash: sourced and asked, as the shell does."""

import pathlib
import subprocess
import unittest

from muster_e2e import BUILD, run
from oracle import Scenario

COMPLETION = pathlib.Path(__file__).parents[2] / "conf/musterctl.bash"
ASK = """source "$0"
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
compopt() { :; }
_musterctl
[ ${#COMPREPLY[@]} -eq 0 ] || printf '%s\\n' "${COMPREPLY[@]}"
"""
# What the help looks like once commands have two words
OTHER = """#!/bin/sh
case "$*" in
help) cat <<'X'
Usage: musterctl [OPTIONS] COMMAND [ARGUMENTS]

Commands:
  tenant list                    those that there are
  tenant add NAME --url URL --token-file FILE one more
  tenant show T                  one of them
  sync T|--all                   now
  log LEVEL [GROUP]              what is said

Options:
  --socket PATH        the daemon to ask
X
;;
"help tenant add") printf '  --token-file FILE    the token\\n  --json               as it is\\n  --kind KIND          one of: red, green, blue\\n' ;;
"--socket here tenants --json") printf '{"tenant":"red-1","devices":5}\\n{"tenant":"blue","devices":5}\\n' ;;
*) exit 2 ;;
esac
"""


class Completion(Scenario):
    def ask(self, *words, program=None, cwd=None):
        """What is offered for the last of the words."""
        r = run(["bash", "--norc", "-c", ASK, COMPLETION, program or self.program, *words], timeout=20, cwd=cwd)
        self.assertEqual((r.status, r.err), (0, ""), r)
        return sorted(r.out.split("\n")[:-1])

    def setUp(self):
        self.program = BUILD / "musterctl"
        if not self.program.exists():
            self.skipTest(f"{self.program} is not built")

    def help_of(self, *command):
        r = run([self.program, "help", *command], timeout=20)
        self.assertEqual(r.status, 0, r)
        return r.out

    def test_commands_are_those_of_the_help(self):
        part = self.help_of().split("Commands:\n")[1].split("\n\n")[0]
        commands = sorted({line.split()[0] for line in part.split("\n")})
        self.assertGreater(len(commands), 8)
        self.assertEqual(self.ask(""), commands)
        self.assertEqual(self.ask("--json", ""), commands)
        self.assertEqual(self.ask("dev"), [c for c in commands if c.startswith("dev")])
        self.assertEqual(self.ask("help", "ten"), [c for c in commands if c.startswith("ten")])
        self.assertEqual(self.ask("nothing-of-that-name", ""), [])

    def test_options_are_those_of_the_command(self):
        options = sorted(line.split()[0] for line in self.help_of("devices").split("\n") if line.startswith("  --"))
        self.assertIn("--state", options)
        self.assertEqual(self.ask("devices", "--"), options)
        self.assertEqual(self.ask("devices", "acme", "--st"), [o for o in options if o.startswith("--st")])
        self.assertEqual(self.ask("verify", "--sta"), [])
        self.assertEqual(self.ask("--js"), ["--json"])

    def test_values(self):
        states = ["compliant", "noncompliant", "not_evaluated", "unknown"]
        self.assertEqual(self.ask("devices", "acme", "--state", ""), states)
        self.assertEqual(self.ask("devices", "acme", "--state", "no"), states[1:3])
        # bash takes "--state=n" apart
        self.assertEqual(self.ask("devices", "acme", "--state", "=", "not"), ["not_evaluated"])
        self.assertEqual(self.ask("devices", "acme", "--state", "="), states)
        self.assertEqual(self.ask("devices", "acme", "--owner", ""), [])

    def test_tenants_of_the_store(self):
        self.serve("name=acme,hosts=2", "name=acorn,hosts=2", "name=zoo,hosts=2")
        self.sync()
        store = str(self.muster.store)
        self.assertEqual(self.ask("--store", store, "devices", ""), ["acme", "acorn", "zoo"])
        self.assertEqual(self.ask("--store", "=", store, "--json", "devices", "ac"), ["acme", "acorn"])
        self.assertEqual(self.ask("device", "--store", store, "zo"), ["zoo"])
        self.assertEqual(self.ask("--store", store, "device", "acme", ""), [])
        self.assertEqual(self.ask("--store", store, "verify", ""), [])
        self.assertEqual(self.ask("--store", store + "-not", "devices", ""), [])
        self.assertEqual(self.ask("--store", store[:-1]), [store])

    def test_commands_of_two_words(self):
        self.serve()
        program = self.muster.dir / "other"
        program.write_text(OTHER)
        program.chmod(0o755)

        def ask(*words):
            return self.ask(*words, program=program, cwd=self.muster.dir)

        self.assertEqual(ask(""), ["log", "sync", "tenant"])
        self.assertEqual(ask("tenant", ""), ["add", "list", "show"])
        self.assertEqual(ask("tenant", "s"), ["show"])
        self.assertEqual(ask("--socket", "here", "tenant", "show", ""), ["blue", "red-1"])
        self.assertEqual(ask("--socket", "here", "sync", "r"), ["red-1"])
        self.assertEqual(ask("--socket", "here", "tenant", "show", "blue", ""), [])
        self.assertEqual(ask("--socket", "here", "tenant", "list", ""), [])
        self.assertEqual(ask("tenant", "add", "x", "--"), ["--json", "--kind", "--token-file"])
        self.assertEqual(ask("tenant", "add", "--kind", "g"), ["green"])
        self.assertEqual(ask("tenant", "add", "--token-file", "oth"), ["other"])

    def test_it_is_registered(self):
        out = subprocess.run(["bash", "--norc", "-c", 'source "$0"; complete -p musterctl', COMPLETION], timeout=20,
                             stdout=subprocess.PIPE, check=True).stdout.decode()
        self.assertEqual(out, "complete -F _musterctl musterctl\n")


if __name__ == "__main__":
    unittest.main()
