#!/bin/sh
# prony plot: what is drawn from which rows, where it goes, and what is said when it cannot be.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
made_up=$SOURCE/tests/report/fixtures/made_up

fail() { echo "$*" >&2; exit 1; }
says() { # says EXIT-STATUS WORDS COMMAND...
    wanted=$1 words=$2 status=0
    shift 2
    "$@" >"$dir/out" 2>"$dir/err" || status=$?
    [ "$status" = "$wanted" ] || fail "exit $status, not $wanted: $*: $(cat "$dir/err")"
    grep -qF -- "$words" "$dir/out" "$dir/err" || fail "'$words' is not in what '$*' says: $(cat "$dir/out" "$dir/err")"
}

# every plot that the requirement documents name is there, and is drawn when its rows are
"$PRONY" plot "$made_up" --out "$dir/all" --format svg -q
for name in results/plots/fig1_distribution_metrics results/plots/fig2_kl_heatmap results/plots/fig3_greedy_heatmap \
    results/plots/fig4_lcp_heatmap plots/backend_comparison plots/speedup_comparison plots/summary_stats plots/quantization_impact \
    plots/latency_distribution plots/memory_throughput plots/param_throughput plots/device_comparison plots/k_sweep \
    plots/roofline plots/quantization_pareto plots/divergence_survival plots/token_timeline plots/cold_vs_steady \
    plots/layer_agreement summary latency_vs_context memory_scaling; do
    [ -s "$dir/all/$name.svg" ] || fail "$name.svg was not written"
done

# from the database the same bytes as from the logs
cp -r "$made_up" "$dir/run"
"$PRONY" collate "$dir/run" >"$dir/out" 2>&1 || fail "$(cat "$dir/out")"
"$PRONY" plot "$dir/run/results/prony.db" --out "$dir/db" --format svg -q
diff -r "$dir/all" "$dir/db" || fail "the database gives other pictures than the logs"

# forms by their first bytes
"$PRONY" plot "$made_up" --kind summary --format png,pdf,svg --dark --out "$dir/one" -q
[ "$(head -c 4 "$dir/one/summary.pdf")" = %PDF ] || fail "summary.pdf is no PDF"
[ "$(dd if="$dir/one/summary.png" bs=1 skip=1 count=3 2>/dev/null)" = PNG ] || fail "summary.png is no PNG"
[ "$(find "$dir/one" -type f | wc -l)" = 3 ] || fail "more than what was asked for: $(ls "$dir/one")"

# what its rows do not hold is absent, and asked for by name an error
mkdir -p "$dir/latency/raw/vllm"
cp "$made_up"/raw/vllm_*/* "$dir/latency/raw/vllm/"
"$PRONY" plot "$dir/latency" --out "$dir/few" -q
[ ! -e "$dir/few/plots/roofline.png" ] || fail "a roofline without limits"
says 1 "do not hold what the plot 'roofline' needs" "$PRONY" plot "$dir/latency" --kind roofline --out "$dir/none"
says 2 "did you mean 'roofline'" "$PRONY" plot "$made_up" --kind roofl
says 2 "png, pdf, svg" "$PRONY" plot "$made_up" --format gif
says 2 "which run" "$PRONY" plot
says 1 "no such file" "$PRONY" plot "$dir/nothing"
says 0 "needs: against kl" "$PRONY" plot --list

# the deck: its text is never markup, its pictures lie below it; without typst it is written all the same
mkdir "$dir/bin"
says 0 "pip install typst==" env XDG_CACHE_HOME="$dir" PATH="$dir/bin" "$PRONY" plot "$made_up" --presentation --images docs/images --out "$dir/deck"
grep -qF 'picture("docs/images/summary.png")' "$dir/deck/presentation.typ" || fail "the deck does not show the summary"
[ -s "$dir/deck/docs/images/fig2_kl_heatmap.png" ] || fail "the deck's pictures are missing"
says 2 "must lie below" "$PRONY" plot "$made_up" --presentation --images ../elsewhere --out "$dir/deck"
says 2 "must lie below" "$PRONY" plot "$made_up" --presentation --images /tmp --out "$dir/deck"
