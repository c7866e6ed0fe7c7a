#!/bin/sh
# Every architecture through llama.cpp's own converter, loaded here, against transformers.
#     tests/peers/converted_gguf.sh LLAMA_CPP BUILD [PYTHON]
# LLAMA_CPP: the sources (vendor/llama.cpp of the llama-cpp-python package of PyPI); PYTHON has tools/requirements.txt and what
# the converter needs (gguf, sentencepiece, protobuf).
set -eu
[ $# -ge 2 ] || { sed -n 2,5p "$0"; exit 2; }
here=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
"${3:-python3}" "$here/tools/gen_gguf_goldens.py" "$1" "$work" >"$work/log" 2>&1 || { tail -20 "$work/log"; exit 1; }
ls "$work"/*.gguf | wc -l | sed 's/$/ converted models/'
PRONY_GGUF_GOLDENS=$work "$2/tests/test_gguf_goldens"
