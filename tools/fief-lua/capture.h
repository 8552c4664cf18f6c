/* capture.h - a stream that ends in memory: what a script writes. The memory is malloc's, not the tenant's, so
 * that talking much costs a state nothing of its limit. */
#ifndef FIEF_LUA_CAPTURE_H
#define FIEF_LUA_CAPTURE_H

#include <stdio.h>

typedef struct capture {
    FILE *stream; /* open from init to seal */
    char *bytes;  /* what was written is complete after seal, and there until fini */
    size_t length;
    size_t room;
} capture;

/* The address must not change before seal: the stream keeps it. */
void capture_init(capture *c);
void capture_seal(capture *c);
void capture_fini(capture *c);

#endif
