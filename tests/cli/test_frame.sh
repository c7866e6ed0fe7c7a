# The frame around the commands: help, exit status, errors with a hint, broken pipes and full disks.
failures=0
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT

# expect STATUS OUT|ERR TEXT ARGUMENTS...: the program ends so, and that stream holds the text (a fixed string).
expect() {
    want=$1 stream=$2 text=$3
    shift 3
    "$PRONY" "$@" >"$dir/OUT" 2>"$dir/ERR"
    got=$?
    if [ $got != "$want" ] || ! grep -qF -e "$text" "$dir/$stream"; then
        echo "prony $*: status $got, expected $want with '$text' in $stream:"
        cat "$dir/OUT" "$dir/ERR"
        failures=$((failures + 1))
    fi
}

expect 0 OUT "Commands:" --help
expect 0 OUT "Commands:" help
expect 2 ERR "Commands:"
expect 0 OUT "compiler " --version
expect 0 OUT "commit " --version
PRONY_KERNELS=scalar expect 0 OUT "kernels scalar, of" --version
SPECDEC_FORCE_PY=1 expect 0 OUT "kernels scalar, of" --version
PRONY_KERNELS=abacus expect 0 OUT "kernels none: " --version
expect 0 OUT "Examples:" help help
expect 0 OUT "Examples:" help --help
expect 0 OUT "Exit status:" help --help
expect 2 ERR "'hlep' is not a command" hlep
expect 2 ERR "did you mean 'prony help'?" hlep
expect 2 ERR "'qqqqqqqq' is not a command" qqqqqqqq
expect 2 ERR "'prony help' lists them" qqqqqqqq
expect 2 ERR "'qqqqqqqq' is not a command" help qqqqqqqq
expect 2 ERR "stands before the command" --json help
expect 2 ERR "did you mean '--verbose'?" help --verbsoe
expect 2 ERR "did you mean '--verbose'?" help --verb
expect 2 ERR "takes no value" help --verbose=1
expect 2 ERR "one argument too many" help help help help
expect 2 ERR "ENGINE@http://HOST:PORT" help --host=127.0.0.1
expect 2 ERR "no engine 'pytorch'" help --pytorch-no-half
expect 0 ERR "'--no-plots' is ignored" help --no-plots
expect 0 OUT "Commands:" help --no-plots --quiet
expect 2 ERR "stands for '--engines', which this command does not take" help --framework=hf

# Errors go to standard error alone.
"$PRONY" hlep 2>/dev/null | grep -q . && { echo "an error was printed to standard output"; failures=$((failures + 1)); }

# A reader that leaves early is no crash and no error.
{ "$PRONY" help help 2>"$dir/ERR"; echo $? >"$dir/status"; } | :
[ "$(cat "$dir/status")" = 0 ] && [ ! -s "$dir/ERR" ] ||
    { echo "closed pipe: status $(cat "$dir/status"), $(cat "$dir/ERR")"; failures=$((failures + 1)); }

# A disk that is full is one.
if [ -c /dev/full ]; then
    "$PRONY" help >/dev/full 2>"$dir/ERR"
    [ $? = 1 ] && grep -q "standard output" "$dir/ERR" || { echo "full disk went unnoticed"; failures=$((failures + 1)); }
fi
exit $((failures > 0))
