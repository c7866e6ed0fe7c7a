# prony view: each kind is drawn from a run's log, no line is wider than asked, and --ascii and NO_COLOR hold.
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
fail() { echo "$*"; exit 1; }
mkdir -p "$dir/run/raw"
for engine in native vllm; do
    mkdir "$dir/run/raw/${engine}_m"
    {
        echo '{"t":"open","format":1,"run":"r1","engine":"'$engine'","variant":null,"model":"m","seed":42,"fingerprint":null}'
        for prompt in 64 512; do
            for i in 0 1 2 3 4 5 6; do
                ms=$((prompt / 8 + i + ${#engine}))000000
                echo '{"t":"request","cell":"'$engine$prompt'","launch":'$i',"index":0,"phase":"timed","clock":"monotonic","submitted_ns":0,"prefill_ns":'$ms',"decode_ns":4000000,"total_ns":12000000,"server_prefill_ms":null,"server_decode_ms":null,"cached_tokens":null,"step_bytes":null,"position_bytes":null,"step_parameters":null,"replies":[{"prompt_len":7,"finish":"length","id":[1,2,3],"enqueue_ns":[null,null,null],"total_ns":[8000000,2000000,2000000],"logprob":[null,null,null],"text":["a","b","c"]}]}'
                echo '{"t":"cell","cell":"'$engine$prompt'","experiment":"latency","engine":"'$engine'","variant":null,"model":"m","params":{"prompt_len":'$prompt',"gen_len":3,"batch_size":1},"launch":'$i',"status":"ok","reason":null,"hint":null,"samples":1,"peak_bytes":null,"checked_against":"real 1","benchmark":null,"target":null}'
            done
        done
        echo '{"t":"close","ended":"2026-01-02T03:04:05Z","status":"done","reason":null,"after":null}'
    } >"$dir/run/raw/${engine}_m/h_1B_f32_seed42_uuid0.txt"
done
for columns in 40 60 80 200; do
    COLUMNS=$columns "$PRONY" view "$dir/run" --ascii >"$dir/OUT" 2>"$dir/ERR" || fail "prony view: $(cat "$dir/ERR")"
    LC_ALL=C grep -q '[^ -~]' "$dir/OUT" && fail "--ascii at $columns: $(LC_ALL=C grep '[^ -~]' "$dir/OUT")"
    wide=$(awk -v most=$((columns < 60 ? 60 : columns)) 'length > most' "$dir/OUT")
    [ -z "$wide" ] || fail "wider than $columns: $wide"
done
COLUMNS=80 "$PRONY" view "$dir/run" --ascii --metric prefill_ms --kind bars >"$dir/OUT"
grep -q '^  vllm .*#.*  71.* \[.*\]$' "$dir/OUT" && grep -q '^prompt_len 512' "$dir/OUT" || fail "bars: $(cat "$dir/OUT")"
grep -q 'in the order taken' "$dir/OUT" && fail "another kind than --kind was drawn"
"$PRONY" view "$dir/run" --kind heatmap --metric prefill_ms >"$dir/OUT"
grep -q 'vllm.* 1\.00' "$dir/OUT" && grep -q 'native.* 1\.[0-9]' "$dir/OUT" || fail "heatmap: $(cat "$dir/OUT")"
"$PRONY" view "$dir/run" --kind histogram,spark | grep -q 'n=7$' || fail "histogram and spark"
"$PRONY" view "$dir/run" --metric prefil_ms 2>"$dir/ERR" && fail "a metric that is not there"
grep -q "did you mean 'prefill_ms'" "$dir/ERR" || fail "no hint: $(cat "$dir/ERR")"
exit 0
