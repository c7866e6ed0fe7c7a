# What the program writes of itself: every command is in the man pages and in the completion of each shell.
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
fail() { echo "$*"; exit 1; }

"$PRONY" man "$dir/man" || fail "prony man"
commands=$("$PRONY" help | sed -n 's/^  \([a-z]*\) .*/\1/p')
[ -n "$commands" ] || fail "prony help lists no command"
for c in $commands; do
    page=$dir/man/prony-$c.1
    [ -s "$page" ] || fail "no man page of $c"
    grep -q '^.SH EXAMPLES\|^.SH ACTIONS' "$page" || fail "$page has neither examples nor actions"
    "$PRONY" "$c" --help | grep -q '^Examples:\|^Actions:' || fail "help of $c has neither examples nor actions"
    "$PRONY" completion fish | grep -q -- "-a $c " || fail "fish does not complete $c"
done
grep -q "man(1)\|prony-man" "$dir"/man/* && fail "the hidden command is shown"
if command -v groff >/dev/null; then
    for page in "$dir"/man/*.1; do
        groff -man -Tutf8 -ww -z "$page" 2>"$dir/ERR" && [ ! -s "$dir/ERR" ] || fail "$page: $(cat "$dir/ERR")"
    done
fi

"$PRONY" completion tcsh 2>"$dir/ERR" && fail "completion for tcsh was claimed"
for shell in bash zsh fish; do
    "$PRONY" completion $shell >"$dir/$shell" || fail "completion $shell"
    command -v $shell >/dev/null || { echo "$shell is not installed: its script was not read by it"; continue; }
    $shell -n "$dir/$shell" || fail "$shell does not read its script"
done
command -v bash >/dev/null || exit 0
# complete WORDS...: what bash offers for the last of them.
complete_words() {
    bash -c '. "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _prony; printf "%s\n" "${COMPREPLY[@]}"' "$dir/bash" "$@"
}
complete_words prony comp | grep -qx completion || fail "bash: no completion of a command"
complete_words prony completion --ver | grep -qx -- --verbose || fail "bash: no completion of a switch"
exit 0
