#!/bin/sh
# The llama.cpp that prony is compared with, pinned: the source package of llama-cpp-python from PyPI carries it. Kept
# below ~/.cache/prony; the second call finds what the first made.
#
#   sh tools/llamacpp.sh source    prints the folder of its sources (its converter is there), downloading them if need be
#   sh tools/llamacpp.sh bin       prints the folder of its programs, building them if need be (minutes)
#
# LLAMACPP_BIN names a folder of programs that are there already. PYTHON is a python with pip, else a new environment.
set -eu
version=0.3.36
cache=${XDG_CACHE_HOME:-$HOME/.cache}/prony
kept=$cache/llama_cpp_python-$version
source=$kept/vendor/llama.cpp
programs="llama-bench llama-quantize llama-imatrix llama-perplexity llama-completion llama-server"

fetch() {
    [ ! -d "$source" ] || return 0
    mkdir -p "$cache"
    got=$(mktemp -d "$cache/download.XXXXXX")
    if [ -z "${PYTHON:-}" ]; then
        python3 -m venv "$got/venv" >&2
        PYTHON=$got/venv/bin/python
    fi
    "$PYTHON" -m pip download -q --no-deps --no-binary :all: -d "$got" "llama-cpp-python==$version" >&2
    tar xzf "$got/llama_cpp_python-$version.tar.gz" -C "$got"
    mv "$got/llama_cpp_python-$version" "$kept"
    rm -rf "$got"
}

build() {
    cmake -S "$source" -B "$source/build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DLLAMA_CURL=OFF -DLLAMA_BUILD_TESTS=OFF \
        -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_SERVER=ON >"$source/build.log" 2>&1 &&
        # shellcheck disable=SC2086  # a list of names
        ninja -C "$source/build" $programs >>"$source/build.log" 2>&1 || {
        tail -20 "$source/build.log" >&2
        echo "llamacpp.sh: llama.cpp does not build; all of it: $source/build.log" >&2
        exit 1
    }
}

case ${1:-} in
source)
    fetch
    echo "$source"
    ;;
bin)
    if [ -z "${LLAMACPP_BIN:-}" ]; then
        fetch
        LLAMACPP_BIN=$source/build/bin
        for program in $programs; do
            [ -x "$LLAMACPP_BIN/$program" ] || { build; break; }
        done
    fi
    echo "$LLAMACPP_BIN"
    ;;
*)
    sed -n '2,8s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
