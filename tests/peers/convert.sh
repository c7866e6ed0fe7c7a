#!/bin/sh
# `prony model convert` against llama.cpp (its converter's tensors, its server's ids) and transformers (logits, ids). Run by
# check.sh --peers, which gives SOURCE (the tree), PRONY (the program) and PYTHON (with requirements.txt of this folder).
set -eu
log=$(mktemp)
trap 'rm -f "$log"' EXIT
"$PYTHON" "$SOURCE/tools/check_convert.py" "$(sh "$SOURCE/tools/llamacpp.sh" source)" "$(sh "$SOURCE/tools/llamacpp.sh" bin)" \
    "$PRONY" 2>"$log" || {
    tail -20 "$log"
    exit 1
}
