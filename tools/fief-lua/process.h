/* process.h - what the whole process takes: resident memory and time. */
#ifndef FIEF_LUA_PROCESS_H
#define FIEF_LUA_PROCESS_H

#include <stddef.h>
#include <stdint.h>

typedef struct process_memory {
    size_t resident_bytes;
    size_t anonymous_bytes; /* of it: not the pages of a file, such as a library's code */
} process_memory;

process_memory process_memory_now(void);
size_t process_peak_resident_bytes(void); /* since the process began */

uint64_t process_clock_ns(void);        /* runs on evenly */
uint64_t process_thread_clock_ns(void); /* processor time of the calling thread */

/* What the host has freed must not be taken for the tenants' memory: one malloc arena, and a way to give it back.
 */
void process_prepare_malloc(void);
void process_trim_malloc(void);

#endif
