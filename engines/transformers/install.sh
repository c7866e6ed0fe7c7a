#!/bin/sh
# Installs transformers into $PRONY_ENGINE_HOME: called by 'prony engines install transformers'.
set -eu
here=$(dirname "$0")
case $(sh "$here/../common/detect.sh") in
rocm*) echo "transformers: the PyTorch of PyPI does not know ROCm; the CPU build is installed. This recipe was never run on ROCm" ;;
cuda*) echo "transformers: this recipe was never run on a CUDA machine" ;;
esac
sh "$here/../common/python_install.sh" "$here/requirements.txt" \
    'import torch, transformers; print(f"transformers {transformers.__version__}, torch {torch.__version__}")'
