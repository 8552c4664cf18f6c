/* Not open_memstream: a script may call setvbuf, and that breaks such a stream. */
#define _GNU_SOURCE /* fopencookie */

#include "capture.h"

#include "host.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

enum { LEAST_ROOM_BYTES = 256 };

static ssize_t append(void *cookie, const char *bytes, size_t length) {
    capture *c = cookie;
    if (length > c->room - c->length) {
        size_t room = c->room + c->room / 2 + length + LEAST_ROOM_BYTES;
        char *moved = realloc(c->bytes, room);
        if (moved == NULL)
            return 0; /* the script's write fails */
        c->bytes = moved;
        c->room = room;
    }
    memcpy(c->bytes + c->length, bytes, length);
    c->length += length;
    return (ssize_t)length;
}

void capture_init(capture *c) {
    *c = (capture){.stream = NULL};
    c->stream = fopencookie(c, "w", (cookie_io_functions_t){.write = append});
    if (c->stream == NULL)
        host_give_up("a stream for a state's output", errno);
}

void capture_seal(capture *c) {
    if (fclose(c->stream) != 0)
        host_give_up("a state's output", ENOMEM);
    c->stream = NULL;
}

void capture_fini(capture *c) {
    free(c->bytes);
    *c = (capture){.stream = NULL};
}
