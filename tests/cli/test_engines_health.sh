# prony engines health and register as a stranger meets them.
set -u
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
fail() { echo "$*"; exit 1; }

"$PRONY" engines health native:ref fake >out.txt || fail "healthy engines end with 0"
grep -q '^native:ref  *healthy .* yes ' out.txt || fail "native:ref is not healthy: $(cat out.txt)"
"$PRONY" engines health vllm@http://127.0.0.1:1 >out.txt && fail "a server that is named and not there ends with 1"
grep -q "missing .*nothing answers at 'http://127.0.0.1:1/health'" out.txt || fail "no reason: $(cat out.txt)"
"$PRONY" engines health native:ref --json >out.json || fail "--json"
grep -q '"health": "healthy"' out.json && grep -q '"logprobs": true' out.json || fail "$(cat out.json)"
"$PRONY" engines health vlm >out.txt 2>err.txt
[ $? = 2 ] && grep -q "did you mean 'vllm'?" err.txt || fail "a name that is none"

printf 'GGUF' >m.gguf
sum=$(sha256sum m.gguf | cut -d' ' -f1)
LEMONADE_CACHE_DIR=$work/lemonade "$PRONY" engines register m.gguf >out.txt || fail "register"
grep -q "^lemonade  *user.m  *$sum  written" out.txt || fail "$(cat out.txt)"
grep -q "\"checkpoint\": \".*/m.gguf\"" lemonade/user_models.json || fail "$(cat lemonade/user_models.json)"
LEMONADE_CACHE_DIR=$work/lemonade "$PRONY" engines register m.gguf | grep -q 'was there' || fail "it is not repeatable"
"$PRONY" engines register m.gguf --with ollama --ollama-url http://127.0.0.1:1 2>err.txt && fail "ollama is not there"
grep -q 'nothing answers' err.txt || fail "$(cat err.txt)"
"$PRONY" engines register model.safetensors 2>err.txt
[ $? = 2 ] && grep -q 'prony model convert' err.txt || fail "no hint for another format: $(cat err.txt)"
