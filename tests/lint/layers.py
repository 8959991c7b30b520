#!/usr/bin/env python3
"""Checks that arrows between folders point down, that a third-party header is
included only where it belongs, that functions without a bound or outside the
counted allocator are not called, and that events name a group of the log. The
tables below are the rule; they are explained in ARCHITECTURE.md.

    layers.py [ROOT]          checks the tree, exit 1 when something is wrong
    layers.py --selftest      checks that each rule can fail
"""
import pathlib
import re
import sys
import tempfile

# folder of src/ -> folders it may include from (itself is always allowed)
MAY_INCLUDE = {
    "base": [],
    "model": ["base"],
    "crypto": ["base"],
    "conf": ["model", "base"],
    "net": ["base"],
    "store": ["model", "base"],
    "fleet": ["net", "model", "base"],
    "serve": ["net", "store", "model", "base"],
    "sync": ["fleet", "store", "net", "conf", "crypto", "model", "base"],
    "action": ["fleet", "store", "net", "conf", "crypto", "model", "base"],
    "sink": ["serve", "fleet", "store", "net", "conf", "crypto", "model", "base"],
    "daemon": ["query", "sync", "action", "sink", "serve", "fleet", "store", "net", "conf", "crypto", "model", "base"],
    "query": ["store", "model", "base"],
    "ctl": ["query", "store", "model", "base"],
    "lib": ["store", "model", "base"],
}
# finer than folders: (from folder, to folder) -> the only headers allowed
ONLY = {("conf", "model"): {"model/derive.h", "model/host.h"}}

# third-party header -> folders of src/ that may include it
THIRD_PARTY = [
    (r"uv\.h|uv/.*", ["net"]),
    (r"curl/.*", ["net"]),
    (r"lmdb\.h", ["store"]),
    (r"yajl/yajl_gen\.h", ["model"]),
    (r"yajl/.*", ["fleet"]),
    (r"yaml\.h", ["conf"]),
    (r"libsmartcols.*", ["ctl"]),
    (r"systemd/.*", ["daemon"]),
    (r"openssl/.*", ["crypto", "net"]),
    (r"microhttpd\.h", ["serve"]),
    (r"cmocka\.h", []),
    (r"uthash\.h|utlist\.h", list(MAY_INCLUDE)),
]

BANNED = {
    "strcpy": "it has no bound; use memcpy with a length or struct buf",
    "strcat": "it has no bound; use struct buf",
    "sprintf": "it has no bound; use snprintf or buf_printf",
    "vsprintf": "it has no bound; use vsnprintf",
    "gets": "it has no bound",
    "strtok": "it keeps state and changes its input",
    "atoi": "it cannot report an error; use strtol",
    "atol": "it cannot report an error; use strtol",
    "system": "no shell is ever started",
    "popen": "no shell is ever started",
    "alloca": "its size cannot be refused",
}
ALLOCATORS = {"malloc", "calloc", "realloc", "strdup", "strndup", "asprintf", "vasprintf", "free"}
ALLOCATOR_HOME = "src/base/mem.c"
LONG_FILE = 500

INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]', re.M)
CALL = re.compile(r"(?<![\w.>])(\w+)\s*\(")
EVENT = re.compile(r'\blog_event\(\s*\w+,\s*"(\w+)"')
GROUPS = re.compile(r"const groups\[\] = \{(.*?)\}", re.S)
GROUPS_HOME = "src/base/log.c"
STRIP = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def blank(match):
    """The same number of lines, none of the text."""
    return "\n" * match.group().count("\n") or " "


class Lint:
    def __init__(self, root):
        self.root, self.errors, self.warnings = root, [], []
        home = root / GROUPS_HOME
        table = GROUPS.search(home.read_text(encoding="utf-8")) if home.exists() else None
        self.groups = re.findall(r'"(\w+)"', table.group(1)) if table else list(MAY_INCLUDE)

    def error(self, path, text, at, what):
        line = text.count("\n", 0, at) + 1
        self.errors.append(f"{path}:{line}: {what}")

    def include(self, path, text, folder, match):
        quoted, header = match.group(1) == '"', match.group(2)
        if header == "assert.h":
            self.error(path, text, match.start(), "assert can be switched off; use must() of base/must.h")
        for pattern, homes in THIRD_PARTY:
            if not re.fullmatch(pattern, header):
                continue
            if folder is not None and folder not in homes:
                where = " and ".join("src/" + h for h in homes) or "tests"
                self.error(path, text, match.start(), f"<{header}> may only be included in {where}")
            return
        if not quoted or folder is None:
            return
        target = header.split("/")[0]
        if "/" not in header:
            self.error(path, text, match.start(), f'"{header}" needs its folder: include paths are relative to src/')
        elif target == "muster" or target == folder:
            return
        elif target not in MAY_INCLUDE:
            self.error(path, text, match.start(), f'"{header}" is in no folder of the layer table')
        elif target not in MAY_INCLUDE[folder]:
            self.error(path, text, match.start(), f'src/{folder} may not see src/{target} ("{header}")')
        elif header not in ONLY.get((folder, target), {header}):
            self.error(path, text, match.start(), f'src/{folder} may not see "{header}" of src/{target}')

    def calls(self, path, text):
        code = STRIP.sub(blank, text)
        for match in CALL.finditer(code):
            name = match.group(1)
            if name in BANNED:
                self.error(path, code, match.start(), f"{name}() is banned: {BANNED[name]}")
            elif name in ALLOCATORS and str(path).startswith("src/") and str(path) != ALLOCATOR_HOME:
                self.error(path, code, match.start(), f"{name}() outside {ALLOCATOR_HOME}; use base/mem.h")

    def events(self, path, text):
        for match in EVENT.finditer(text):
            if match.group(1) not in self.groups:
                self.error(path, text, match.start(), f'"{match.group(1)}" is no group of {GROUPS_HOME}')

    def public(self, path, text):
        for match in INCLUDE.finditer(text):
            if match.group(1) == '"' and not match.group(2).startswith("muster/"):
                self.error(path, text, match.start(), "a public header must stand by itself")

    def file(self, path):
        text = (self.root / path).read_text(encoding="utf-8")
        parts = path.parts
        folder = parts[1] if parts[0] == "src" else None
        if folder is not None and folder not in MAY_INCLUDE:
            self.errors.append(f"{path}:1: src/{folder} is not in the layer table of tests/lint/layers.py")
            return
        for match in INCLUDE.finditer(text):
            self.include(path, text, folder, match)
        if parts[0] == "include":
            self.public(path, text)
        if path.suffix == ".h" and "#pragma once" not in text:
            self.errors.append(f"{path}:1: no #pragma once")
        self.calls(path, text)
        if folder is not None:
            self.events(path, text)
        lines = text.count("\n")
        if lines > LONG_FILE:
            self.warnings.append(f"{path}: {lines} lines; over {LONG_FILE} a file usually holds two subjects")

    def run(self):
        files = []
        for top in ("src", "include", "tests", "bench"):
            base = self.root / top
            files += [p for p in base.rglob("*.[ch]") if "corpus" not in p.parts]
        for path in sorted(files):
            self.file(path.relative_to(self.root))
        return len(files)


SELFTEST = [
    ("src/base/a.c", '#include "model/host.h"\n', "may not see src/model"),
    ("src/net/a.c", '#include "store/store.h"\n', "may not see src/store"),
    ("src/conf/a.c", '#include "model/record.h"\n', 'may not see "model/record.h"'),
    ("src/sync/a.c", "#include <uv.h>\n", "may only be included in src/net"),
    ("src/model/a.c", "#include <yajl/yajl_parse.h>\n", "may only be included in src/fleet"),
    ("src/base/a.c", '#include "buf.h"\n', "needs its folder"),
    ("src/base/a.c", "#include <assert.h>\n", "use must()"),
    ("src/base/a.c", "void f(char *a) { strcpy(a, a); }\n", "strcpy() is banned"),
    ("src/base/a.c", "void f(void *a) { free(a); }\n", "free() outside"),
    ("src/base/a.h", "int a;\n", "no #pragma once"),
    ("src/sync/a.c", 'void f(void) { log_event(LOG_INFO, "snyc", "a"); }\n', "is no group"),
    ("src/base/log.c", 'char *const groups[] = { "a" };\nint b = log_event(x,\n\t"sync", "a");\n', "is no group"),
    ("src/thing/a.c", "int a;\n", "not in the layer table"),
    ("include/muster/a.h", '#pragma once\n#include "base/buf.h"\n', "must stand by itself"),
]
SELFTEST_FINE = "\n".join([
    '#include "base/buf.h"', "#include <lmdb.h>", "/* strcpy(a, b) */",
    'static const char *t = "free(x)";', "void f(void) { s->free(1); mem_free(0); }", "",
])


def selftest():
    bad = 0
    for name, text, expected in SELFTEST + [("src/store/a.c", SELFTEST_FINE, None)]:
        with tempfile.TemporaryDirectory() as d:
            path = pathlib.Path(d, name)
            path.parent.mkdir(parents=True)
            path.write_text(text, encoding="utf-8")
            lint = Lint(pathlib.Path(d))
            lint.run()
        ok = not lint.errors if expected is None else any(expected in e for e in lint.errors)
        if not ok:
            bad += 1
            print(f"layers.py --selftest: {name} {text!r}: expected {expected!r}, got {lint.errors}")
    return bad


def main():
    if "--selftest" in sys.argv[1:]:
        sys.exit(1 if selftest() else 0)
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[2])
    lint = Lint(root)
    count = lint.run()
    for text in lint.warnings:
        print("warning:", text)
    for text in lint.errors:
        print(text)
    print(f"layers: {count} files, {len(lint.errors)} errors, {len(lint.warnings)} warnings")
    sys.exit(1 if lint.errors else 0)


if __name__ == "__main__":
    main()
