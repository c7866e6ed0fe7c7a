# prony collate, query and env on a log made by hand.
set -e
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
fail() { echo "$1"; exit 1; }
mkdir -p "$dir/raw/fake_m"
cat >"$dir/raw/fake_m/h_15M_q4-0_seed42_uuid0198a.txt" <<'END'
{"t":"open","format":1,"run":"0198-a","started":"2026-01-01T00:00:00.000Z","engine":"fake","model":"m","size":"15M","quantize":"q4_0","device":"cpu","seed":42,"host":"h","user":"u","platform":"Linux","release":"6.1","command":"prony run m","fingerprint":null}
{"t":"request","cell":"k","launch":0,"index":0,"phase":"timed","replies":[{"prompt_len":3,"finish":"length","id":[5],"enqueue_ns":[1000],"total_ns":[4000],"text":["a,b"]}]}
{"t":"cell","cell":"k","experiment":"latency","engine":"fake","model":"m","params":{"prompt_len":3},"launch":0,"status":"ok"}
{"t":"request","cell":"k","laun
END
cd "$dir"
"$PRONY" collate 2>errors | grep -q "1 of 1 logs had something new: 1 requests, 1 token steps; 1 CSVs" || fail "collate says something else"
grep -q "seed42_uuid0198a.txt' at byte [0-9]* skipped" errors || fail "the damaged line is not reported: $(cat errors)"
[ "$(sed -n 2p results/fake.csv)" = '0,0.001,0.004,250000,,,"a,b",Linux,6.1,cpu,u,h,15M,q4_0,42,0198-a' ] || fail "row: $(sed -n 2p results/fake.csv)"
sum=$(cat results/* | cksum)
"$PRONY" collate --quiet "$dir"
[ "$sum" = "$(cat results/* | cksum)" ] || fail "collating twice changed bytes"

[ "$("$PRONY" query "SELECT count(*) AS n FROM step" --csv)" = "n
1" ] || fail "query --csv"
"$PRONY" query "SELECT text, total_ns/1e6 AS ms, NULL AS x FROM step" --json | grep -q '{"text":"a,b","ms":0.004,"x":null}' || fail "query --json"
[ "$("$PRONY" query "SELECT 1 WHERE 0" --json | tr -d '\n ')" = "[]" ] || fail "no rows are no JSON"
"$PRONY" query "SELECT engine, total_ns FROM step, cell" | tail -1 | grep -q "^fake  *4000$" || fail "query table"
status=0; "$PRONY" query "DELETE FROM run" 2>errors || status=$?
[ $status = 2 ] && grep -q refused errors || fail "a DELETE gave status $status: $(cat errors)"
status=0; "$PRONY" query "SELECT 1" --db nothing.db 2>errors || status=$?
[ $status = 1 ] && grep -q "nothing.db' is not there" errors || fail "a missing database gave status $status"
status=0; "$PRONY" collate /nowhere 2>errors || status=$?
[ $status = 1 ] && grep -q "has no folder raw/" errors || fail "a missing folder gave status $status"

"$PRONY" env --json | grep -q '"disturbances"' || fail "env --json"
"$PRONY" env --defaults | cmp -s - "$SOURCE/configs/defaults.yaml" || fail "env --defaults is not the file"
