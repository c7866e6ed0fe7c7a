# prony bench: its fields, its order, its forms, and what it says of what cannot be measured.
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
fail() { echo "FAILED: $*"; exit 1; }
teacher=$SOURCE/models/teacher student=$SOURCE/models/student

# Every promised field, in order, for each cell in the order asked for; samples are as many as iterations.
"$PRONY" bench "$teacher" "$student" --engines fake native -p 8,4 -n 3 -r 2 -t 1 --json >rows.json 2>said ||
    fail "a plain bench: $(cat said)"
[ ! -s said ] || fail "it spoke without a terminal: $(cat said)"
python3 - "$teacher" "$student" <<'END' || fail "the rows are not as promised"
import json, sys
teacher, student = sys.argv[1:]
rows = json.load(open("rows.json"))
texts = "engine variant model quantize precision device threads batch depth kv prompt_len gen_len".split()
figures = """load_s cold_start_ms ttft_ms prefill_ms prefill_tps decode_ms decode_tps avg_tps peak_tps total_s steady_ms_per_token
    min_ms_per_token max_ms_per_token model_mb kv_mb peak_mb overhead_mb share_of_bandwidth share_of_arithmetic""".split()
want = [(m, e, p) for m in (teacher, student) for e in ("fake", "native") for p in (8, 4)]
assert [(r["model"], r["engine"], r["prompt_len"]) for r in rows] == want, want
for r in rows:
    assert list(r)[:len(texts + figures)] == texts + figures, list(r)
    assert r["batch"] == 1 and r["depth"] == 0 and r["gen_len"] == 3 and r["device"] == "cpu"
    if r["engine"] == "fake":
        assert r["why"]["decode_tps"] == "this engine does not tell" and r["decode_tps"] is None
        continue
    assert r["variant"] == "fast" and r["quantize"] == "bf16" and r["kv"] == "f16" and r["threads"] == 1, r
    assert r["precision"] in ("f32", "bf16")
    for name in figures:
        f = r[name]
        assert list(f) == ["median", "mean", "sd", "lo", "hi", "n", "interval", "samples"], (name, f)
        assert len(f["samples"]) == f["n"] and (f["n"] > 1 or f["lo"] is None), (name, f)
    assert r["prefill_ms"]["n"] == r["decode_tps"]["n"] == 2 and r["peak_tps"]["n"] == r["load_s"]["n"] == 1
    for i in range(2):
        at = lambda name: r[name]["samples"][i]
        same = lambda a, b: abs(a - b) <= 1e-9 * abs(b)
        assert at("ttft_ms") == at("prefill_ms")
        assert same(at("prefill_tps"), r["prompt_len"] * 1e3 / at("prefill_ms"))
        assert same(at("decode_tps"), 3e3 / at("decode_ms")) and same(at("steady_ms_per_token"), at("decode_ms") / 3)
        assert same(at("total_s") * 1e3, at("prefill_ms") + at("decode_ms")) and same(at("avg_tps"), 4 / at("total_s"))
        assert at("min_ms_per_token") <= at("steady_ms_per_token") <= at("max_ms_per_token")
    assert r["peak_tps"]["median"] == max(r["avg_tps"]["samples"])
    assert r["cold_start_ms"]["median"] > r["load_s"]["median"] * 1e3
    assert abs(r["overhead_mb"]["median"] - (r["peak_mb"]["median"] - r["model_mb"]["median"] - r["kv_mb"]["median"])) < 1e-9
END

# The other forms hold the same rows; nothing is left behind; switches of the engine reach it, and the rows say so.
mkdir tmp
TMPDIR=$work/tmp "$PRONY" bench "$student" -t 1 -p 4 -n 2 -b 1,2 -d 0,5 -r 2 --format sql >rows.sql || fail "sql"
[ -z "$(ls tmp)" ] || fail "left behind: $(ls tmp)"
python3 - <<'END' || fail "the SQL does not make the table"
import sqlite3
db = sqlite3.connect(":memory:")
db.executescript(open("rows.sql").read())
rows = db.execute("SELECT depth, batch, prompt_len, decode_tps, decode_tps_n, share_of_bandwidth FROM bench").fetchall()
assert [r[:3] for r in rows] == [(0, 1, 4), (0, 2, 4), (5, 1, 4), (5, 2, 4)] or [r[:3] for r in rows] == [
    (0, 1, 4), (5, 1, 4), (0, 2, 4), (5, 2, 4)], rows
assert all(r[3] > 0 and r[4] == 2 and r[5] > 0 for r in rows), rows
END
"$PRONY" bench "$student" -t 1 -p 4 -n 1 -r 2 --kv q8,f32 --quantize nf4 --format csv >rows.csv || fail "csv"
head -1 rows.csv | grep -q '^engine,variant,model,quantize,precision,device,threads,batch,depth,kv,prompt_len,gen_len,load_s,load_s_mean,' ||
    fail "the head of the CSV: $(head -1 rows.csv)"
[ "$(wc -l <rows.csv)" = 3 ] && grep -q '^native,fast,[^,]*,nf4 at load,f32,cpu,1,1,0,q8_0,4,1,' rows.csv &&
    grep -q ',nf4 at load,f32,cpu,1,1,0,f32,4,1,' rows.csv || fail "the rows of the CSV: $(cut -d, -f1-12 rows.csv)"
"$PRONY" bench "$student" --variant ref -t 1 -p 4 -n 1 -r 1 --format md >rows.md || fail "md"
grep -q '^| native | ref | .* | bf16 | f32 ' rows.md || fail "a row of Markdown: $(cat rows.md)"
grep -q 'of bandwidth' rows.md || fail "no share of the bandwidth"

# Kept where it was asked for, as a run is.
"$PRONY" bench "$student" -t 1 --pg 4+1,8+0 -r 3 --out kept >table.txt || fail "pairs, --out"
[ "$(grep -c '^native ' table.txt)" = 2 ] || fail "pairs are not a product: $(cat table.txt)"
grep -q 'no token was to be decoded' table.txt || fail "why there is no decode rate of 0 tokens"
grep -h '"t":"request"' kept/raw/*/*.txt | grep -c '"phase":"timed"' | grep -qx 6 || fail "six timed requests are logged"
grep -h '"t":"request"' kept/raw/*/*.txt | grep -c '"phase":"cold"' | grep -qx 2 || fail "two cold requests are logged"
"$PRONY" collate kept >/dev/null && [ "$(wc -l <kept/results/native.csv)" = 10 ] || fail "3 of 2 tokens, 3 of 1, and a head"
"$PRONY" report kept >report.txt && grep -q 'of arithmetic' report.txt || fail "the report of a kept bench"
"$PRONY" report kept/results/prony.db >report.db && sed 1,3d report.txt >a && sed 1,3d report.db | cmp -s a - ||
    fail "the logs and the database give different reports: $(diff report.txt report.db)"

# What cannot be measured is a row with its reason, and status 1; what makes no sense is refused before anything runs.
"$PRONY" bench nowhere.gguf "$student" -t 1 -p 4 -n 1 -r 1 --format jsonl >rows.jsonl 2>said
[ $? = 1 ] && [ "$(wc -l <rows.jsonl)" = 2 ] && head -1 rows.jsonl | grep -q "'nowhere.gguf'" || fail "a model that is not there: $(cat rows.jsonl said)"
refused() { # refused TEXT ARGUMENTS...
    text=$1
    shift
    "$PRONY" bench "$@" >out 2>said
    got=$?
    [ $got = 2 ] && [ ! -s out ] && grep -qF -e "$text" said || fail "prony bench $*: status $got, $(cat out said)"
}
refused "named twice" "$student" "$student"
refused "--pg: found '4', expected PROMPT+GENERATION" "$student" --pg 4
refused "--prompt" "$student" -p 0
refused "--kv" "$student" --kv q9
refused "--math" "$student" --math f64
refused "is not a quantization" "$student" --quantize q9
refused "--format" "$student" --format xml
refused "--resume needs the folder" "$student" --resume
refused "'nativ' is not an engine" "$student" --engines nativ
exit 0
