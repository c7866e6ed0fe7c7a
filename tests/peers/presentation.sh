#!/bin/sh
# The slide deck through the real typst: it compiles, has a page for each picture, and is the same bytes twice.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
PATH=$(dirname "$PYTHON"):$PATH
export PATH XDG_CACHE_HOME="$dir"

"$PRONY" plot "$SOURCE/tests/report/fixtures/made_up" --presentation --out "$dir/deck" -q
cp "$dir/deck/presentation.pdf" "$dir/first.pdf"
"$PRONY" plot "$SOURCE/tests/report/fixtures/made_up" --presentation --out "$dir/deck" -q
cmp "$dir/first.pdf" "$dir/deck/presentation.pdf"

# names that would be markup, in the place of a model's
cp -r "$SOURCE/tests/report/fixtures/made_up" "$dir/run"
find "$dir/run" -name '*.txt' -exec sed -i 's|llama3-1b|<script> \& 100% \\\\_{x}$ #let "]|; s|"model":"<script> & 100% \\\\_{x}$ #let "]"|"model":"<script> \& 100% \\\\_{x}$ #let \\"]"|' {} +
"$PRONY" plot "$dir/run" --presentation --out "$dir/hostile" -q

"$PYTHON" - "$dir" <<'PY'
import sys
from pathlib import Path
import typst

for deck in ("deck", "hostile"):
    folder = Path(sys.argv[1]) / deck
    pages = typst.compile(str(folder / "presentation.typ"), format="png", ppi=20)
    pictures = len(list((folder / "images").glob("*.png")))
    assert pictures > 0 and len(pages) >= pictures + 3, (deck, len(pages), pictures)
    print(deck, len(pages), "pages,", pictures, "pictures")
PY
