/* data_path.h - where the files that come with prony lie: configs/, models/, data/, engines/.
 *
 * Looked for in this order: $PRONY_DATA_DIR; the source tree, when the running object lies in a build folder of it;
 * share/prony below the prefix that it is installed under. No path is compiled in, so that a tree or a prefix can be
 * moved.
 */
#ifndef BASE_DATA_PATH_H
#define BASE_DATA_PATH_H

#include "base/err.h"

/* The folder that holds them, in a new string to free(). NULL and ERR_MISSING when there is none. */
char *data_dir(struct err *err);

/* The path of one of them ("configs/demo.yaml"), in a new string to free(). NULL and ERR_MISSING, naming where was
 * looked, when it is not there. */
char *data_path(const char *relative, struct err *err);

#endif
