#!/bin/sh
# transformers and PyTorch as engines, for real: the conformance suite, and the built-in teacher against native:ref. Run by
# check.sh --peers, which gives SOURCE (the tree), BUILD, PRONY and PYTHON (with requirements.txt of this folder).
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PRONY_CACHE_DIR="$work" PRONY_TEST_PEERS=1
for name in transformers pytorch; do
    mkdir -p "$work/engines/$name"
    ln -s "$(dirname "$(dirname "$PYTHON")")" "$work/engines/$name/venv"
    "$PYTHON" -c 'import torch, transformers; print(f"transformers {transformers.__version__}, torch {torch.__version__}")' \
        >"$work/engines/$name/version"
done
"$BUILD/tests/test_conformance"
"$BUILD/tests/test_same_model"
