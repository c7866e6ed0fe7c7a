#!/bin/sh
# `prony model convert` against llama.cpp (its converter's tensors, its program's text) and transformers (logits, ids). Run by
# check.sh --peers, which gives SOURCE (the tree), PRONY (the program) and PYTHON (with requirements.txt of this folder). llama.cpp's
# sources come with llama-cpp-python; its program is built from them once. LLAMA_CPP may name sources with a build/ that are there.
set -eu
version=0.3.36
kept=$(dirname "$PYTHON")/../llama_cpp_python-$version
llama=${LLAMA_CPP:-$kept/vendor/llama.cpp}
if [ ! -d "$llama" ]; then
    got=$(mktemp -d)
    "$PYTHON" -m pip download -q --no-deps --no-binary :all: --no-build-isolation -d "$got" "llama-cpp-python==$version"
    tar xzf "$got/llama_cpp_python-$version.tar.gz" -C "$(dirname "$kept")"
    rm -rf "$got"
fi
if [ ! -x "$llama/build/bin/llama-server" ]; then
    cmake -S "$llama" -B "$llama/build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DLLAMA_CURL=OFF >/dev/null
    ninja -C "$llama/build" llama-server >/dev/null
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
"$PYTHON" "$SOURCE/tools/check_convert.py" "$llama" "$llama/build/bin" "$PRONY" 2>"$log" || {
    tail -20 "$log"
    exit 1
}
