#include "machine/procmem.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine/sysfile.h"

static int64_t kb(const char *text, const char *key)
{
    char value[64];
    return sysfile_field(value, sizeof value, text, key) ? strtoll(value, NULL, 10) * 1024 : 0;
}

/* A tree deeper than any engine's; a process that forks without end must not exhaust the stack. */
enum { DEPTH_MAX = 32 };

static void add(struct procmem *m, pid_t pid, int depth)
{
    char path[128], text[8192];
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    if (depth > DEPTH_MAX || !sysfile_text(text, sizeof text, NULL, path))
        return;
    m->processes++;
    m->rss += kb(text, "VmRSS");
    m->anonymous += kb(text, "RssAnon");
    m->peak += kb(text, "VmHWM");
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *tasks = opendir(path); /* children hang on the thread that made them */
    for (struct dirent *task; tasks && (task = readdir(tasks));) {
        if (task->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "/proc/%d/task/%.20s/children", (int)pid, task->d_name);
        if (!sysfile_text(text, sizeof text, NULL, path))
            continue;
        char *rest = NULL;
        for (char *child = strtok_r(text, " ", &rest); child; child = strtok_r(NULL, " ", &rest))
            add(m, (pid_t)strtol(child, NULL, 10), depth + 1);
    }
    if (tasks)
        closedir(tasks);
}

void procmem_read(struct procmem *out, pid_t pid)
{
    *out = (struct procmem){0};
    add(out, pid, 0);
}

int64_t procmem_pss(pid_t pid)
{
    char path[64], text[4096];
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)pid);
    if (!sysfile_text(text, sizeof text, NULL, path))
        return -1;
    char value[64];
    return sysfile_field(value, sizeof value, text, "Pss") ? strtoll(value, NULL, 10) * 1024 : -1;
}
