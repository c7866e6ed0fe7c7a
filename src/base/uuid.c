#include "base/uuid.h"

#include <errno.h>
#include <stdio.h>
#include <sys/random.h>

#include "base/clock.h"

void uuid_from(char out[UUID_TEXT], uint64_t real_ms, const uint8_t random[10])
{
    uint8_t b[16];
    for (int i = 0; i < 6; i++)
        b[i] = (uint8_t)(real_ms >> (40 - 8 * i));
    for (int i = 0; i < 10; i++)
        b[6 + i] = random[i];
    b[6] = (uint8_t)(0x70 | (b[6] & 0x0F)); /* version 7 */
    b[8] = (uint8_t)(0x80 | (b[8] & 0x3F)); /* variant 10 */
    char *to = out;
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *to++ = '-';
        snprintf(to, 3, "%02x", b[i]);
        to += 2;
    }
}

int uuid_make(char out[UUID_TEXT], struct err *err)
{
    uint8_t random[10];
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return err_set_errno(err, errno, "cannot get random bytes");
    uuid_from(out, (uint64_t)clock_real_ms(), random);
    return 0;
}
