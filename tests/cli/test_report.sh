# prony report: a run's folder becomes each form; what cannot be had is an error that helps.
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
fail() { echo "$*"; exit 1; }
refused() { # refused STATUS TEXT ARGUMENTS...
    want=$1 text=$2
    shift 2
    "$PRONY" report "$@" >"$dir/OUT" 2>"$dir/ERR"
    got=$?
    [ $got = "$want" ] && grep -qF -e "$text" "$dir/ERR" && [ ! -s "$dir/OUT" ] ||
        fail "prony report $*: status $got, expected $want with '$text': $(cat "$dir/OUT" "$dir/ERR")"
}

# A log written by hand from the description in store/record.h: one cell, one request of three tokens.
mkdir -p "$dir/run/raw/fake_m"
cat >"$dir/run/raw/fake_m/h_1B_f32_seed42_uuid0.txt" <<'LOG'
{"t":"open","format":1,"run":"r1","engine":"fake","variant":null,"model":"m","seed":42,"fingerprint":null}
{"t":"request","cell":"k","launch":0,"index":0,"phase":"timed","clock":"virtual","submitted_ns":0,"prefill_ns":8000000,"decode_ns":4000000,"total_ns":12000000,"server_prefill_ms":null,"server_decode_ms":null,"cached_tokens":null,"step_bytes":null,"position_bytes":null,"step_parameters":null,"replies":[{"prompt_len":7,"finish":"length","id":[1,2,3],"enqueue_ns":[null,null,null],"total_ns":[8000000,2000000,2000000],"logprob":[null,null,null],"text":["a","b","c"]}]}
{"t":"cell","cell":"k","experiment":"latency","engine":"fake","variant":null,"model":"m","params":{"prompt_len":7,"gen_len":2,"batch_size":1},"launch":0,"status":"ok","reason":null,"hint":null,"samples":1,"peak_bytes":null,"checked_against":"real 1","benchmark":null,"target":null}
{"t":"close","ended":"2026-01-02T03:04:05Z","status":"done","reason":null,"after":null}
LOG
"$PRONY" report "$dir/run" >"$dir/OUT" || fail "prony report"
grep -q 'fake .* 7 .* 8.000 .* 4.000 .* 500' "$dir/OUT" || fail "the figures are not in the table: $(cat "$dir/OUT")"
"$PRONY" report "$dir/run" --json >"$dir/json" && grep -q '"samples": \[' "$dir/json" || fail "--json: $(cat "$dir/json")"
"$PRONY" report "$dir/run" --format md | grep -q '^| fake ' || fail "--format md"
"$PRONY" report "$dir/run" --out "$dir/out" 2>/dev/null || fail "--out"
printf 'model,prompt_len,gen_len,batch_size,tokens_per_sec,prefill_ms,decode_ms\nm,7,2,1,500,8,4\n' |
    cmp - "$dir/out/latency.csv" || fail "latency.csv: $(cat "$dir/out/latency.csv")"
cmp "$dir/json" "$dir/out/report.json" || fail "the JSON differs between --json and --out"

for file in report.html report.md report.txt report.sql tables.tex latency_samples.csv; do
    [ -s "$dir/out/$file" ] || fail "--out wrote no $file"
done
"$PRONY" report "$dir/run" --out "$dir/again" 2>/dev/null && diff -r "$dir/out" "$dir/again" >"$dir/DIFF" ||
    fail "twice is not the same: $(cat "$dir/DIFF")"
# Several places in one report: what llama-bench wrote beside a run.
"$PRONY" report "$dir/run" "$SOURCE/tests/report/data/llama_bench.json" >"$dir/OUT" || fail "a run and a file of llama-bench"
grep -q '^llamacpp .* tiny.gguf' "$dir/OUT" && grep -q '^fake ' "$dir/OUT" || fail "not both are in it: $(cat "$dir/OUT")"

refused 2 "a report has several pictures" "$dir/run" --format png
refused 1 "no such file" "$dir/run" "$dir/none"
refused 2 "'htlm' is not a form of report" "$dir/run" --format htlm
refused 2 "takes one form" "$dir/run" --format md,csv
refused 1 "no such file" "$dir/none"
refused 1 "not the folder of a run" "$dir"
refused 1 "$dir/json" "$dir/json"
refused 2 "an argument is missing"
if [ "$(id -u)" != 0 ]; then
    mkdir "$dir/closed" && chmod 500 "$dir/closed"
    "$PRONY" report "$dir/run" --out "$dir/closed/x" 2>"$dir/ERR" && fail "a folder that cannot be written was written"
fi
: >"$dir/plain"
"$PRONY" report "$dir/run" --out "$dir/plain/x" 2>"$dir/ERR"
[ $? = 1 ] && grep -q "plain" "$dir/ERR" || fail "--out below a file: $(cat "$dir/ERR")"
exit 0
