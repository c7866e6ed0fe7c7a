# The law of the house: a folder of src/ includes its own headers and those of smaller rank, nothing else.
cd "$SOURCE" || exit 1
check() {
    awk '
    FNR == NR { if ($1 !~ /^#/ && NF == 2) rank[$2] = $1; next }
    match($0, /^[ \t]*#[ \t]*include[ \t]*"[^"]+"/) {
        split(FILENAME, part, "/"); own = part[2]
        target = $0; sub(/^[^"]*"/, "", target); sub(/".*/, "", target)
        if (target == "prony.h" || target == "build_info.h") next
        if (!(own in rank)) { print FILENAME ": folder " own " has no line in src/RANKS"; bad = 1; next }
        if (split(target, to, "/") != 2) { print FILENAME ":" FNR ": write \"folder/file.h\", not \"" target "\""; bad = 1; next }
        if (!(to[1] in rank)) { print FILENAME ":" FNR ": unknown folder in \"" target "\""; bad = 1; next }
        if (to[1] != own && rank[to[1]] + 0 >= rank[own] + 0) {
            print FILENAME ":" FNR ": " own " (rank " rank[own] ") must not include " target " (rank " rank[to[1]] ")"; bad = 1
        }
    }
    END { exit bad }' "$@"
}
check src/RANKS src/*/*.[ch] || exit 1

# docs/ARCHITECTURE.md has every folder, under its rank, and each has a README of a page.
for folder in $(awk '$1 !~ /^#/ && NF == 2 { print $1 "/" $2 }' src/RANKS); do
    rank=${folder%%/*} name=${folder#*/}
    [ -d "src/$name" ] || continue
    said=$(awk -v name="$name" '/^[0-9]\. / { rank = $1 + 0 } index($0, "`" name "/` -") { print rank; exit }' docs/ARCHITECTURE.md)
    [ "$said" = "$rank" ] || { echo "docs/ARCHITECTURE.md: src/$name is of rank $rank, said is '$said'"; exit 1; }
    [ "$(wc -l <"src/$name/README.md")" -le 60 ] || { echo "src/$name/README.md is no page"; exit 1; }
done

# The check must be able to fail: a base file that includes an engine header is refused.
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$scratch/src/base"
echo '#include "engines/engine.h"' >"$scratch/src/base/wrong.c"
cp src/RANKS "$scratch/src/"
cd "$scratch" || exit 1
if check src/RANKS src/base/wrong.c >/dev/null; then
    echo "the layer check accepted base including engines"
    exit 1
fi
echo "layers hold"
