# Turns files into constants of the program: FILES is a list of NAME=PATH, OUT the C file; each becomes
# `const char NAME[]`.
file(WRITE ${OUT}.new "/* Made by cmake/embed.cmake. */\n#include \"report/html_files.h\"\n")
foreach(entry IN LISTS FILES)
  string(FIND "${entry}" "=" at)
  string(SUBSTRING "${entry}" 0 ${at} name)
  math(EXPR at "${at} + 1")
  string(SUBSTRING "${entry}" ${at} -1 path)
  file(READ ${path} bytes HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "\\\\x\\1" bytes "${bytes}")
  string(REGEX REPLACE "(................................................................)" "\\1\"\n\"" bytes "${bytes}")
  file(APPEND ${OUT}.new "\nconst char ${name}[] =\n\"${bytes}\";\n")
endforeach()
file(RENAME ${OUT}.new ${OUT})
