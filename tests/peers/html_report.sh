# The HTML report in a browser (Debian's chromium and chromium-driver): no error on its console, and the clicks work.
out=$(mktemp -d) || exit 1
trap 'rm -rf "$out"' EXIT
"$PRONY" run "$SOURCE/configs/demo.yaml" --num-prompts 2 --out "$out/run" --quiet >/dev/null &&
    "$PRONY" report "$out/run" --format html --out "$out" --quiet || exit 1
"$PYTHON" "$SOURCE/tests/peers/html_report.py" "$out/report.html"
