# type: speed with the scripted engine, whose times are known to the nanosecond.
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
fail() { echo "FAILED: $*"; exit 1; }
cat >m.yaml <<'END'
engines: [{name: fake, options: {load_ms: 7, prompt_token_ms: 0.5, token_ms: 4, position_ms: 0.25, batch_share: 1, weight_mb: 8, position_bytes: 4096}}]
models: {m: {path: m}}
benchmarks:
  - id: s
    config: {type: speed, prompt_lengths: [16], generation_lengths: [4], depths: [0, 32], batch_sizes: [1, 2], warmup_runs: 1, timed_runs: 2}
    models: [m]
END
"$PRONY" run m.yaml --out out --quiet || fail "the run"
"$PRONY" report out --json >report.json || fail "the report"
python3 - <<'END' || fail "the figures are not those of the script"
import json
table = json.load(open("report.json"))["tables"][0]
assert table["name"] == "speed" and len(table["rows"]) == 4
for r in table["rows"]:
    slow, start = r["batch_size"], 16 + r["depth"]            # batch_share 1: two prompts take twice as long
    steps = [slow * (4 + 0.25 * (start + k)) for k in range(4)]
    near = lambda name, x: abs(r[name]["median"] - x) <= 1e-6 * x or (_ for _ in ()).throw(AssertionError((name, r[name], x)))
    near("load_s", 0.007)
    near("prefill_ms", slow * 8)                              # the depth is not counted
    near("cold_start_ms", 7 + slow * 8)
    near("prefill_tps", r["batch_size"] * 16 / (slow * 8e-3))
    near("decode_ms", sum(steps))
    near("steady_ms_per_token", sum(steps) / 4)
    near("min_ms_per_token", steps[0])
    near("max_ms_per_token", steps[-1])
    near("tokens_per_sec", r["batch_size"] * 4e3 / sum(steps))
    read = 4 * 8 * 2**20 + r["batch_size"] * 4096 * sum(start + k for k in range(1, 5))
    near("share_of_bandwidth", read / (sum(steps) / 1e3) / (r["machine_read_gb_s"]["median"] * 1e9))
    assert r.get("share_of_arithmetic") is None               # it says nothing of its precision
END
# An engine that lacks what a cell needs is a row.
"$PRONY" run m.yaml --out other --quiet --engines ollama >/dev/null 2>said && fail "an engine that is not built should fail"
# Pairs, and the wrong ones.
sed 's/prompt_lengths: .16., generation_lengths: .4., depths: .0, 32., batch_sizes: .1, 2./pairs: [8+2, 4+0]/' m.yaml >p.yaml
"$PRONY" run p.yaml --dry-run | grep -q '^2 cells, 2 launches, 4 samples' || fail "pairs: $("$PRONY" run p.yaml --dry-run)"
sed -i 's/8+2/8-2/' p.yaml
"$PRONY" run p.yaml --dry-run >out.txt 2>said && fail "a wrong pair was taken"
grep -q "pairs\[0\]: found '8-2', expected PROMPT+GENERATION" said || fail "a wrong pair: $(cat said)"
exit 0
