# prony env: facts, kernels and defaults, for eyes and for scripts.
set -eu
fail() {
    echo "FAIL: $1"
    exit 1
}
"$PRONY" env --json >"${TMPDIR:-/tmp}/env.$$.json"
trap 'rm -f "${TMPDIR:-/tmp}/env.$$.json"' EXIT
for key in '"build"' '"machine"' '"kernels"' '"engines"' '"disturbances"' '"commit"' '"governor"' '"stolen_ticks"'; do
    grep -q "$key" "${TMPDIR:-/tmp}/env.$$.json" || fail "env --json has no $key"
done
"$PRONY" env | grep -q '^processors  *[1-9]' || fail "env names no processors"
"$PRONY" env --defaults | cmp - "$SOURCE/configs/defaults.yaml" || fail "env --defaults is not configs/defaults.yaml"
PRONY_KERNELS=scalar "$PRONY" env --kernels | grep -q '^kernels *scalar' || fail "PRONY_KERNELS=scalar was not taken"
PRONY_KERNELS=scalar "$PRONY" env --kernels | grep -q '^matrix product\|^product' || fail "no table of operations"
PRONY_KERNELS=avx3 "$PRONY" env --kernels | grep -q "avx3" || fail "an unknown set of kernels is not named"
echo "env answers"
