#!/bin/sh
# Every architecture through llama.cpp's own converter, loaded here, against transformers. Run by check.sh --peers, which
# gives SOURCE (the tree), BUILD (its build folder) and PYTHON (with requirements.txt of this folder). The converter comes
# with the sources of llama-cpp-python, from PyPI, kept below the folder of PYTHON's environment.
set -eu
version=0.3.36
kept=$(dirname "$PYTHON")/../llama_cpp_python-$version
if [ ! -d "$kept" ]; then
    got=$(mktemp -d)
    "$PYTHON" -m pip download -q --no-deps --no-binary :all: --no-build-isolation -d "$got" "llama-cpp-python==$version"
    tar xzf "$got/llama_cpp_python-$version.tar.gz" -C "$(dirname "$kept")"
    rm -rf "$got"
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$PYTHON" "$SOURCE/tools/gen_gguf_goldens.py" "$kept/vendor/llama.cpp" "$work" >"$work/log" 2>&1 || {
    tail -20 "$work/log"
    exit 1
}
ls "$work"/*.gguf | wc -l | sed 's/$/ converted models/'
PRONY_GGUF_GOLDENS=$work "$BUILD/tests/test_gguf_goldens"
