/* Opening a large file reads its header and nothing else: a 2.5 GB GGUF (a sparse file, so it costs no disk) must not grow
 * this process by more than a little, and reading one tensor only by that tensor. */
#include "support/testing.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "formats/gguf_write.h"
#include "formats/model_file.h"

/* Bytes of files that are mapped and resident now. */
static size_t resident(void)
{
    size_t total = 0, all = 0, shared = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f || fscanf(f, "%zu %zu %zu", &total, &all, &shared) != 3) {
        print_message("SKIPPED: /proc/self/statm cannot be read\n");
        skip();
    }
    fclose(f);
    return all * (size_t)sysconf(_SC_PAGESIZE);
}

static void only_touched_pages_are_resident(void **state)
{
    (void)state;
    if (UNDER_TSAN) {
        print_message("SKIPPED: the thread sanitizer maps shadow pages of its own\n");
        skip();
    }
    struct err err = ERR_INIT;
    struct gguf_writer w;
    struct buf header = BUF_INIT(1 << 24);
    struct model_file *f;
    char path[5000], name[64];
    snprintf(path, sizeof path, "%s/large.gguf", test_dir());
    gguf_writer_init(&w);
    gguf_put_str(&w, "general.architecture", "llama");
    for (int i = 0; i < 80; i++) {
        snprintf(name, sizeof name, "blk.%d.ffn_up.weight", i);
        gguf_put_tensor(&w, name, DTYPE_F16, 2, (uint64_t[]){8192, 2048});
    }
    assert_ok(gguf_writer_header(&w, &header, &err));
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, header.data, header.len), header.len);
    if (ftruncate(fd, (off_t)(header.len + w.data_bytes)) < 0) {
        print_message("SKIPPED: '%s': no file of %" PRIu64 " bytes can be made here\n", path, w.data_bytes);
        skip();
    }
    close(fd);
    assert_true(w.data_bytes > 2500ull << 20);

    size_t before = resident();
    assert_ok(model_file_open(&f, path, &err));
    size_t opened = resident();
    assert_int_equal(model_file_n_tensors(f), 80);
    assert_true(opened < before + (1u << 20));
    const struct tensor *t = model_file_tensor(f, "blk.40.ffn_up.weight");
    volatile unsigned sum = 0;
    for (size_t i = 0; i < t->bytes; i += 4096)
        sum += ((const uint8_t *)t->data)[i];
    (void)sum;
    size_t read_one = resident();
    assert_true(read_one < opened + t->bytes + (4u << 20));
    assert_true(read_one > opened + t->bytes / 2); /* the measure does move */
    model_file_close(f);
    gguf_writer_release(&w);
    buf_release(&header);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_touched_pages_are_resident),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
