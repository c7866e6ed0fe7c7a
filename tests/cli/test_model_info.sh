# prony model info and verify: the JSON that scripts rely on, the table, and the exit status of each wrong thing.
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
fail() {
    echo "FAILED: $1"
    cat "$scratch/out" "$scratch/err"
    exit 1
}
# try STATUS ARGUMENTS...: runs prony, expects that exit status
try() {
    wanted=$1
    shift
    "$PRONY" "$@" >"$scratch/out" 2>"$scratch/err"
    [ $? -eq "$wanted" ] || fail "prony $* should exit with $wanted"
}
has() {
    grep -qF -- "$1" "$scratch/out" || fail "standard output has no '$1'"
}
says() {
    grep -qF -- "$1" "$scratch/err" || fail "standard error has no '$1'"
}

story="$SOURCE/data/stories260k/stories260K.bin"
digest=b0a507e7ad0f626624f17112325e66691f9076d622e1d3274d103d00299f2696

try 0 model info "$story" --json
tr -d ' \n' <"$scratch/out" >"$scratch/line"
cat >"$scratch/want" <<END
{"format":"llama2c","architecture":"llama","parameters":260032,"bytes":1056540,"quantization":"f32","context":512,"vocabulary":512,"layers":5,"hidden":64,"heads":8,"kv_heads":4,"tied":true,"chat_template":null,"sha256":"$digest"}
END
[ "$(cat "$scratch/line")" = "$(cat "$scratch/want")" ] || fail "the JSON of stories260K differs"

try 0 model info "$story"
has "parameters     260032"
has "kv heads       4"
grep -q sha256 "$scratch/out" && fail "the table hashes without being asked"
try 0 model info "$story" --sha256
has "$digest"

# an architecture that prony does not know is described all the same
try 0 model info "$SOURCE/tests/fuzz/corpus/gguf/all.gguf" --json
has '"architecture": "test"'
has '"layers": null'
has '"chat_template": null'

try 0 model verify "$story" --sha256 "$digest"
has "structure and values are sound, the checksum is the one given"
try 0 model verify "$story" --json
has '"verified": true'
try 1 model verify "$story" --sha256 "$(echo "$digest" | tr 0 1)"
says "its SHA-256 is $digest, expected"
try 2 model verify "$story" --sha256 abc
says "expected 64 hexadecimal digits, found 'abc'"

# one weight made infinite: its tensor and place are named
cp "$story" "$scratch/bent.bin"
printf '\000\000\200\177' | dd of="$scratch/bent.bin" bs=1 seek=$((28 + 4 * (64 * 7 + 5))) conv=notrunc 2>/dev/null
try 1 model verify "$scratch/bent.bin"
says "tensor 'model.embed_tokens.weight' (f32), row 7, column 5: NaN or infinite"

head -c 1000000 "$story" >"$scratch/cut.bin"
try 1 model verify "$scratch/cut.bin"
says "exceeds the file's 1000000"
try 1 model info "$scratch/absent.gguf"
says "no such file or folder"
try 2 model info
echo "info and verify hold"
