# prony model logits: shapes, positions, refusals.
set -eu
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
fail() { echo "FAILED: $1"; exit 1; }
model=$SOURCE/models/draft

"$PRONY" model logits "$model" --tokens 0,72,101,200 --all --variant ref -o "$work/all.npy" --json >"$work/all.json"
"$PRONY" model logits "$model" --tokens 0,72,101,200 --variant ref -o "$work/last.npy"
"$PRONY" model logits "$model" --tokens 0 --tokens 72,101 -o "$work/third.npy" --variant ref
# 128 bytes of header (two lines of 64), then float32
[ "$(wc -c <"$work/all.npy")" -eq $((128 + 4 * 2048 * 4)) ] || fail "size of all positions"
[ "$(wc -c <"$work/last.npy")" -eq $((128 + 2048 * 4)) ] || fail "size of the last position"
head -c 128 "$work/all.npy" | grep -aq "'descr': '<f4', 'fortran_order': False, 'shape': (4, 2048)" || fail "header"
grep -q '"positions": 4' "$work/all.json" && grep -q '"vocabulary": 2048' "$work/all.json" || fail "json"
tail -c 8192 "$work/all.npy" >"$work/a"; tail -c 8192 "$work/last.npy" >"$work/b"
cmp -s "$work/a" "$work/b" || fail "the last position is the last row of all"
head -c $((128 + 3 * 8192)) "$work/all.npy" | tail -c 8192 >"$work/a"; tail -c 8192 "$work/third.npy" >"$work/b"
cmp -s "$work/a" "$work/b" || fail "a prefix has the same logits"

refused() { # status, text, arguments
    status=$1 text=$2; shift 2
    set +e; "$PRONY" model logits "$@" >"$work/out" 2>"$work/err"; got=$?; set -e
    [ "$got" -eq "$status" ] || fail "exit status $got, expected $status: $*"
    grep -q -- "$text" "$work/err" || { cat "$work/err"; fail "no '$text' in the message: $*"; }
}
refused 1 "token 2048 is not in the vocabulary of 2048" "$model" --tokens 2048 -o "$work/x.npy"
refused 1 "8193 tokens are longer than the context of 8192" "$model" \
    --tokens "$(awk 'BEGIN { for (i = 0; i < 8193; i++) printf "%s5", i ? "," : "" }')" -o "$work/x.npy"
refused 2 "no tokens" "$model" -o "$work/x.npy"
refused 2 "no file" "$model" --tokens 1
refused 2 "ref" "$model" --tokens 1 --variant slow -o "$work/x.npy"
[ ! -e "$work/x.npy" ] || fail "a refused command wrote a file"
echo ok
