# An installed prony: what lies under the prefix, which names the library shows, and that the examples build against it
# with pkg-config and run, shared and static.
grep -q '^PRONY_SANITIZE:STRING=.' "$BUILD/CMakeCache.txt" && { echo "a sanitized library is not for others: skipped"; exit 77; }
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
fail() { echo "$*"; exit 1; }

prefix=$dir/prefix
cmake --install "$BUILD" --prefix "$prefix" >"$dir/LOG" 2>&1 || { cat "$dir/LOG"; fail "cmake --install"; }
lib=$(find "$prefix/lib" -name libprony.so | head -1)
[ -n "$lib" ] || fail "no libprony.so"
for file in bin/prony include/prony.h share/man/man1/prony.1 share/man/man1/prony-help.1 \
    share/bash-completion/completions/prony share/zsh/vendor-completions/_prony share/fish/vendor_completions.d/prony.fish; do
    [ -s "$prefix/$file" ] || fail "$file is not installed"
done
"$prefix/bin/prony" --version >/dev/null || fail "the installed program does not start"

# The library shows prony_* and nothing else; each function of the header is there.
nm -D --defined-only "$lib" | awk '{ print $3 }' | sed 's/@.*//' | sort >"$dir/shown"
grep -v '^prony_' "$dir/shown" && fail "the shared library shows names that are not its own"
grep -o '\bprony_[a-z_]*(' "$prefix/include/prony.h" | tr -d '(' | sort -u >"$dir/promised"
[ -s "$dir/promised" ] || fail "prony.h promises nothing"
while read -r name; do
    grep -qx "$name" "$dir/shown" || fail "prony.h promises $name, and the library has no such function"
done <"$dir/promised"
nm -g --defined-only "$(dirname "$lib")/libprony.a" | awk 'NF == 3 { print $3 }' | grep -v '^prony_' &&
    fail "the static library shows names that are not its own"

export PKG_CONFIG_PATH="$(dirname "$lib")/pkgconfig"
flags=$(pkg-config --cflags --libs prony) || fail "pkg-config"
static=$(pkg-config --static --cflags prony) || fail "pkg-config --static"
needs=$(pkg-config --static --libs prony) || fail "pkg-config --static"
export LD_LIBRARY_PATH="$(dirname "$lib")"
for name in generate score; do
    # shellcheck disable=SC2086
    cc -Wall -Wextra -Werror "$SOURCE/examples/$name.c" $flags -lm -o "$dir/$name" || fail "$name does not build"
    # shellcheck disable=SC2086
    cc -Wall -Wextra -Werror $static "$SOURCE/examples/$name.c" "$(dirname "$lib")/libprony.a" ${needs#*-lprony} \
        -o "$dir/$name-static" || fail "$name does not build with the static library"
    for program in "$dir/$name" "$dir/$name-static"; do
        "$program" fake - "Once upon a time" >"$dir/OUT" || fail "$program failed"
        grep -q tokens "$dir/OUT" || fail "$program printed: $(cat "$dir/OUT")"
        "$program" fkae - x >"$dir/OUT" 2>"$dir/ERR" && fail "$program accepted an unknown engine"
        grep -q fkae "$dir/ERR" || fail "$program does not say which engine is wrong: $(cat "$dir/ERR")"
    done
done
cmp -s "$dir/generate" "$dir/generate-static" && fail "the static example is the shared one"
exit 0
