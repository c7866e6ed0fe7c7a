/* manifest_path.h - where a file or folder that a manifest names lies.
 *
 * Looked for as it is written, then from the folder of the manifest, then among prony's own data, so that a manifest works
 * from any folder, and one that was copied out of an installed prony still finds what came along.
 */
#ifndef EXPERIMENTS_MANIFEST_PATH_H
#define EXPERIMENTS_MANIFEST_PATH_H

#include "base/buf.h"
#include "base/err.h"

/* A new string to free(). One that is nowhere is a copy of `path`: it may be a key or ORG/REPO. */
char *manifest_path(const char *manifest, const char *path, struct err *err);

/* "'models/x', 'configs/models/x' and '/usr/share/prony/models/x'": where such a path was looked for. */
void manifest_path_places(struct buf *out, const char *manifest, const char *path);

#endif
