#!/bin/sh
# Builds kernels/ and its tests for AArch64 and runs them on this machine's qemu. Nothing but the C library is needed
# there: what the tests take from cmocka is in cmocka.h beside this file. Called by check.sh --full.
#
#   sh tests/cross/neon.sh [FOLDER]     where to build [build-neon]
set -eu
cd "$(dirname "$0")/../.."
out=${1:-build-neon}
cc=${CC_AARCH64:-aarch64-linux-gnu-gcc} run=${QEMU_AARCH64:-qemu-aarch64-static}
mkdir -p "$out"

flags="-std=c17 -O2 -D_GNU_SOURCE -Isrc -Itests -Itests/cross -DSOURCE_DIR=\"$PWD\" -ffp-contract=off -fno-math-errno
    -Wall -Wextra -Wshadow -Werror"
base="mem err buf rng dtype str clock team file"
for name in $base; do
    sources="${sources:-} src/base/$name.c"
done
for path in src/kernels/*.c; do
    case $path in *_avx2.c | *_avx512.c) ;; *) sources="$sources $path" ;; esac
done
objects=
for path in $sources tests/support/testing.c; do
    object=$out/$(basename "$path" .c).o
    case $path in *_neon.c) level=-O3 ;; *) level=-O2 ;; esac
    # shellcheck disable=SC2086
    $cc $flags $level -c -o "$object" "$path"
    objects="$objects $object"
done
for path in tests/base/test_team.c tests/kernels/test_*.c; do
    name=$(basename "$path" .c)
    # shellcheck disable=SC2086
    $cc $flags -static -o "$out/$name" "$path" $objects -lm -lpthread
    echo "== neon: $name"
    "$run" "$out/$name"
done
