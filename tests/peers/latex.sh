# tables.tex goes through pdflatex: a run with names of every kind, two files of llama-bench (two contenders), and all that
# a name may hold. Debian's texlive-latex-base and texlive-latex-recommended.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
n=0
for name in 'a_b%c&d#e$f{g}h~i^j\k' 'two\nlines <b>"q"</b> é µ ≤ 日本 שלום 😀' plain; do
    n=$((n + 1))
    mkdir -p "$work/run/raw/fake_$n"
    model=$(printf '%s' "$name" | sed 's/\\k/\\\\k/; s/"/\\"/g')
    cat >"$work/run/raw/fake_$n/h_1B_f32_seed42_uuid0.txt" <<LOG
{"t":"open","format":1,"run":"r1","engine":"fake","variant":null,"model":"$model","seed":42,"fingerprint":null}
{"t":"request","cell":"$model","launch":0,"index":0,"phase":"timed","clock":"monotonic","submitted_ns":0,"prefill_ns":8000000,"decode_ns":4000000,"total_ns":12000000,"server_prefill_ms":null,"server_decode_ms":null,"cached_tokens":null,"step_bytes":null,"position_bytes":null,"step_parameters":null,"replies":[]}
{"t":"cell","cell":"$model","experiment":"latency","engine":"fake","variant":null,"model":"$model","params":{"prompt_len":7,"gen_len":2,"batch_size":1},"launch":0,"status":"ok","reason":null,"hint":null,"samples":1,"peak_bytes":null,"checked_against":"real 1","benchmark":null,"target":null}
{"t":"close","ended":"2026-01-02T03:04:05Z","status":"done","reason":null,"after":null}
LOG
done
cd "$work"
"$PRONY" report run --format tex >names.tex
for part in 'textbackslash{}n' 'pronychar{1F600}' 'pronychar{65E5}'; do
    grep -qF "$part" names.tex || { echo "no '$part' in names.tex"; exit 1; }
done
"$PRONY" report "$SOURCE/tests/report/data/llama_bench.json" "$SOURCE/tests/report/data/llama_bench.jsonl" --format tex >pair.tex
cat >all.tex <<'TEX'
\documentclass{article}
\usepackage{booktabs,longtable}
\begin{document}
\input{names.tex}
\input{pair.tex}
\end{document}
TEX
for pass in 1 2; do
    pdflatex -interaction=nonstopmode -halt-on-error all.tex >log 2>&1 || { grep -A5 '^!' log; exit 1; }
done
grep -c '^Overfull' log >overfull || true
echo "all.pdf: $(sed -n 's/^Output written on all.pdf (\([0-9]* pages*\).*/\1/p' log), $(cat overfull) lines too wide"
[ "$(cat overfull)" = 0 ]
