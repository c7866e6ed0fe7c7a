#!/bin/sh
# prony beside llama.cpp: the same made-up weights of a Llama-3.2-1B shape, the same machine, the same minutes.
#
#   sh bench/vs_llamacpp.sh [--rounds 6] [--types F16,F16-bf16,BF16,Q8_0,Q4_0,Q4_K_M,Q6_K] [--threads 2] [--prompt 512]
#                           [--gen 64] [--models DIR] [--out FILE.tsv] [--show FILE.tsv]
#
# A round measures one type in the order prony, llama-bench, llama-bench, prony, each a fresh process that warms up and
# then takes one prompt and one generation: a drift of the machine falls on both alike. A round gives one ratio, the
# geometric mean of the two pairs; the table has their median with its 95 % interval and n. Memory bandwidth swings with
# what else the machine does, so only ratios within a round mean anything; the load average of each measurement is kept.
# Every measurement is a row of the TSV as soon as it is there; --show prints the table of such a file and measures nothing.
#
# LLAMACPP_BIN names a folder with llama-bench; without it the pinned one is built (tools/llamacpp.sh). BUILD is prony's
# build folder (build).
set -eu
cd "$(dirname "$0")/.."
rounds=6 types=F16,F16-bf16,BF16,Q8_0,Q4_0,Q4_K_M,Q6_K threads=2 prompt=512 gen=64 show=
models=${XDG_CACHE_HOME:-$HOME/.cache}/prony/synth out=vs_llamacpp.tsv build=${BUILD:-build}
while [ $# -gt 0 ]; do
    [ $# -gt 1 ] || { sed -n '2,16s/^# \{0,1\}//p' "$0" >&2; exit 2; }
    case $1 in
    --rounds) rounds=$2 ;;
    --types) types=$2 ;;
    --threads) threads=$2 ;;
    --prompt) prompt=$2 ;;
    --gen) gen=$2 ;;
    --models) models=$2 ;;
    --out) out=$2 ;;
    --show) show=$2 ;;
    *) sed -n '2,16s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
    esac
    shift 2
done

# type, least ratio aimed at: of the prompt, of generating
targets='F16 1.05 0.98
F16-bf16 1.8 0.98
BF16 1.1 0.98
Q8_0 2.5 1.0
Q4_0 2.1 0.98
Q4_K_M 1.9 0.98
Q6_K 1.45 0.98'

# One line a round and type: "TYPE:prompt RATIO" and the like, from whole rounds only.
ratios() {
    awk -F '\t' 'NR > 1 {
        key = $1 "\t" $3
        n[key "\t" $4]++; p[key "\t" $4] += log($5); d[key "\t" $4] += log($6)
        if (!(key in seen)) { seen[key] = 1; order[++keys] = key }
    }
    END {
        for (i = 1; i <= keys; i++) {
            a = order[i] "\tprony"; b = order[i] "\tllama.cpp"; split(order[i], part, "\t")
            if (n[a] != 2 || n[b] != 2) continue
            printf "%s:prompt:ratio %.6f\n%s:gen:ratio %.6f\n", part[2], exp((p[a] - p[b]) / 2), part[2], exp((d[a] - d[b]) / 2)
            printf "%s:prompt:prony %.6f\n%s:gen:prony %.6f\n", part[2], exp(p[a] / 2), part[2], exp(d[a] / 2)
            printf "%s:prompt:peer %.6f\n%s:gen:peer %.6f\n", part[2], exp(p[b] / 2), part[2], exp(d[b] / 2)
        }
    }' "$1"
}

table() {
    echo
    sed -n 's/^# //p' "$1"
    echo "prony / llama.cpp, median [95 % interval]; tokens/s are medians of the rounds"
    echo
    echo "| type | what | prony | llama.cpp | ratio | aim | n |"
    echo "|:--|:--|--:|--:|--:|--:|--:|"
    grep -v '^#' "$1" >"$1.rows"
    ratios "$1.rows" | "$build/bench_figure" | awk -F '\t' -v targets="$targets" '
    BEGIN {
        lines = split(targets, line, "\n")
        for (i = 1; i <= lines; i++) { split(line[i], w, " "); aim[w[1] ":prompt"] = w[2]; aim[w[1] ":gen"] = w[3] }
    }
    {
        split($1, k, ":"); key = k[1] ":" k[2]
        if (k[3] == "prony") prony[key] = $2
        else if (k[3] == "peer") peer[key] = $2
        else { ratio[key] = $2; lo[key] = $3; hi[key] = $4; n[key] = $5; order[++keys] = key }
    }
    END {
        for (i = 1; i <= keys; i++) {
            key = order[i]; split(key, k, ":")
            range = lo[key] == "-" ? "" : sprintf(" [%.3f, %.3f]", lo[key], hi[key])
            what = k[2] == "gen" ? "decode" : "prompt"
            met = ratio[key] >= aim[key] + 0 ? "met" : "short"
            printf("| %s | %s | %.1f | %.1f | %.3f%s | %s %s | %d |\n", k[1], what, prony[key], peer[key], ratio[key], range,
                aim[key], met, n[key])
        }
    }'
    rm -f "$1.rows"
}

cmake -S . -B "$build" -G Ninja >/dev/null
ninja -C "$build" prony bench_native bench_figure >/dev/null
if [ -n "$show" ]; then
    table "$show"
    exit 0
fi
peer=$(sh tools/llamacpp.sh bin)/llama-bench
mkdir -p "$models"

file_of() { # file_of TYPE: the model, made if it is not there
    quantize=$(echo "${1%-bf16}" | tr '[:upper:]' '[:lower:]')
    file=$models/llama-3.2-1b-$quantize.gguf
    [ -f "$file" ] || "$build/prony" model synth --shape llama-3.2-1b --quantize "$quantize" --quiet -o "$file"
}

row() { # row PROGRAM: appends what it gives to the table
    load=$(cut -d ' ' -f 1 /proc/loadavg)
    case $1 in
    prony)
        math=
        [ "$type" = "${type%-bf16}" ] || math=--bf16
        # shellcheck disable=SC2086  # no switch at all where there is none
        said=$("$build/bench_native" "$file" --prompt "$prompt" --generate "$gen" --threads "$threads" --repeats 1 $math)
        said=$(echo "$said" | sed -n 's/.*: prompt [0-9]* \([0-9.]*\) tokens.*at depth 0 \([0-9.]*\) tokens.*/\1	\2/p')
        ;;
    *)
        said=$("$peer" -m "$file" -p "$prompt" -n "$gen" -t "$threads" -r 1 -o json 2>/dev/null |
            sed -n 's/.*"avg_ts": \([0-9.]*\).*/\1/p' | paste -s -)
        ;;
    esac
    [ "$(echo "$said" | wc -w)" -eq 2 ] || { echo "vs_llamacpp.sh: $1 gave no figures for $file" >&2; exit 1; }
    at=$((at + 1))
    printf "%s\t%s\t%s\t%s\t%s\t%s\n" "$round" "$at" "$type" "$1" "$said" "$load" >>"$out"
    [ ! -t 2 ] || printf '\r\033[K%s, round %s of %s: %s %s' "$type" "$round" "$rounds" "$1" "$(echo "$said" | tr '\t' '/')" >&2
}

{
    echo "# $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -1), $(nproc) processors, $threads threads, prompt $prompt, generate $gen"
    echo "# $("$build/prony" --version | head -1); llama.cpp of llama-cpp-python $(sed -n 's/^version=//p' tools/llamacpp.sh)"
    printf 'round\tat\ttype\tprogram\tprompt_tps\tgen_tps\tload\n'
} >"$out"
at=0 round=1
while [ "$round" -le "$rounds" ]; do
    for type in $(echo "$types" | tr ',' ' '); do
        file_of "$type"
        for program in prony llama.cpp llama.cpp prony; do
            row "$program"
        done
    done
    round=$((round + 1))
done
[ ! -t 2 ] || printf '\r\033[K' >&2
table "$out"
