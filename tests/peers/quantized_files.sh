#!/bin/sh
# Files of every type, without and with an importance matrix, load in llama.cpp, and their KL to F16 is not above 1.25 times
# that of llama.cpp's own quantizer. The bound is loose because a small model on few tokens is noisy; docs/QUANTIZATION.md has
# the figures. A matrix of llama-imatrix is read, and holds what prony's own holds.
set -eu
cd "$SOURCE"
sh bench/quant_quality.sh --chunks 6 --check 1.25
bin=$(sh tools/llamacpp.sh bin)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$PRONY" model convert models/teacher "$work/f16.gguf" --type f16 --quiet
cat docs/[A-M]*.md >"$work/text"
"$PRONY" model quantize "$work/f16.gguf" "$work/a.gguf" q4_k_m --imatrix "$work/text" --save-imatrix "$work/ours.gguf" --quiet 2>/dev/null
"$bin/llama-imatrix" -m "$work/f16.gguf" -f "$work/text" -o "$work/theirs.gguf" -c 512 -t 2 >"$work/said" 2>&1
"$PRONY" model quantize "$work/f16.gguf" "$work/b.gguf" q4_k_m --imatrix "$work/theirs.gguf" --quiet 2>/dev/null
"$PYTHON" - "$work/ours.gguf" "$work/theirs.gguf" <<'END'
import sys
import gguf, numpy as np
def read(path):
    t = {x.name: np.array(x.data, dtype=np.float64).ravel() for x in gguf.GGUFReader(path).tensors}
    return {n[:-8]: t[n] / t[n[:-8] + ".counts"] for n in t if n.endswith(".in_sum2")}
ours, theirs = read(sys.argv[1]), read(sys.argv[2])
assert set(ours) == set(theirs) and len(ours) == 28, set(ours) ^ set(theirs)
for name in ours: # the last chunk is whole there and cut here
    apart = np.abs(ours[name] - theirs[name]).sum() / theirs[name].sum()
    assert apart < 0.1, (name, apart)
print(len(ours), "matrices agree")
END
