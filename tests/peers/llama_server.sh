#!/bin/sh
# The built-in teacher in the real llama-server: the conformance suite over its protocol, and its tokens and distributions
# against native:ref. Run by check.sh --peers, which gives SOURCE, BUILD, PRONY and PYTHON.
set -eu
programs=$(sh "$SOURCE/tools/llamacpp.sh" bin)
work=$(mktemp -d)
server=
stop() {
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    wait 2>/dev/null || true
    rm -rf "$work"
}
trap stop EXIT
trap 'exit 1' INT TERM
"$PRONY" model convert "$SOURCE/models/teacher" "$work/teacher.gguf" --type f32 --quiet
# a port that nobody has: the system gives one to a socket that is closed again
port=$("$PYTHON" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
"$programs/llama-server" -m "$work/teacher.gguf" --host 127.0.0.1 --port "$port" -c 512 -np 1 -t 1 -tb 1 -fa off \
    -ctk f32 -ctv f32 --no-cache-prompt --cache-ram 0 --offline >"$work/log" 2>&1 &
server=$!
for _ in $(seq 100); do # the engine itself waits while it loads, not until it listens
    if "$PYTHON" -c "import socket; socket.create_connection(('127.0.0.1', $port), 1)" 2>/dev/null; then break; fi
    kill -0 "$server" 2>/dev/null || { tail -5 "$work/log"; exit 1; }
    sleep 0.1
done
"$programs/llama-server" --version 2>&1 | head -1
"$BUILD/tests/test_conformance" "llamacpp@http://127.0.0.1:$port" "$work/teacher.gguf"
