#include "base/build.h"

#include "build_info.h"

const char *build_version(void)
{
    return PRONY_BUILD_VERSION;
}

const char *build_commit(void)
{
    return PRONY_BUILD_COMMIT;
}

const char *build_compiler(void)
{
    return PRONY_BUILD_COMPILER;
}

const char *build_type(void)
{
    return PRONY_BUILD_TYPE;
}

const char *build_flags(void)
{
    return PRONY_BUILD_FLAGS;
}
