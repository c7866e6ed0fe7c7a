#!/bin/sh
# Installs what is missing, builds with warnings as errors, runs all tests: with address and undefined-behaviour
# sanitizers first, then of the release build. The last lines are ctest's.
#
#   sh check.sh                      what must hold before a change is taken (minutes)
#   sh check.sh --full               also the slow tests, the thread sanitizer, the kernels for AArch64 under qemu, and each
#                                    fuzz target for a minute
#   sh check.sh --full --fuzz-seconds 600
#   sh check.sh --peers              also compares with other programs, installed from PyPI below ~/.cache/prony/peers
set -eu
cd "$(dirname "$0")"

full= peers= fuzz_seconds=60
while [ $# -gt 0 ]; do
    case $1 in
    --full) full=yes ;;
    --peers) peers=yes ;;
    --fuzz-seconds) fuzz_seconds=$2; shift ;;
    *) sed -n '2,10s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
    esac
    shift
done

sh tools/install.sh build check ${full:+fuzz cross} ${peers:+peers}
if command -v ccache >/dev/null; then
    export CMAKE_C_COMPILER_LAUNCHER=ccache
fi
jobs=$(getconf _NPROCESSORS_ONLN)

build() { # build PRESET FOLDER
    echo "== build: $1"
    said=$(cmake --preset "$1" 2>&1) || { echo "$said"; exit 1; }
    ninja -C "$2"
}

build release build
build debug build-debug
echo "== tests with address and undefined-behaviour sanitizers"
ctest --test-dir build-debug -j "$jobs" --output-on-failure

if [ -n "$full" ]; then
    build tsan build-tsan
    echo "== tests with the thread sanitizer"
    ctest --test-dir build-tsan -j "$jobs" --output-on-failure
    echo "== kernels for AArch64"
    sh tests/cross/neon.sh
    build fuzz build-fuzz
    for target in build-fuzz/tests/fuzz_*; do
        [ -x "$target" ] || continue
        name=${target##*/fuzz_}
        echo "== fuzz: $name for $fuzz_seconds s"
        mkdir -p "build-fuzz/corpus/$name"
        "$target" -max_total_time="$fuzz_seconds" -rss_limit_mb=2048 -timeout=25 -print_final_stats=1 -verbosity=0 \
            -artifact_prefix="build-fuzz/crash-$name-" "build-fuzz/corpus/$name" "tests/fuzz/corpus/$name"
    done
fi

if [ -n "$peers" ]; then
    venv=${XDG_CACHE_HOME:-$HOME/.cache}/prony/peers
    if ! cmp -s tests/peers/requirements.txt "$venv/installed.txt"; then
        python3 -m venv "$venv"
        "$venv/bin/pip" install -q -r tests/peers/requirements.txt
        cp tests/peers/requirements.txt "$venv/installed.txt"
    fi
    for script in tests/peers/*.sh; do
        [ -e "$script" ] || continue
        echo "== peers: $script"
        SOURCE=$PWD BUILD=$PWD/build PRONY=$PWD/build/prony PYTHON=$venv/bin/python sh "$script"
    done
fi

echo "== tests"
ctest --test-dir build -j "$jobs" --output-on-failure ${full:+-C full}
