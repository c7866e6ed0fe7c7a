#!/bin/sh
# torch_install.sh NAME: what the engines on PyTorch are installed from, into $PRONY_ENGINE_HOME.
set -eu
here=$(dirname "$0")
case $(sh "$here/detect.sh") in
rocm*) echo "$1: the PyTorch of PyPI does not know ROCm; the CPU build is installed. This recipe was never run on ROCm" ;;
cuda*) echo "$1: this recipe was never run on a CUDA machine" ;;
esac
sh "$here/python_install.sh" "$here/torch_requirements.txt" \
    'import torch, transformers; print(f"transformers {transformers.__version__}, torch {torch.__version__}")'
