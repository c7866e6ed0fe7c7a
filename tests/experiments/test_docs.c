/* The tables in docs/ are those that the program checks with. */
#include "support/testing.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "engines/fake_options.h"
#include "engines/native_options.h"
#include "experiments/manifest.h"

static void holds(const char *path, const struct buf *table)
{
    struct err err = ERR_INIT;
    struct buf text = BUF_INIT(1 << 20);
    assert_ok(file_read(&text, path, 1 << 20, &err));
    for (const char *line = table->data; *line;) { /* by lines: an end of file may lack an empty one */
        size_t n = strcspn(line, "\n");
        if (n && !memmem(text.data, text.len, line, n))
            fail_msg("%s lacks the line\n%.*s", path, (int)n, line);
        line += n + (line[n] == '\n');
    }
    buf_release(&text);
}

static void tables_are_current(void **unused)
{
    (void)unused;
    struct buf b = BUF_INIT(1 << 20);
    manifest_markdown(&b);
    holds(SOURCE_DIR "/docs/MANIFEST.md", &b);
    buf_clear(&b);
    fake_options_help(&b);
    holds(SOURCE_DIR "/docs/ENGINES.md", &b);
    buf_clear(&b);
    native_options_help(&b);
    holds(SOURCE_DIR "/docs/ENGINES.md", &b);
    buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(tables_are_current)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
