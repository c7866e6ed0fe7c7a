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
# A manifest is run through the library: cells run in the installed program, found beside it.
cat >"$dir/run.c" <<'C'
#include <prony.h>
#include <stdio.h>
int main(int argc, char **argv)
{
    struct prony_error error = {0};
    struct prony_run_options options = PRONY_RUN_OPTIONS_INIT;
    struct prony_run_outcome outcome;
    struct prony_results *results;
    struct prony_figure figure;
    options.out = argc > 2 ? argv[2] : NULL;
    if (prony_run(argv[1], &options, &outcome, &error) < 0 ||
        prony_results_open(&results, outcome.folder, NULL, &error) < 0) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    for (size_t i = 0; i < prony_results_count(results); i++)
        if (prony_results_figure(results, i, "decode_ms", &figure, NULL) == 0)
            printf("%s %g n=%zu\n", prony_results_text(results, i, "model"), figure.median, figure.n);
    printf("%zu cells, %zu failed, %zu samples\n", outcome.cells, outcome.failed, outcome.samples);
    prony_results_close(results);
    return 0;
}
C
cat >"$dir/run.yaml" <<'YAML'
name: x
engines: [{name: fake, options: {token_ms: 2}}]
models: {m: {}}
targets:
  - type: experiment
    name: x
    runs: []
    benchmarks:
      - id: latency
        config: {type: latency, prompt_lengths: [8], generation_lengths: [4], warmup_runs: 0, timed_runs: 1}
        models: [m]
        repeats: 2
YAML
# shellcheck disable=SC2086
cc -Wall -Wextra -Werror "$dir/run.c" $flags -o "$dir/run" || fail "run.c does not build"
"$dir/run" "$dir/run.yaml" "$dir/out" >"$dir/OUT" || fail "prony_run failed"
grep -qx 'm 8 n=2' "$dir/OUT" && grep -qx '1 cells, 0 failed, 2 samples' "$dir/OUT" || fail "prony_run: $(cat "$dir/OUT")"
"$dir/run" "$dir/run.yaml" >"$dir/OUT" 2>"$dir/ERR" && fail "prony_run took no folder"
"$dir/run" "$dir/nothing.yaml" "$dir/out" >"$dir/OUT" 2>"$dir/ERR" && fail "prony_run took a manifest that is not there"
grep -q nothing.yaml "$dir/ERR" || fail "prony_run does not name the manifest: $(cat "$dir/ERR")"

cmp -s "$dir/generate" "$dir/generate-static" && fail "the static example is the shared one"
exit 0
