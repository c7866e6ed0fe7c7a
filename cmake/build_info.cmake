# Writes build_info.h (version, commit, compiler, flags), touching it only when something changed.
execute_process(COMMAND git -C ${SOURCE} rev-parse --short=12 HEAD OUTPUT_VARIABLE COMMIT ERROR_QUIET
  OUTPUT_STRIP_TRAILING_WHITESPACE)
if(COMMIT)
  execute_process(COMMAND git -C ${SOURCE} status --porcelain --untracked-files=no OUTPUT_VARIABLE DIRTY ERROR_QUIET)
  if(DIRTY)
    string(APPEND COMMIT "-dirty")
  endif()
else()
  set(COMMIT "unknown")
endif()
set(text "#define PRONY_BUILD_VERSION \"${VERSION}\"
#define PRONY_BUILD_COMMIT \"${COMMIT}\"
#define PRONY_BUILD_COMPILER \"${COMPILER}\"
#define PRONY_BUILD_TYPE \"${BUILD_TYPE}\"
#define PRONY_BUILD_FLAGS \"${FLAGS}\"
")
set(old "")
if(EXISTS ${OUT})
  file(READ ${OUT} old)
endif()
if(NOT old STREQUAL text)
  file(WRITE ${OUT} "${text}")
endif()
