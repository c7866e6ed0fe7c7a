/* receive_stamp.h - when the bytes that wait in a socket came in.
 *
 *     receive_stamp_enable(fd);                         // once, when the socket is made
 *     ... the socket is readable ...
 *     int64_t at = receive_stamp(fd, 2048, &waiting);   // before anything is read from it
 *
 * The kernel notes when a segment arrived, however late this process comes to read it: the difference is our own lag,
 * which must not count as the server's. Where it notes nothing (some first packets), the answer is RECEIVE_UNSTAMPED and
 * the caller's clock has to do. For TCP only.
 *
 * The stamp is that of the last segment of the `waiting` bytes: an event that shared them with later ones is dated with
 * those, never before it was whole. So a stream is best read in small pieces. Over TLS it dates the record that an event
 * came in.
 */
#ifndef NET_RECEIVE_STAMP_H
#define NET_RECEIVE_STAMP_H

#include <stddef.h>
#include <stdint.h>

#define RECEIVE_UNSTAMPED INT64_MIN

void receive_stamp_enable(int fd);
/* On CLOCK_MONOTONIC, never in the future. Reads nothing from the socket. */
int64_t receive_stamp(int fd, size_t most, size_t *waiting); /* of at most so many bytes */

#endif
