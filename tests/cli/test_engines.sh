# prony engines install and smoke: what can be asked, and what cannot. (Real installations: check.sh --peers.)
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PRONY_CACHE_DIR="$work"
fail() { echo "FAIL: $*"; exit 1; }
refused() { # STATUS TEXT ARGUMENT...
    status=$1 text=$2; shift 2
    set +e; "$PRONY" "$@" >"$work/out" 2>"$work/err" </dev/null; got=$?; set -e
    [ "$got" -eq "$status" ] || fail "exit status $got, expected $status: $*"
    grep -q -- "$text" "$work/err" || { cat "$work/err"; fail "no '$text' in the message: $*"; }
}
"$PRONY" engines smoke native native:ref fake >"$work/smoke"
[ "$(grep -c ' tokens in ' "$work/smoke")" -eq 3 ] || { cat "$work/smoke"; fail "three engines, three texts"; }
refused 2 "did you mean 'native'" engines smoke nativ
refused 1 "'prony engines install transformers' installs it" engines smoke transformers
refused 1 "nothing to install" engines install native
refused 2 "which engine" engines install
refused 2 "one of the two" engines install --all transformers
"$PRONY" engines install --undo transformers | grep -q "is not installed" || fail "undo of nothing"
mkdir -p "$work/engines/transformers/venv/bin"
"$PRONY" engines install --undo transformers | grep -q "is gone" || fail "undo"
[ ! -e "$work/engines/transformers" ] || fail "it is still there"
mkdir -p "$work/engines/transformers/venv/bin"
printf '#!/bin/sh\necho "ModuleNotFoundError: no torch" >&2\nexit 1\n' >"$work/engines/transformers/venv/bin/python"
chmod +x "$work/engines/transformers/venv/bin/python"
refused 1 "its last words: ModuleNotFoundError: no torch" engines smoke transformers
echo ok
