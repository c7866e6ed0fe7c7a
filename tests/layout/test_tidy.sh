# How the tree is kept: a README a folder, a list.h a family, no unfinished business, no giant files, unique names.
cd "$SOURCE" || exit 1
failures=0
fault() { echo "$*"; failures=$((failures + 1)); }

for folder in src/*/; do
    folder=${folder%/}
    ls "$folder"/*.c >/dev/null 2>&1 || continue
    [ -f "$folder/README.md" ] || { fault "$folder has no README.md"; continue; }
    lines=$(wc -l <"$folder/README.md")
    [ "$lines" -le 60 ] || fault "$folder/README.md has $lines lines; a page is 60"
done

# Families: folders whose members are rows of a table.
for family in formats kernels tokenizers report models engines experiments cli; do
    ls src/$family/*.c >/dev/null 2>&1 || continue
    [ -f src/$family/list.h ] || fault "src/$family has members and no list.h"
done

# A file that must name these words says so by holding them in pieces, as this one does.
words="TO""DO|FIX""ME|XX""X"
hits=$(grep -rnE "\b($words)\b" --include='*.[ch]' --include='*.sh' --include='*.py' --include='*.md' --include='*.cmake' \
    --include='CMakeLists.txt' src include tests tools docs examples cmake ./*.sh ./*.md engines configs 2>/dev/null)
[ -z "$hits" ] || fault "unfinished business:
$hits"

for file in src/*/*.[ch] include/*.h tests/*/*.c; do
    lines=$(wc -l <"$file")
    [ "$lines" -le 1200 ] || fault "$file has $lines lines; split it by subject"
done

twice=$(for file in src/*/*.[ch]; do echo "${file##*/}"; done | grep -v '^list\.h$' | sort | uniq -d)
[ -z "$twice" ] || fault "names used twice below src/: $twice"
twice=$(for file in tests/*/test_*.c tests/*/slow_*.c; do echo "${file##*/}"; done | sort | uniq -d)
[ -z "$twice" ] || fault "names used twice below tests/: $twice"
exit $((failures > 0))
