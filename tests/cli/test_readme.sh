# What the README tells a newcomer to type works as it stands there.
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
cd "$SOURCE" || exit 1
sed -n 's/^    build\/prony /"$PRONY" /p' README.md | sed "s|demo-output|$dir/demo-output|g" >"$dir/lines"
[ "$(wc -l <"$dir/lines")" -ge 8 ] || { echo "README.md has only these lines of first steps:"; cat "$dir/lines"; exit 1; }
while IFS= read -r line; do
    eval "$line" </dev/null >"$dir/OUT" 2>&1 || { echo "$line"; cat "$dir/OUT"; exit 1; }
    [ -s "$dir/OUT" ] || [ "${line##* }" = chat ] || { echo "$line printed nothing"; exit 1; }
done <"$dir/lines"
