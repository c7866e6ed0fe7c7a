# prony generate and prony chat: outputs, sources of prompts, ends, refusals.
set -eu
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
fail() { echo "FAILED: $1"; exit 1; }
model=$SOURCE/models/draft
say() { "$PRONY" generate "$model" --temperature 0 --variant ref "$@"; }

# one object on one line, with what scripts rely on
say --prompt ' The city is known for' --max-tokens 12 --json >"$work/one"
[ "$(wc -l <"$work/one")" -eq 1 ] || fail "one line"
for key in ids text logprobs finish prompt_tokens timings; do
    grep -q "\"$key\":" "$work/one" || fail "key $key"
done
grep -q '"text":" the city . The city is a member' "$work/one" || fail "the text"
grep -q '"finish":"length"' "$work/one" || fail "finish"
grep -q '"variant":"ref"' "$work/one" || fail "variant"
"$PRONY" generate "$model" --temperature 0 --prompt x --max-tokens 2 --json | grep -q '"variant":"fast"' || fail "fast is the default"
[ "$(sed 's/.*"ids":\[\([^]]*\)\].*/\1/' "$work/one" | tr , '\n' | wc -l)" -eq 12 ] || fail "12 ids"

# the same prompt from a file, from standard input, as plain text, and by its ids
printf ' The city is known for\r\n' >"$work/lines"; printf ' The river' >>"$work/lines"
say --prompts "$work/lines" --max-tokens 12 --json >"$work/two"
say --prompts - --max-tokens 12 --json <"$work/lines" >"$work/three"
[ "$(wc -l <"$work/two")" -eq 2 ] || fail "a line for each prompt"
ids() { sed 's/.*"ids":\[\([^]]*\)\].*/\1/'; }
[ "$(ids <"$work/one")" = "$(head -1 "$work/two" | ids)" ] || fail "prompts from a file"
[ "$(ids <"$work/two")" = "$(ids <"$work/three")" ] || fail "prompts from standard input"
[ "$(say --prompt ' The city is known for' --max-tokens 4)" = " the city . The" ] || fail "plain text"
say --tokens "0,$(ids <"$work/one")" --max-tokens 3 --json | grep -q '"prompt_tokens":13' || fail "--tokens"

# sampling repeats with its seed; a stop string ends the text
a=$("$PRONY" generate "$model" --prompt x --seed 5 --max-tokens 20 --json | ids)
b=$("$PRONY" generate "$model" --prompt x --seed 5 --max-tokens 20 --json | ids)
c=$("$PRONY" generate "$model" --prompt x --seed 6 --max-tokens 20 --json | ids)
[ "$a" = "$b" ] && [ "$a" != "$c" ] || fail "seeds"
say --prompt ' The city is known for' --max-tokens 40 --stop member --json | grep -q 'is a ","logprobs".*"finish":"stop"' ||
    fail "stop"
say --prompt x --max-tokens 2 --logit-bias 300:1000 --json | grep -q '"ids":\[300,300\]' || fail "logit bias"

# times and profile
say --prompt x --max-tokens 3 --timing --profile --out "$work/profile" --json >"$work/timed" 2>"$work/err"
[ "$(grep -c '^token ' "$work/err")" -eq 3 ] || fail "a line for each token's time"
grep -q '"token_ms":\[' "$work/timed" || fail "token_ms"
grep -q '^attention ' "$work/err" && grep -q '^kv cache ' "$work/err" || fail "tables"
grep -q '"traceEvents":\[{"name":"embed"' "$work/profile/profile.json" || fail "trace"

# without MODEL llama3-1b where it is at hand, else the teacher, and it says which
mkdir "$work/empty"
HF_HOME="$work/empty" "$PRONY" generate --prompt 'A robe' --max-tokens 2 --temperature 0 >"$work/first" 2>"$work/err" || fail "the built-in model"
grep -q 'no MODEL given, and llama3-1b is not here .*teacher' "$work/err" || fail "which model it is"
HF_HOME="$work/empty" "$PRONY" generate --prompt 'A robe' --max-tokens 2 --temperature 0 --quiet >"$work/out" 2>"$work/err"
cmp -s "$work/first" "$work/out" && [ ! -s "$work/err" ] || fail "--quiet"
cached=$work/cached/hub/models--meta-llama--Llama-3.2-1B-Instruct
mkdir -p "$cached/snapshots/1" "$cached/refs"
printf 1 >"$cached/refs/main"
cp "$model"/* "$cached/snapshots/1"
HF_HOME="$work/cached" "$PRONY" generate --prompt 'A robe' --max-tokens 2 --temperature 0 >"$work/out" 2>"$work/err" || fail "a cached llama3-1b"
grep -q 'no MODEL given: llama3-1b' "$work/err" || fail "it does not say that llama3-1b runs"
say --prompt 'A robe' --max-tokens 2 2>/dev/null | cmp -s - "$work/out" || fail "a cached llama3-1b is another model"

# the switches of the documents, and what --debug says
[ "$("$PRONY" generate --model "$model" --prompt x --max-tokens 4 --seed 3)" = "$("$PRONY" generate "$model" --prompt x --max-tokens 4 --seed 3 --temperature 0.85)" ] ||
    fail "--model, and 0.85 unless said"
[ "$("$PRONY" generate --model-path "$model" --prompt x --max-tokens 4)" = "$("$PRONY" generate "$model" --prompt x --max-tokens 4 --seed 42)" ] ||
    fail "--model-path, and seed 42 unless said"
say --prompt x --max-tokens 2 --debug 2>&1 >/dev/null | grep -q 'context 4 of 8192, .* MB of KV cache' || fail "--debug"

# a signal ends the text where it is, in good order
"$PRONY" generate "$model" --prompt x --max-tokens 8000 --ignore-eos --variant ref >"$work/long" &
pid=$!
while [ ! -s "$work/long" ]; do sleep 0.02; done
kill -TERM "$pid"
set +e; wait "$pid"; got=$?; set -e
[ "$got" -eq 1 ] || fail "exit status $got after a signal, expected 1"
[ "$(tail -c 1 "$work/long" | od -An -tx1 | tr -d ' ')" = 0a ] || fail "the last line is not ended"

refused() { # status, text, arguments
    status=$1 text=$2; shift 2
    set +e; "$PRONY" "$@" >"$work/out" 2>"$work/err" </dev/null; got=$?; set -e
    [ "$got" -eq "$status" ] || fail "exit status $got, expected $status: $*"
    grep -q -- "$text" "$work/err" || { cat "$work/err"; fail "no '$text' in the message: $*"; }
}
refused 2 "no prompt" generate "$model"
refused 2 "more than one of" generate "$model" --prompt x --tokens 1
refused 1 "8200 tokens (2 of the prompt and 8198 new) are longer than the context of 8192" \
    generate "$model" --tokens 1,2 --max-tokens 8198
refused 2 "ID:BIAS" generate "$model" --prompt x --logit-bias 5
refused 2 "temperature" generate "$model" --prompt x --temperature -1
refused 1 "no such file" generate "$work/none" --prompt x
refused 2 "Model type mismatch: expected 'gpt' but detected 'llama'" generate "$model" --prompt x --model-type gpt
refused 2 "one of llama,gpt" generate "$model" --prompt x --model-type bert
export HF_HOME="$work/hub"
refused 1 "prony model pull gpt2" generate gpt2 --prompt x
HF_ENDPOINT=ftp://127.0.0.1 refused 1 ftp generate gpt2 --prompt x --download
refused 2 "nor one of the keys" model pull gpt-4
refused 1 "No such file" generate "$model" --prompts "$work/none"

# chat through a pipe: an answer a line, its own template, /reset, /quit
printf 'What is 2+2?\n/reset\nWhat is 2+2?\n/quit\nnot asked\n' | "$PRONY" chat "$model" --temperature 0 --variant ref --max-tokens 20 >"$work/chat"
printf 'What is 2+2?\n' | "$PRONY" chat "$model" --temperature 0 --variant ref --max-tokens 20 >"$work/once"
cat "$work/once" "$work/once" | cmp -s - "$work/chat" || fail "reset answers as at first"
"$PRONY" generate "$model" --special --prompt '<|user|>What is 2+2?<|end|><|assistant|>' --temperature 0 --variant ref --max-tokens 20 >"$work/plain"
cmp -s "$work/plain" "$work/once" || fail "the template"
printf 'What is 2+2?\n' | "$PRONY" chat "$model" --temperature 0 --variant ref --max-tokens 20 --profile --timing --out "$work/chat_profile" 2>"$work/err" |
    cmp -s - "$work/once" || fail "--profile and --timing change the answer"
grep -q '^attention ' "$work/err" && grep -q '^token 0 ' "$work/err" && [ -s "$work/chat_profile/profile.json" ] || fail "chat --profile --timing"
printf 'x\n' | HF_HOME="$work/empty" "$PRONY" chat --max-tokens 2 2>&1 >/dev/null | grep -q 'no MODEL given, and llama3-1b is not here' || fail "chat does not say who answers"
mkdir "$work/other"; cp "$model"/* "$work/other"
sed 's/<|end|>/<|fin|>/' "$model/tokenizer_config.json" >"$work/other/tokenizer_config.json"
refused 1 "chat template" chat "$work/other"
echo 'What is 2+2?' | "$PRONY" chat "$work/other" --chat-template prony --temperature 0 --variant ref --max-tokens 20 >"$work/forced"
cmp -s "$work/plain" "$work/forced" || fail "a forced template"
refused 2 "mistral-v7" chat "$model" --chat-template llama-9
echo ok
