#!/bin/sh
# Every architecture through llama.cpp's own converter, loaded here, against transformers. Run by check.sh --peers, which
# gives SOURCE (the tree), BUILD (its build folder) and PYTHON (with requirements.txt of this folder).
set -eu
peer=$(sh "$SOURCE/tools/llamacpp.sh" source)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$PYTHON" "$SOURCE/tools/gen_gguf_goldens.py" "$peer" "$work" >"$work/log" 2>&1 || {
    tail -20 "$work/log"
    exit 1
}
ls "$work"/*.gguf | wc -l | sed 's/$/ converted models/'
PRONY_GGUF_GOLDENS=$work "$BUILD/tests/test_gguf_goldens"
