# prony model tokenize and detokenize: each way in and out, special tokens, bytes that are no text, and wrong inputs.
set -u
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
model=$SOURCE/models/draft
fail() { echo "FAILED: $1"; cat "$scratch/out" "$scratch/err"; exit 1; }
# try STATUS ACTION ARGUMENTS...: standard input is $scratch/in
try() {
    wanted=$1; shift
    "$PRONY" model "$@" <"$scratch/in" >"$scratch/out" 2>"$scratch/err"
    [ $? -eq "$wanted" ] || fail "prony model $* should exit with $wanted"
}
# gives TEXT: standard output is exactly that
gives() { printf "$1" | cmp -s - "$scratch/out" || fail "standard output is not '$1'"; }
says() { grep -qF -- "$1" "$scratch/err" || fail "standard error has no '$1'"; }
: >"$scratch/in"

# a text as argument, from standard input, as a line of JSON: the same ids
try 0 tokenize "$model" 'Hello <|bos|> world' --json
gives '[46, 566, 85, 284, 98, 72, 563, 98, 36, 571, 456]\n'
printf 'Hello <|bos|> world' >"$scratch/in"
try 0 tokenize "$model" --json
gives '[46, 566, 85, 284, 98, 72, 563, 98, 36, 571, 456]\n'
printf '"Hello <|bos|> world"\n\n "a\\u0000b" \n""\n"\\u00e9"' >"$scratch/in"
try 0 tokenize "$model" --jsonl
gives '[46, 566, 85, 284, 98, 72, 563, 98, 36, 571, 456]\n[71, 195, 72]\n[]\n[134, 109]\n'
: >"$scratch/in"
try 0 tokenize "$model" 'Hello <|bos|> world' --json --special
gives '[46, 566, 85, 227, 0, 571, 456]\n'
try 0 tokenize "$model" 'Hello' --json --special --bos
gives '[0, 46, 566, 85]\n'
try 0 tokenize "$model" --json
gives '[]\n'
says '0 tokens, 0 bytes'

# for people: an id and its piece a line; half a character by its bytes; --quiet leaves the count out
try 0 tokenize "$model" 'a "\é' --quiet
gives '      71  "a"\n     487  " \\""\n      66  "\\\\"\n     134  "\\xC3"\n     109  "\\xA9"\n'
[ ! -s "$scratch/err" ] || fail "--quiet is not quiet"

# what is not UTF-8 becomes U+FFFD, one for each broken part, and comes back as that
printf 'a\377\376b\342\202' >"$scratch/in"
try 0 tokenize "$model" --json
gives '[71, 178, 130, 128, 178, 130, 128, 72, 178, 130, 128]\n'
cp "$scratch/out" "$scratch/in"
try 0 detokenize "$model"
gives 'a\357\277\275\357\277\275b\357\277\275\n'

# there and back, through pipes, with special tokens shown or left out
: >"$scratch/in"
try 0 detokenize "$model" '[46, 566, 85, 227, 0, 571, 456]'
gives 'Hello  world\n'
try 0 detokenize "$model" 46,566,85,227,0,571,456 --special
gives 'Hello <|bos|> world\n'
try 0 detokenize "$model" ''
gives ''
printf '46 566\n85,' >"$scratch/in"
try 0 detokenize "$model"
gives 'Hello\n'
printf '[134]\n[134, 109]\n\n[]\n[71, 195]\n' >"$scratch/in" # half a character stands for itself in no text
try 0 detokenize "$model" --jsonl
gives '"\\uFFFD"\n"\\u00E9"\n""\n"a\\u0000"\n'
printf '"x <|eos|> \\ud83d\\ude42"\n' | "$PRONY" model tokenize "$model" --jsonl --special >"$scratch/in"
try 0 detokenize "$model" --jsonl --special
gives '"x <|eos|> \\uD83D\\uDE42"\n'

# a tokenizer alone: a file, a folder with nothing else, a GGUF without tensors, llama2.c's
cp "$model/tokenizer.json" "$scratch"
for alone in "$scratch" "$scratch/tokenizer.json"; do
    try 0 tokenize "$alone" Hello --json
    gives '[46, 566, 85]\n'
done
data=$SOURCE/tests/tokenizers/data
try 0 tokenize "$data/ggml-vocab-gpt-2.gguf" 'Hello world' --json
gives '[15496, 995]\n'
try 0 tokenize "$SOURCE/data/stories260k/tok512.bin" 'Once' --json --bos
gives '[1, 403]\n'
try 0 tokenize "$data/spm_bpe.model" '' --json --bos
gives '[1]\n'

# wrong inputs: one message each, with the place
: >"$scratch/in"
try 1 detokenize "$model" 1,2048
says 'token 2048 is outside the vocabulary of 2048'
try 2 detokenize "$model" 1,-5
says "expected token ids, found '-5'"
try 2 detokenize "$model" 1,99999999999
says "expected token ids, found '99999999999'"
try 2 detokenize "$model" 1,x
says "found 'x'"
try 2 detokenize "$model" --jsonl 1
says "'1' was given too"
try 2 tokenize "$model" --jsonl Hello
says "'Hello' was given too"
try 1 tokenize "$scratch/none" x
says 'no such file'
try 2 tokenize
printf '"fine"\n"cut' >"$scratch/in"
try 1 tokenize "$model" --jsonl
says "'standard input':2:"
says 'a string without an end'
printf '"a" "b"\n' >"$scratch/in"
try 1 tokenize "$model" --jsonl
says "'standard input':1:5: something follows the string"
printf '[1]\n[1, 2.5]\n' >"$scratch/in"
try 1 detokenize "$model" --jsonl
says 'standard input:2: expected a JSON array of ids, found something else in it'
printf '{"ids": [1]}\n' >"$scratch/in"
try 1 detokenize "$model" --jsonl
says 'standard input:1: expected a JSON array of ids'
printf '{"model": {"type": "BPE"}}' >"$scratch/tokenizer.json"
try 1 tokenize "$scratch/tokenizer.json" x
says "1:26: the model has no vocabulary"
printf 'IQ== 0\nIg== 1\n' >"$scratch/tokenizer.model"
try 1 tokenize "$scratch/tokenizer.model" x
says 'is a vocabulary of tiktoken'
echo "tokenize and detokenize hold"
