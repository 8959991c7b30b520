# Completion of musterctl for bash. Source it, or install it as
# /usr/share/bash-completion/completions/musterctl.
#
# Commands, options and the values of options are read from the help of the very
# program that is being completed; tenants from its store or its daemon.
# shellcheck shell=bash

# Leading words of the lines under "Commands:", such as "devices" or "tenant add"
_musterctl_commands() {
    "$1" help 2>/dev/null | sed -n '/^Commands:/,/^$/s/^  \([a-z][a-z-]*\( [a-z][a-z-]*\)*\)\( .*\)\{0,1\}$/\1/p'
}

# _musterctl_help PROGRAM [COMMAND [SUBCOMMAND]]
_musterctl_help() {
    local program=$1
    shift
    "$program" help "$@" 2>/dev/null || { [ $# -gt 1 ] && "$program" help "$1" 2>/dev/null; }
}

# What stands behind an option in the help, "DIR  the store ..."; fails when
# there is no such option or it takes no value.
_musterctl_value() { # HELP OPTION
    local line
    line=$(sed -n "s/^  $2 \([A-Z][A-Z0-9|_]*\) \{1,\}\(.*\)/\1 \2/p" <<<"$1")
    [ -n "$line" ] && printf '%s\n' "${line%%$'\n'*}"
}

# _musterctl_tenants PROGRAM [OPTIONS that choose the store or the daemon]
_musterctl_tenants() {
    local program=$1
    shift
    timeout 3 "$program" "$@" tenants --json 2>/dev/null | sed -n 's/.*"tenant":"\([a-z0-9._-]*\)".*/\1/p'
}

# Words for an argument or a value that the help calls so, and explains so.
_musterctl_fill() { # KIND TEXT
    local kind=${1//[\[\]]/} list
    kind=${kind%%|*}
    case $kind in
    TENANT | T) mapfile -t COMPREPLY < <(compgen -W "$(_musterctl_tenants "$program" "${place[@]}")" -- "$current") ;;
    COMMAND) mapfile -t COMPREPLY < <(compgen -W "$(_musterctl_commands "$program" | cut -d' ' -f1 | sort -u)" -- "$current") ;;
    DIR) mapfile -t COMPREPLY < <(compgen -d -- "$current") && compopt -o filenames 2>/dev/null ;;
    FILE | PATH | F) mapfile -t COMPREPLY < <(compgen -f -- "$current") && compopt -o filenames 2>/dev/null ;;
    *)
        # "that compliance: compliant, noncompliant, unknown"
        list=$(sed -n 's/.*: \([a-z_]\{1,\}\(, [a-z_]\{1,\}\)\{1,\}\)$/\1/p' <<<"$2")
        mapfile -t COMPREPLY < <(compgen -W "${list//,/}" -- "$current")
        ;;
    esac
}

# Takes the words before the one to complete apart: `words` are those that are
# no options, `place` those options that say where tenants are, `open` an option
# whose value comes now.
_musterctl_take_apart() {
    local i word options general
    general=$(_musterctl_help "$program")
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [ "$word" = = ]; then
            continue
        elif [ -n "$open" ]; then
            case $open in --store | --socket) place+=("$open" "${word/#\~/$HOME}") ;; esac
            open=
        elif [[ $word == --* ]]; then
            options=$general
            [ ${#words[@]} -eq 0 ] || options=$(_musterctl_help "$program" "${words[@]:0:2}")
            if _musterctl_value "$options" "$word" >/dev/null; then open=$word; fi
        else
            words+=("$word")
        fi
    done
}

# The command is one word or two; what it is called in the help and its arguments.
_musterctl_arguments() { # COMMAND...
    local line
    line=$("$program" help 2>/dev/null | sed -n "/^Commands:/,/^\$/s/^  \($*\( .*\)\{0,1\}\)\$/\1/p")
    line=${line%%$'\n'*}
    line=${line#"$*"}
    line=${line%%  *}
    [[ $line == " "[[:upper:]\[]* ]] && printf '%s\n' "$line"
}

_musterctl() {
    local program=${COMP_WORDS[0]/#\~/$HOME} current=${COMP_WORDS[COMP_CWORD]} open='' words=() place=()
    local commands count=1 arguments value
    COMPREPLY=()
    [ "$current" != = ] || current=
    _musterctl_take_apart
    commands=$(_musterctl_commands "$program")
    if [ -n "$open" ]; then
        value=$(_musterctl_value "$(_musterctl_help "$program" "${words[@]:0:2}")" "$open")
        _musterctl_fill "${value%% *}" "$value"
    elif [[ $current == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(_musterctl_help "$program" "${words[@]:0:2}" |
            sed -n 's/^  \(--[a-z-]*\).*/\1/p')" -- "$current")
    elif [ ${#words[@]} -eq 0 ]; then
        mapfile -t COMPREPLY < <(compgen -W "$(cut -d' ' -f1 <<<"$commands" | sort -u)" -- "$current")
    else
        if [ ${#words[@]} -gt 1 ] && grep -qx "${words[0]} ${words[1]}" <<<"$commands"; then count=2; fi
        if [ ${#words[@]} -eq 1 ] && grep -q "^${words[0]} " <<<"$commands"; then
            mapfile -t COMPREPLY < <(compgen -W "$(sed -n "s/^${words[0]} //p" <<<"$commands")" -- "$current")
        fi
        read -ra arguments <<<"$(_musterctl_arguments "${words[@]:0:count}")"
        value=${arguments[${#words[@]} - count]:-}
        if [ ${#COMPREPLY[@]} -eq 0 ] && [ -n "$value" ]; then _musterctl_fill "$value" ''; fi
    fi
}

complete -F _musterctl musterctl
