#include "net/receive_stamp.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

#include "base/clock.h"

enum { PEEK = 1 << 16 }; /* the most that is asked for at a time */

static const int64_t OLDEST_NS = 60 * INT64_C(1000000000); /* an older one means that the day's clock was set */

void receive_stamp_enable(int fd)
{
    int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on); /* without it there are only no stamps */
}

int64_t receive_stamp(int fd, size_t most, size_t *waiting)
{
    char scratch[PEEK], control[128];
    /* MSG_TRUNC: a stream's bytes are counted, not copied */
    struct iovec room = {.iov_base = scratch, .iov_len = most < sizeof scratch ? most : sizeof scratch};
    struct msghdr m = {.msg_iov = &room, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct timespec day;
    *waiting = 0;
    ssize_t n = recvmsg(fd, &m, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT);
    if (n <= 0)
        return RECEIVE_UNSTAMPED;
    *waiting = (size_t)n;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
        struct timespec came;
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS)
            continue;
        memcpy(&came, CMSG_DATA(c), sizeof came);
        clock_gettime(CLOCK_REALTIME, &day);
        int64_t ago = (day.tv_sec - came.tv_sec) * INT64_C(1000000000) + day.tv_nsec - came.tv_nsec;
        return ago >= 0 && ago < OLDEST_NS ? clock_ns() - ago : RECEIVE_UNSTAMPED;
    }
    return RECEIVE_UNSTAMPED;
}
