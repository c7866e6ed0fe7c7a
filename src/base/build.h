/* build.h - what this build is: for --version and fingerprints. */
#ifndef BASE_BUILD_H
#define BASE_BUILD_H

const char *build_version(void);  /* "0.1.0" */
const char *build_commit(void);   /* "1a2b3c4d5e6f", "-dirty" added, or "unknown" */
const char *build_compiler(void); /* "GNU 12.2.0" */
const char *build_type(void);     /* "Release" */
const char *build_flags(void);    /* "-O2 -g1": what the type adds; CMakeLists.txt has the rest */

#endif
