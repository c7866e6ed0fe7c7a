#!/bin/sh
# What quantizing costs, prony's quantizer beside llama.cpp's: KL of each type's file to the F16 original, by
# llama-perplexity, on a text that the importance matrix has not seen.
#
#   sh bench/quant_quality.sh [--model models/teacher] [--text FILE] [--matrix-text FILE] [--types q8_0,...]
#                             [--chunks 40] [--check RATIO]
#
# The model (a Hugging Face folder) is written as an F16 GGUF, then quantized by both, without and with the same importance
# matrix (prony's, of --matrix-text; llama-quantize reads it too). Every file is one that llama.cpp loads: it computes the KL.
# The table has mean KL in nats with its standard error, prony's, llama.cpp's, and their ratio. Without texts, prony's
# documentation: half of its pages for the matrix, the others for the KL. With --check the status is 1 when prony's KL
# is more than RATIO times llama.cpp's, two standard errors granted.
#
# LLAMACPP_BIN names a folder of llama.cpp's programs; without it the pinned ones are built (tools/llamacpp.sh).
set -eu
cd "$(dirname "$0")/.."
model=models/teacher text= matrix_text= chunks=40 check= build=${BUILD:-build}
types=q8_0,q6_k,q5_k_m,q5_k_s,q5_1,q5_0,q4_k_m,q4_k_s,q4_1,q4_0,q3_k_l,q3_k_m,q3_k_s,q2_k
while [ $# -gt 0 ]; do
    [ $# -gt 1 ] || { sed -n '2,17s/^# \{0,1\}//p' "$0" >&2; exit 2; }
    case $1 in
    --model) model=$2 ;;
    --text) text=$2 ;;
    --matrix-text) matrix_text=$2 ;;
    --types) types=$2 ;;
    --chunks) chunks=$2 ;;
    --check) check=$2 ;;
    *) sed -n '2,17s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
    esac
    shift 2
done
prony=${PRONY:-$build/prony}
bin=$(sh tools/llamacpp.sh bin)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
[ -n "$matrix_text" ] || { matrix_text=$work/matrix.txt; cat docs/[A-E]*.md README.md >"$matrix_text"; }
[ -n "$text" ] || { text=$work/text.txt; cat docs/[F-Z]*.md src/*/README.md >"$text"; }

perplexity() { # perplexity ARGUMENTS: llama-perplexity over the text, all that it says
    "$bin/llama-perplexity" -f "$text" -c 256 --chunks "$chunks" -t 2 "$@" >"$work/said" 2>&1 || {
        tail -5 "$work/said" >&2
        echo "quant_quality.sh: llama-perplexity $* failed" >&2
        exit 1
    }
}
# kl FILE: "MEAN ERROR". llama-perplexity may end, well by its status, before what it logged last is written: then again.
kl() {
    for try in 1 2 3 4 5 6 7 8 9 10; do
        perplexity -m "$1" --kl-divergence --kl-divergence-base "$work/base"
        found=$(sed -n 's/^.*Mean *KLD: *\([-0-9.e]*\) *± *\([-0-9.e]*\).*/\1 \2/p' "$work/said")
        [ -z "$found" ] || break
    done
    echo "$found"
}

"$prony" model convert "$model" "$work/f16.gguf" --type f16 --quiet
perplexity -m "$work/f16.gguf" --save-all-logits "$work/base"
"$prony" model quantize "$work/f16.gguf" "$work/x.gguf" q8_0 --imatrix "$matrix_text" --save-imatrix "$work/matrix.gguf" --quiet 2>/dev/null
echo "KL to F16, nats; model $model, $chunks chunks of 256 tokens"
echo
echo "| type | prony | llama.cpp | ratio | prony, matrix | llama.cpp, matrix | ratio |"
echo "|:--|--:|--:|--:|--:|--:|--:|"
worse=
for type in $(echo "$types" | tr ',' ' '); do
    line="| $type |"
    for matrix in "" "$work/matrix.gguf"; do
        "$prony" model quantize "$work/f16.gguf" "$work/ours.gguf" "$type" ${matrix:+--imatrix "$matrix"} --quiet 2>/dev/null
        "$bin/llama-quantize" ${matrix:+--imatrix "$matrix"} "$work/f16.gguf" "$work/theirs.gguf" "$type" 2 >"$work/said" 2>&1 ||
            { tail -5 "$work/said" >&2; exit 1; }
        ours=$(kl "$work/ours.gguf") theirs=$(kl "$work/theirs.gguf")
        [ "$(echo "$ours $theirs" | wc -w)" -eq 4 ] || { echo "quant_quality.sh: no KL of $type: '$ours' '$theirs'" >&2; exit 1; }
        line="$line $(echo "$ours $theirs" | awk '{ printf "%.5f ± %.5f | %.5f ± %.5f | %.3f |", $1, $2, $3, $4, $1 / $3 }')"
        if [ -n "$check" ] && echo "$ours $theirs $check" | awk '{ exit !($1 - 2 * $2 > $5 * ($3 + 2 * $4)) }'; then
            worse="$worse $type${matrix:+ with matrix},"
        fi
    done
    echo "$line"
done
[ -z "$worse" ] || { echo "quant_quality.sh: worse than $check times llama.cpp's:${worse%,}" >&2; exit 1; }
