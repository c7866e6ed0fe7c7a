#include "engines/python_model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "engines/python_engine.h"
#include "formats/model_file.h"
#include "transform/convert.h"

/* "~/.cache/prony/converted/HEX": the same weights are converted once. */
static char *folder_of(const struct model_file *f, struct err *err)
{
    char hex[65];
    char *home = engine_home("", err), *path = NULL;
    if (home && model_file_sha256(f, hex, NULL, NULL, err) == 0)
        path = mem_printf(err, "%s../converted/%.32s", home, hex);
    free(home);
    return path;
}

static int convert(char **path, const struct model_file *f, struct err *err)
{
    struct convert_report report;
    char *folder = folder_of(f, err), *config = folder ? path_join(folder, "config.json", err) : NULL;
    int rc = config ? 0 : -1;
    if (rc == 0 && !file_exists(config)) {
        char *part = mem_printf(err, "%s.%ld", folder, (long)getpid());
        rc = part ? convert_model(model_file_path(f), part, &(struct convert_options){.type = NULL}, &report, err) : -1;
        /* whoever comes first has made it; both are the same */
        if (rc == 0 && rename(part, folder) < 0 && !file_exists(config))
            rc = err_set(err, ERR_IO, "cannot make the folder '%s'", folder);
        free(part);
    }
    free(config);
    if (rc == 0)
        *path = folder;
    else
        free(folder);
    return rc;
}

int python_model(char **path, const char *model, bool takes_gguf, const char *engine, struct err *err)
{
    struct model_file *f;
    TRY(model_file_open(&f, model, err));
    int rc = 0;
    if (str_eq(model_file_format(f), "safetensors") || (takes_gguf && str_eq(model_file_format(f), "gguf"))) {
        *path = mem_strdup(str_eq(model_file_format(f), "gguf") ? model_file_path(f) : model_file_dir(f), err);
        rc = *path ? 0 : -1;
    } else {
        rc = convert(path, f, err);
        if (rc < 0)
            err_context(err, "engine '%s' loads Hugging Face folders, and '%s' could not be converted", engine, model);
    }
    model_file_close(f);
    return rc;
}
