#!/usr/bin/env bash
# Checks conf/musterd.service: that systemd understands it, that it is as closed
# as it was, and that the configuration shipped for it agrees with it.
set -euo pipefail
cd "$(dirname "$0")/../.."

unit=conf/musterd.service
settings=conf/muster.service.yaml
most_exposed=13 # tenths; systemd-analyze security goes from 0 to 100

# setting NAME: its value in the unit
setting() {
    sed -n "s/^$1=//p" $unit
}

# agrees WHAT PATH: that the shipped configuration has it
agrees() {
    grep -qE "^  $1: $2\$" $settings || {
        echo "$settings: \"$1\" is not $2, as $unit has it"
        exit 1
    }
}

agrees path "/var/lib/$(setting StateDirectory)/store"
agrees socket "/run/$(setting RuntimeDirectory)/admin.sock"
agrees key_file "credential:$(setting LoadCredential | cut -d: -f1)"
setting ExecStart | grep -q -- '--config /etc/muster/muster.yaml$' || {
    echo "$unit: ExecStart= does not name /etc/muster/muster.yaml"
    exit 1
}

if ! command -v systemd-analyze >/dev/null; then
    echo "note: systemd-analyze is not installed"
    exit 0
fi
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
# It looks for the program, which is not installed here.
sed 's|^ExecStart=[^ ]*|ExecStart=/bin/true|' $unit >"$place/musterd.service"
said=$(systemd-analyze verify --man=no "$place/musterd.service" 2>&1)
if [ -n "$said" ]; then
    echo "$said"
    exit 1
fi
systemd-analyze security --offline=true --no-pager --threshold=$most_exposed "$place/musterd.service" >"$place/score" || {
    cat "$place/score"
    exit 1
}
echo "note: $(grep -o 'Overall exposure level.*: [0-9.]*' "$place/score")"
