#!/bin/sh
# What this machine can compute with, as one line: "cuda 8.9", "rocm gfx1100" or "cpu".
if command -v nvidia-smi >/dev/null 2>&1; then
    capability=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader 2>/dev/null | head -n 1 | tr -d ' ')
    case $capability in
    [0-9]*.[0-9]*) echo "cuda $capability"; exit 0 ;;
    esac
fi
if command -v rocminfo >/dev/null 2>&1; then
    arch=$(rocminfo 2>/dev/null | sed -n 's/^ *Name: *\(gfx[0-9a-f]*\).*/\1/p' | head -n 1)
    [ -z "$arch" ] || { echo "rocm $arch"; exit 0; }
fi
echo cpu
