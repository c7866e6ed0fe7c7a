# What a run says on standard error: warnings, more when asked, nothing when told, JSON lines beside JSON; and how far
# long work is.
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
fail() { echo "FAILED: $*"; cat err.txt; exit 1; }
has() { grep -q -- "$1" err.txt || fail "$2"; }
lacks() { grep -q -- "$1" err.txt && fail "$2"; }

cat >m.yaml <<'END_OF_MANIFEST'
engines: [{name: fake, options: {token_ms: 1}}]
models: {good: {}, bad: {options: {fault: open}}}
targets:
  - name: t
    benchmarks:
      - id: latency
        config: {type: latency, prompt_lengths: [4], generation_lengths: [2], warmup_runs: 0, timed_runs: 2}
        models: [good, bad]
        repeats: 2
END_OF_MANIFEST
run() { "$PRONY" run m.yaml --out "$@" >out.txt 2>err.txt; [ $? = 1 ] || fail "a run with a failed cell is status 1"; }

run a
has '^20..-..-..T..:..:..\....Z warn  a cell was not measured experiment=latency engine=fake model=bad reason="engine .fake.: it was told' "the warning"
[ "$(wc -l <err.txt)" = 1 ] || fail "one warning and no more: a short run has no progress"
run b --quiet
[ -s err.txt ] && fail "--quiet says nothing of it"
run c --verbose
[ "$(grep -c 'info  a launch begins' err.txt)" = 3 ] || fail "three launches: the failed cell has no second one"
has 'info  a launch ended .* status=engine' "how a launch failed"
has '^run: 4 samples in ' "what was done"
lacks 'debug' "--verbose is not --debug"
run d --debug
[ "$(grep -c 'debug a child is started pid=' err.txt)" = 3 ] || fail "each process"
has 'debug the child is gone pid=.* how="ended with exit code' "how it ended"
run e --json --verbose
[ "$(grep -vc '^{"time":"20.*,"level":"[a-z]*","message":".*}$' err.txt)" = 0 ] || fail "each line is JSON"
has '"level":"warn","message":"a cell was not measured","experiment":"latency"' "the warning in JSON"
case $(head -c 1 out.txt) in '{') ;; *) fail "standard output is JSON" ;; esac

# Long work: nothing where nobody looks, whole lines when asked.
model=$SOURCE/data/stories260k/stories260K.bin
"$PRONY" model verify "$model" >out.txt 2>err.txt || fail "verify"
[ -s err.txt ] && fail "progress without a terminal"
"$PRONY" model verify "$model" --sha256 "$(sha256sum "$model" | cut -c1-64)" --verbose >out.txt 2>err.txt || fail "verify --verbose"
has '^hashing: [0-9.]*[kM] bytes in ' "hashing"
has '^checking: [0-9.]*[kM] bytes in ' "checking"
"$PRONY" model synth --dims hidden=64,layers=1,heads=2,kv_heads=2,ffn=64,vocabulary=512 -o s.gguf --verbose >out.txt 2>err.txt || fail "synth"
has '^writing: [0-9.]*[kM] bytes in ' "writing"
"$PRONY" model quantize s.gguf q.gguf q8_0 --verbose >out.txt 2>err.txt || fail "quantize"
has '^quantizing: [0-9.]*[kM] bytes in ' "quantizing"
exit 0
