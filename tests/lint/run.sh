#!/usr/bin/env bash
# All static checks; `./dev lint` calls it. Goes on after a finding, so that one
# run shows everything, and fails at the end.
#
#   run.sh [--changed]     only the C files that differ from the last commit
set -euo pipefail
cd "$(dirname "$0")/../.."

changed=0
[ "${1:-}" = --changed ] && changed=1
failed=()
jobs=$(nproc)
database=build/dev

# Ours: tracked or new, not ignored, and still there.
ours() {
    git ls-files --cached --others --exclude-standard -- "$@" | while IFS= read -r f; do
        if [ -f "$f" ]; then printf '%s\n' "$f"; fi
    done | sort -u
}

c_files() {
    if [ $changed = 1 ]; then
        { git diff --name-only HEAD -- '*.[ch]'; git ls-files --others --exclude-standard -- '*.[ch]'; } |
            while IFS= read -r f; do if [ -f "$f" ]; then printf '%s\n' "$f"; fi; done
    else
        ours '*.[ch]'
    fi
}

# check NAME FUNCTION: runs it with its output shown only when it fails. Not as
# a condition, where each command of the function but the last could fail unseen.
check() {
    local name=$1 begin out seconds rc
    shift
    begin=$SECONDS
    set +e
    out=$(set -e; "$@" 2>&1)
    rc=$?
    set -e
    if [ $rc = 0 ]; then
        seconds=$((SECONDS - begin))
        printf '%-14s ok (%d s)\n' "$name" "$seconds"
        printf '%s\n' "$out" | grep -E '^(warning|note):' || true
    else
        printf '%s\n' "$out"
        printf '%-14s FAILED\n' "$name"
        failed+=("$name")
    fi
}

have() {
    command -v "$1" >/dev/null
}

check_layers() {
    python3 tests/lint/layers.py --selftest
    python3 tests/lint/layers.py
}

check_format() {
    c_files | xargs -r clang-format --dry-run --Werror
}

# Sources only; headers are seen through them. Not the unit tests: the analyzer
# does not know that a failed cmocka assertion does not return. What the preset
# does not build is left out. One file a process: with several, version 14 sees
# va_lists without va_start.
check_tidy() {
    c_files | grep '\.c$' | grep -v '^tests/unit/' | while IFS= read -r f; do
        if grep -q "\"$PWD/$f\"" $database/compile_commands.json; then printf '%s\n' "$f"; fi
    done | xargs -r -P "$jobs" -n 1 clang-tidy --quiet -p $database 2>/dev/null
}

# It does not read the libraries' headers, so what it cannot know is not asked;
# what is uninitialized or escapes from the stack is left to clang-tidy.
check_cppcheck() {
    mkdir -p build/cppcheck
    c_files | grep '^src/.*\.c$' | xargs -r cppcheck --quiet --std=c11 --enable=warning,performance,portability \
        --inline-suppr --suppress=missingIncludeSystem --suppress=unknownMacro --suppress=nullPointerArithmeticRedundantCheck \
        --suppress=legacyUninitvar --suppress=ctuuninitvar --suppress=autoVariables \
        --cppcheck-build-dir=build/cppcheck -j "$jobs" -I src -I include -D_GNU_SOURCE --error-exitcode=1
}

check_shell() {
    local files=(dev .ci/run)
    while IFS= read -r f; do files+=("$f"); done < <(ours '*.sh' '*.bash')
    for f in "${files[@]}"; do bash -n "$f"; done
    if have shellcheck; then shellcheck -S warning "${files[@]}"; else echo "note: shellcheck is not installed"; fi
}

check_python() {
    local cache
    cache=$(mktemp -d)
    ours '*.py' | PYTHONPYCACHEPREFIX=$cache xargs -r python3 -W error -m py_compile
    rm -rf "$cache"
}

check_man() {
    local pages
    pages=$(ours 'docs/man/*.[1-8]')
    [ -n "$pages" ] || return 0
    # shellcheck disable=SC2086 # a list of names without spaces
    if have mandoc; then
        mandoc -T lint -W warning $pages
    elif have man; then
        for f in $pages; do
            [ -z "$(LC_ALL=C.UTF-8 MANWIDTH=80 man --warnings -E UTF-8 -l -Tutf8 -Z "$f" 2>&1 >/dev/null)" ]
        done
    else
        echo "note: neither mandoc nor man is installed"
    fi
}

check_json() {
    ours '*.json' | grep -v '^tests/fuzz/corpus/' | while IFS= read -r f; do
        python3 -m json.tool "$f" >/dev/null || { echo "$f: not JSON"; exit 1; }
    done
}

check_metrics() {
    python3 -B tests/lint/metrics.py --selftest
    python3 -B tests/lint/metrics.py
    if ! have promtool; then
        echo "note: promtool is not installed"
        return 0
    fi
    promtool check config conf/prometheus.yml
    promtool test rules tests/prometheus/muster.rules.test.yml
}

check_unit() {
    tests/lint/unit.sh
}

check_spaces() {
    # a blank at the end of a line or a file without a last line end
    ! git grep --untracked -nIE '[ 	]+$' -- . ':!LICENSE' ':!tests/fuzz/corpus' ':!*.golden*'
}

mkdir -p build
[ -f $database/compile_commands.json ] || cmake --preset dev -DMUSTER_BENCH=ON >/dev/null
check layers check_layers
check results python3 -B tests/lint/test_results.py
check format check_format
check shell check_shell
check python check_python
check json check_json
check man check_man
check unit check_unit
check metrics check_metrics
check spaces check_spaces
check cppcheck check_cppcheck
check clang-tidy check_tidy

if [ ${#failed[@]} -gt 0 ]; then
    echo "lint: failed: ${failed[*]}"
    exit 1
fi
echo "lint: all clean"
