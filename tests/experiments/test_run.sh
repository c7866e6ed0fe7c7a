# A run from its manifest to its raw logs: repeatable, able to be killed, stopped and taken up again, and honest about
# what failed.
rounds=${ROUNDS:-15}
work=$(mktemp -d -p /dev/shm 2>/dev/null || mktemp -d) || exit 1 # a kill loses nothing there either, and syncs are quick
pid=
trap '[ -z "$pid" ] || kill -9 "$pid" 2>/dev/null; chmod -R u+w "$work"; rm -rf "$work"' EXIT
cd "$work" || exit 1
fail() { echo "FAILED: $*"; exit 1; }

# What was measured, whatever the run: its requests without the instant on the process's clock. A last line without its
# end was torn by a kill in the middle of the write: it was never logged.
samples() {
    for log in "$1"/raw/*/*.txt; do
        if [ -n "$(tail -c 1 "$log")" ]; then sed '$d' "$log"; else cat "$log"; fi
    done | grep '"t":"request"' | sed 's/"submitted_ns":-\{0,1\}[0-9]*,//' | sort
}
cells() { cat "$1"/raw/*/*.txt | grep '"t":"cell"'; }

cat >m.yaml <<'END'
engines: [{name: fake, options: {enqueue_ms: 0.02, prompt_token_ms: 0.1, launch_cv: 0.01, request_cv: 0.02, token_cv: 0.02, rho: 0.5}}]
models: {teacher: {options: {token_ms: 6}}, student: {options: {token_ms: 5}}}
targets:
  - name: t
    benchmarks:
      - id: latency
        config: {type: latency, prompt_lengths: [8, 32], generation_lengths: [6], warmup_runs: 1, timed_runs: 6}
        models: [teacher, student]
        repeats: 3
END

# Twice: other UUIDs, the same samples.
"$PRONY" run m.yaml --out one >out.txt || fail "a plain run"
"$PRONY" run m.yaml --out two >out2.txt || fail "a second run"
[ "$(sed -n 's/^run \([0-9a-f-]*\):.*/\1/p' out.txt)" != "$(sed -n 's/^run \([0-9a-f-]*\):.*/\1/p' out2.txt)" ] || fail "one UUID for two runs"
samples one >want
[ "$(wc -l <want)" = 72 ] || fail "expected 72 samples, got $(wc -l <want)"
samples two | cmp -s - want || fail "two runs differ"
[ "$(head -1 one/artifacts/t_*/latency.csv)" = model,prompt_len,gen_len,batch_size,tokens_per_sec,prefill_ms,decode_ms ] ||
    fail "latency.csv: $(cat one/artifacts/t_*/latency.csv)"
[ "$(wc -l <one/artifacts/t_"$(ls one/artifacts | sed 's/^t_//')"/latency.csv)" = 5 ] || fail "latency.csv has a row a cell"
[ -s one/artifacts/"$(ls one/artifacts)"/report.json ] || fail "no report.json"
grep -h '"t":"open"' one/raw/*/*.txt | grep -q '"fingerprint":{.*"machine":{' || fail "no fingerprint"
[ "$(cells one | grep -c '"status":"ok"')" = 12 ] || fail "12 launches should have ended well"
grep -h '"t":"close"' one/raw/*/*.txt | grep -c '"status":"done"' | grep -qx 2 || fail "each log is closed"

# The run is collated; once more changes no byte.
head -1 one/results/fake.csv | grep -q '^step,enqueue_latency_ms,total_latency_ms,' || fail "no results/fake.csv"
[ "$(wc -l <one/results/fake.csv)" = 505 ] || fail "fake.csv: 72 requests of 7 tokens and a header, not $(wc -l <one/results/fake.csv)"
cksum one/results/fake.csv one/results/prony.db >sums
"$PRONY" collate one >/dev/null || fail "collate"
cksum one/results/fake.csv one/results/prony.db | cmp -s - sums || fail "collating again changed something"

# Another seed: another order and other noise.
"$PRONY" run m.yaml --out seed --seed 43 >/dev/null || fail "another seed"
samples seed | cmp -s - want && fail "the seed changes nothing"

# Killed at random instants, then taken up: nothing logged is lost, nothing is done twice, the whole is the same.
i=0
while [ $i -lt "$rounds" ]; do
    rm -rf killed
    "$PRONY" run m.yaml --out killed >/dev/null 2>&1 &
    pid=$!
    sleep "0.$(awk -v s=$i 'BEGIN { srand(s * 7919 + 17); printf "%03d", rand() * 500 }')"
    kill -9 $pid 2>/dev/null
    wait $pid 2>/dev/null
    pid=
    if [ -d killed/raw ]; then samples killed >before; else : >before; fi
    if grep -q '"status": "running"' killed/artifacts/*/run.json 2>/dev/null; then
        "$PRONY" run m.yaml --out killed --resume >out.txt 2>err.txt || fail "round $i: resume: $(cat err.txt)"
    elif ! grep -q '"status": "done"' killed/artifacts/*/run.json 2>/dev/null; then
        i=$((i + 1)) # killed before there was a run
        continue
    fi
    samples killed >after
    [ -z "$(comm -23 before after)" ] || fail "round $i: a sample that was logged is gone"
    cmp -s after want || fail "round $i: $(wc -l <after) samples, or others than the unbroken run's"
    i=$((i + 1))
done
echo "$i kills survived"
[ -z "$KILLS_ONLY" ] || exit 0

# Ctrl-C: the request in flight is kept, the command to go on is printed and works.
sed 's/token_ms: [56]/&, clock: real/' m.yaml >slow.yaml
"$PRONY" run slow.yaml --out stopped >out.txt 2>err.txt &
pid=$!
sleep 0.5
kill -INT $pid
wait $pid
[ $? = 1 ] || fail "a stopped run ends with 1"
pid=
grep -q -- '--out stopped --resume' err.txt || fail "the command to resume is not shown: $(cat err.txt)"
"$PRONY" run slow.yaml --out stopped --resume >out.txt 2>&1 || fail "resume after Ctrl-C: $(cat out.txt)"
[ "$(samples stopped | wc -l)" = 72 ] || fail "a stopped and resumed run has $(samples stopped | wc -l) samples"

# A resume that makes no sense.
"$PRONY" run m.yaml --out one --resume 2>err.txt && fail "nothing was broken off"
grep -q "no run that was broken off" err.txt || fail "$(cat err.txt)"
cp -r two changed && sed -i 's/"status": "done"/"status": "running"/' changed/artifacts/*/run.json
sed 's/repeats: 3/repeats: 4/' m.yaml >other.yaml
"$PRONY" run other.yaml --out changed --resume 2>err.txt && fail "a changed manifest was taken up"
grep -q "the manifest has changed since run" err.txt || fail "$(cat err.txt)"
"$PRONY" run m.yaml --out changed --models student --resume 2>err.txt && fail "changed switches were taken up"
grep -q "the switches are not those of run" err.txt || fail "$(cat err.txt)"

# Two at once in one folder: one of them is told.
"$PRONY" run slow.yaml --out both >/dev/null 2>&1 &
pid=$!
sleep 0.3
"$PRONY" run slow.yaml --out both >/dev/null 2>err.txt && fail "two runs at once in one folder"
[ -s err.txt ] || fail "no word on the second run"
kill -9 $pid
wait $pid 2>/dev/null
pid=

# Rows with reasons; the run goes on.
cat >faults.yaml <<'END'
engines: [fake, "vllm@http://127.0.0.1:1"]
models:
  good: {options: {}}
  dies: {options: {fault: die, fault_request: 2}}
  hangs: {options: {fault: hang, fault_request: 3}}
  deaf: {options: {fault: stubborn, fault_request: 1}}
  liar: {options: {fault: counts, fault_request: 2}}
  shut: {options: {fault: open}}
benchmarks:
  - id: l
    config: {type: latency, prompt_lengths: [4], generation_lengths: [3], warmup_runs: 1, timed_runs: 3}
    models: [dies, hangs, deaf, liar, shut, good]
    repeats: 2
  - {id: later, config: {type: perplexity}, models: [good]}
END
"$PRONY" run faults.yaml --out faults --time-limit 3 >out.txt 2>err.txt
[ $? = 1 ] || fail "a run with failed cells ends with 1"
for reason in 'killed by signal 9' 'no sign of life for 3 s' 'counts 5 new tokens, 4 came' 'told to fail at opening' \
    "'vllm' is missing: nothing answers" "'perplexity' is not built into this prony yet"; do
    cells faults | grep -q "$reason" || fail "no row with the reason \"$reason\""
done
[ "$(cells faults | grep -c '"status":"timeout"')" = 2 ] || fail "two cells hang"
[ "$(cells faults | grep '"status":"ok"' | grep -c '"model":"good"')" = 2 ] || fail "the good cell did not go on"
[ "$(cells faults | wc -l)" = 15 ] || fail "$(cells faults | wc -l) rows for 14 cells, one of them with two launches"
cat >glutton.yaml <<'END'
engines: [fake]
models: {glutton: {options: {fault: allocate, fault_request: 1, fault_mb: 500}}, good: {options: {}}}
benchmarks:
  - {id: l, config: {type: latency, prompt_lengths: [4], generation_lengths: [3], timed_runs: 1}, models: [glutton, good]}
END
"$PRONY" run glutton.yaml --out glutton --memory-limit 400 >out.txt 2>err.txt
[ $? = 1 ] || fail "a cell above the memory limit ends the run with 1"
cells glutton | grep '"model":"glutton"' | grep -q 'the limit is 400 MB' || fail "no row for the memory limit: $(cells glutton)"
cells glutton | grep '"model":"good"' | grep -q '"status":"ok"' || fail "the run did not go on after the memory limit"

# A command of `runs` comes first; when it fails its target is rows with that reason.
cat >commands.yaml <<'END'
engines: [fake]
targets:
  - name: works
    runs: [{id: prepare, command: echo made | tee made.txt, lr: 1}, anything]
    benchmarks: [{id: l, config: {type: latency, prompt_lengths: [4], generation_lengths: [3], timed_runs: 1}}]
  - name: breaks
    runs: [{id: train, command: exit 7}]
    benchmarks: [{id: l, config: {type: latency, prompt_lengths: [5], generation_lengths: [3], timed_runs: 1}}]
END
"$PRONY" run commands.yaml --out commands >out.txt 2>err.txt
[ $? = 1 ] || fail "a failed command ends with 1"
[ "$(cat made.txt)" = made ] || fail "the command was not executed"
grep -q '^made$' err.txt && ! grep -q '^made$' out.txt || fail "what a command prints is no result"
cells commands | grep -q "run 'train': its command ended with status 7" || fail "no row for the failed command"
cells commands | grep -q '"status":"ok"' || fail "the other target did not run"

# Ctrl-C while a command works stops the run; taken up again it is done from its start.
cat >stopped.yaml <<'END'
engines: [fake]
targets:
  - name: s
    runs: [{id: long, command: '[ -e go ] || kill -INT $$'}]
    benchmarks: [{id: l, config: {type: latency, prompt_lengths: [4], generation_lengths: [3], timed_runs: 1}}]
END
"$PRONY" run stopped.yaml --out stopped >out.txt 2>err.txt && fail "a stopped command went unnoticed"
grep -q 'prony run stopped.yaml --out stopped --resume' err.txt || fail "not said how to go on: $(cat err.txt)"
touch go
"$PRONY" run stopped.yaml --out stopped --resume >out.txt 2>err.txt || fail "resume after a stopped command: $(cat err.txt)"
cells stopped | grep -q '"status":"ok"' || fail "nothing was measured after the command"

# A model is looked for beside the manifest too; one that is nowhere says where it was looked for.
mkdir elsewhere
cp "$SOURCE/data/stories260k/stories260K.bin" elsewhere/
cat >elsewhere/models.yaml <<'END'
models: {here: stories260K.bin, nowhere: no/such}
benchmarks: [{id: l, models: [here, nowhere], config: {type: latency, prompt_lengths: [4], generation_lengths: [2], timed_runs: 1}}]
END
"$PRONY" run elsewhere/models.yaml --out models >out.txt 2>err.txt
cells models | grep '"model":"here"' | grep -q '"status":"ok"' || fail "no model beside the manifest: $(cells models)"
cells models | grep '"model":"nowhere"' | grep -q "looked for in 'no/such', 'elsewhere/no/such' and '" ||
    fail "not said where it was looked for: $(cells models)"
"$PRONY" run elsewhere/models.yaml --dry-run | grep -q "looked for in 'no/such', 'elsewhere/no/such'" || fail "--dry-run does not say it"

# Where nothing can be written.
echo text >file
"$PRONY" run m.yaml --out file/below 2>err.txt && fail "wrote below a file"
grep -q "'file" err.txt || fail "$(cat err.txt)"
(ulimit -f 40; "$PRONY" run m.yaml --out full >/dev/null 2>err.txt) && fail "a full disk went unnoticed"
[ -s err.txt ] || fail "no word on the full disk"
"$PRONY" run m.yaml --out full --resume >/dev/null 2>err.txt || fail "resume after a full disk: $(cat err.txt)"
samples full | cmp -s - want || fail "after a full disk the run differs"

# What is asked, without doing it.
"$PRONY" run m.yaml --dry-run --out dry >out.txt || fail "--dry-run"
grep -q "4 cells, 12 launches, 72 samples" out.txt || fail "$(cat out.txt)"
[ ! -e dry ] || fail "--dry-run made a folder"
printf 'sede: 1\nthreads: x\n' >bad.yaml
"$PRONY" run bad.yaml 2>err.txt && fail "a bad manifest was run"
[ "$(grep -c '^bad.yaml:' err.txt)" = 3 ] || fail "not all errors of the manifest: $(cat err.txt)"
echo "ok"
