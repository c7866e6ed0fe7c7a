#!/bin/sh
# Installs what is missing, builds, measures what configs/demo.yaml asks, and shows what came out. Writes below
# demo-output/ alone.
set -eu
cd "$(dirname "$0")"

sh tools/install.sh build check
[ -e build/build.ninja ] || cmake -S . -B build -G Ninja >/dev/null
ninja -C build prony

build/prony run configs/demo.yaml --out demo-output
# The same samples in every form: a page, tables for a paper, pictures, SQL.
build/prony report demo-output --out demo-output/report
echo "To look at: demo-output/report/report.html, tables.tex, plots/, report.md"
