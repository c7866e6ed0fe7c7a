#!/bin/sh
# Writes tests/transform/golden/recipes.txt: the type that llama-quantize gives each matrix of three small made-up models.
# Usage: gen_recipe_goldens.sh PRONY LLAMA_CPP, the latter a built llama.cpp (0c1e570 made the committed file); needs
# python3 with numpy. The models are those of tests/transform/test_transform.c.
set -eu
prony=$1 llama=$2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"$prony" model synth --shape tinyllama --dims hidden=256,layers=16,heads=8,kv_heads=2,head_dim=32,ffn=512,vocabulary=512,context=128 --quantize f16 -o "$scratch/a.gguf"
"$prony" model synth --shape qwen2.5-0.5b --dims hidden=224,layers=8,heads=7,kv_heads=1,head_dim=32,ffn=1000,vocabulary=512,context=128 --quantize f16 -o "$scratch/b.gguf"
"$prony" model synth --shape gpt2 --dims hidden=256,layers=12,heads=8,kv_heads=8,head_dim=32,ffn=1024,vocabulary=512,context=128 --quantize f16 -o "$scratch/c.gguf"
echo "# What llama-quantize (llama.cpp $(git -C "$llama" rev-parse --short HEAD 2>/dev/null || echo 0c1e570)) makes of three small made-up models, matrix by matrix."
echo "# Regenerate: tools/gen_recipe_goldens.sh PRONY LLAMA_CPP"
for shape in a b c; do
    for type in Q8_0 Q4_0 Q4_1 Q5_0 Q5_1 Q2_K Q3_K_S Q3_K_M Q3_K_L Q4_K_S Q4_K_M Q5_K_S Q5_K_M Q6_K BF16; do
        "$llama/build/bin/llama-quantize" "$scratch/$shape.gguf" "$scratch/out.gguf" $type >/dev/null 2>&1
        PYTHONPATH=$llama/gguf-py python3 - "$shape-$type" "$scratch/out.gguf" <<'PYTHON'
import sys
from gguf import GGUFReader
print(sys.argv[1], *(f"{t.name}:{t.tensor_type.name.lower()}" for t in GGUFReader(sys.argv[2]).tensors if len(t.shape) > 1))
PYTHON
    done
done
