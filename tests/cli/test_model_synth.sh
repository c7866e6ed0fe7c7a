# prony model synth and quantize: a made-up model, written, quantized, looked into, run.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
fail() {
    echo "FAIL: $1"
    exit 1
}
refused() { # exit status, part of the message, command...
    wanted=$1 part=$2
    shift 2
    status=0
    "$@" >"$dir/out" 2>"$dir/err" || status=$?
    [ "$status" = "$wanted" ] || fail "$*: exit $status, expected $wanted"
    grep -q -- "$part" "$dir/err" || fail "$*: $(cat "$dir/err") does not say '$part'"
}
"$PRONY" model synth --dims hidden=256,layers=2,heads=4,kv_heads=2,ffn=512,vocabulary=600,context=128 -o "$dir/f16.gguf"
"$PRONY" model quantize "$dir/f16.gguf" "$dir/q4.gguf" q4_k_m --json >"$dir/q4.json"
grep -q '"fallen_back":0' "$dir/q4.json" || fail "$(cat "$dir/q4.json")"
"$PRONY" model verify "$dir/q4.gguf"
"$PRONY" model info "$dir/q4.gguf" --json | grep -q '"layers": 2' || fail "info of the quantized file"
"$PRONY" model logits "$dir/q4.gguf" --tokens 1,2,3 -o "$dir/q4.npy"
"$PRONY" model quantize "$dir/f16.gguf" "$dir/one.gguf" q5_k_s --threads 1 --quiet
"$PRONY" model quantize "$dir/f16.gguf" "$dir/two.gguf" q5_k_s --threads 2 --quiet
cmp "$dir/one.gguf" "$dir/two.gguf" || fail "the bytes depend on the number of threads"
refused 2 "did you mean 'q4_k_m'" "$PRONY" model quantize "$dir/f16.gguf" "$dir/x.gguf" q4_km
refused 2 "no file to write to" "$PRONY" model synth
refused 2 "gpt2" "$PRONY" model synth --shape gpt3 -o "$dir/x.gguf"
refused 1 "no such file" "$PRONY" model quantize "$dir/absent.gguf" "$dir/x.gguf" q8_0
[ ! -e "$dir/x.gguf" ] || fail "a file was written all the same"
echo "synth and quantize work"
