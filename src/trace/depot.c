#include "trace/depot.h"

#include "base/atomics.h"
#include "base/bits.h"
#include "base/check.h"
#include "os/os.h"

#include <assert.h>
#include <string.h>

enum {
    BUCKETS = 1 << 18, /* a chain is seven entries long where the store is full */
    GRAIN_BYTES = 8,   /* a number counts these */
    READY_BYTES = 256 << 10,
    LEAST_BYTES = 2 << 20, /* the store is smaller where address space is */
    MOST_WORDS = FI_DEPOT_MOST_FRAMES
};

static_assert(FI_DEPOT_MOST_TEXT_BYTES <= MOST_WORDS * sizeof(uint64_t), "a text fits an entry");
static_assert(sizeof(uintptr_t) == sizeof(uint64_t), "a frame is a word");

typedef enum entry_kind { KIND_STACK = 1, KIND_TEXT, KIND_JOINT } entry_kind;

/* Written before it is in a chain, and never again. */
typedef struct entry {
    uint32_t next; /* of the same bucket; 0: the last */
    uint32_t hash;
    uint16_t bytes; /* of the content, which is filled up with zeros to whole words */
    uint8_t kind;
    uint64_t words[]; /* a stack's frames; a text; a joint's text (upper half) and stack */
} entry;

/* The start of the reservation. The rest is entries, up to `used`. */
typedef struct depot {
    size_t bytes; /* of the reservation */
    size_t used;  /* grows by compare-and-swap */
    size_t ready; /* writable up to here, at least */
    uint32_t buckets[BUCKETS];
} depot;

static depot *the_depot;

/* ---- memory ---- */

/* Two threads may both make one: the second gives its own back. */
static depot *open_depot(void) {
    size_t bytes = FI_DEPOT_BYTES;
    depot *d = NULL, *other = NULL;
    while ((d = fi_os_reserve(bytes, fi_os_page_bytes())) == NULL && bytes > LEAST_BYTES)
        bytes /= 2;
    if (d == NULL)
        return NULL;
    size_t start = fi_round_up(sizeof *d, fi_os_page_bytes());
    if (!fi_os_commit(d, start)) {
        fi_os_release(d, bytes);
        return NULL;
    }
    d->bytes = bytes;
    d->used = fi_round_up(sizeof *d, GRAIN_BYTES);
    d->ready = start;
    if (fi_cas_acq_rel(&the_depot, &other, d))
        return d;
    fi_os_release(d, bytes);
    return other;
}

static FI_COLD depot *find_depot_slow(void) {
    depot *d = fi_load_acquire(&the_depot);
    return d != NULL ? d : open_depot();
}

static depot *find_depot(void) {
    depot *d = fi_load_acquire(&the_depot);
    return FI_LIKELY(d != NULL) ? d : find_depot_slow();
}

/* To commit what another thread commits, or has in use, does no harm. */
static FI_SLOW bool make_ready_slow(depot *d, size_t end) {
    size_t ready = fi_load_relaxed(&d->ready);
    while (ready < end) {
        size_t more = d->bytes - ready < READY_BYTES ? d->bytes - ready : READY_BYTES;
        if (!fi_os_commit((char *)d + ready, more))
            return false;
        if (fi_cas_acq_rel(&d->ready, &ready, ready + more))
            ready += more;
    }
    return true;
}

/* Offset of `bytes` that are the caller's; 0 if there is no room. */
static size_t claim(depot *d, size_t bytes) {
    size_t at = fi_load_relaxed(&d->used);
    do {
        if (bytes > d->bytes - at)
            return 0;
        if (at + bytes > fi_load_relaxed(&d->ready) && !make_ready_slow(d, at + bytes))
            return 0;
    } while (!fi_cas_acq_rel(&d->used, &at, at + bytes));
    return at;
}

/* Works if nobody has claimed since; else the bytes are lost. */
static void unclaim(depot *d, size_t at, size_t bytes) {
    size_t end = at + bytes;
    (void)fi_cas_acq_rel(&d->used, &end, at);
}

/* ---- content ---- */

/* Two lanes, so that one multiplication does not wait for the other. */
static uint32_t hash_words(entry_kind kind, const uint64_t *words, size_t bytes) {
    const uint64_t odd = UINT64_C(0x9E3779B97F4A7C15);
    size_t count = fi_divide_up(bytes, sizeof *words), i = 0;
    uint64_t a = odd + bytes, b = (uint64_t)kind;
    for (; i + 1 < count; i += 2) {
        a = (a ^ words[i]) * odd;
        b = (b ^ words[i + 1]) * odd;
        a ^= a >> 32;
        b ^= b >> 32;
    }
    if (i < count)
        a = (a ^ words[i]) * odd;
    return (uint32_t)((((a ^ a >> 29) * odd) ^ b) * odd >> 32);
}

static entry *entry_at(const depot *d, uint32_t number) {
    return (entry *)((char *)d + (size_t)number * GRAIN_BYTES);
}

typedef struct content {
    const uint64_t *words;
    size_t bytes;
    uint32_t hash;
    entry_kind kind;
} content;

/* In the chain from `number` on, before `end`; 0: it is not there. */
static uint32_t find_in_chain(const depot *d, uint32_t number, uint32_t end, const content *c) {
    for (; number != end; number = entry_at(d, number)->next) {
        const entry *e = entry_at(d, number);
        if (e->hash == c->hash && e->bytes == c->bytes && e->kind == c->kind &&
            memcmp(e->words, c->words, fi_round_up(c->bytes, sizeof(uint64_t))) == 0)
            return number;
    }
    return 0;
}

/* `head` is what the bucket began with when the content was not there. What came since is looked through before
 * the new entry goes in, so that equal stacks have one number. */
static FI_SLOW uint32_t insert_slow(depot *d, const content *c, uint32_t head) {
    uint32_t *bucket = &d->buckets[c->hash % BUCKETS];
    size_t bytes = sizeof(entry) + fi_round_up(c->bytes, sizeof(uint64_t));
    bytes = fi_round_up(bytes, GRAIN_BYTES);
    size_t at = claim(d, bytes);
    if (at == 0)
        return 0;
    uint32_t number = (uint32_t)(at / GRAIN_BYTES);
    entry *e = entry_at(d, number);
    e->hash = c->hash;
    e->bytes = (uint16_t)c->bytes;
    e->kind = (uint8_t)c->kind;
    memcpy(e->words, c->words, fi_round_up(c->bytes, sizeof(uint64_t)));
    e->next = head;
    while (!fi_cas_acq_rel(bucket, &head, number)) {
        uint32_t found = find_in_chain(d, head, e->next, c);
        if (found != 0) {
            unclaim(d, at, bytes);
            return found;
        }
        e->next = head;
    }
    return number;
}

static uint32_t put(entry_kind kind, const uint64_t *words, size_t bytes) {
    depot *d = find_depot();
    if (d == NULL)
        return 0;
    content c = {words, bytes, hash_words(kind, words, bytes), kind};
    uint32_t head = fi_load_acquire(&d->buckets[c.hash % BUCKETS]);
    uint32_t found = find_in_chain(d, head, 0, &c);
    return FI_LIKELY(found != 0) ? found : insert_slow(d, &c, head);
}

uint32_t fi_depot_put(const uintptr_t *pcs, size_t count) {
    if (count == 0)
        return 0;
    count = count < FI_DEPOT_MOST_FRAMES ? count : FI_DEPOT_MOST_FRAMES;
    return put(KIND_STACK, (const uint64_t *)pcs, count * sizeof *pcs);
}

uint32_t fi_depot_put_text(uint32_t stack, const char *text, size_t bytes) {
    uint64_t words[MOST_WORDS];
    bytes = bytes < FI_DEPOT_MOST_TEXT_BYTES ? bytes : FI_DEPOT_MOST_TEXT_BYTES;
    if (bytes == 0)
        return stack;
    words[(bytes - 1) / sizeof *words] = 0;
    memcpy(words, text, bytes);
    uint32_t number = put(KIND_TEXT, words, bytes);
    if (number == 0)
        return stack;
    uint64_t joint = (uint64_t)number << 32 | stack;
    uint32_t both = put(KIND_JOINT, &joint, sizeof joint);
    return both != 0 ? both : stack;
}

/* ---- reading ---- */

/* A number may come from memory that a program has overwritten: what is no entry fails its own hash. */
static const entry *find_entry(uint32_t number) {
    const depot *d = fi_load_acquire(&the_depot);
    size_t at = (size_t)number * GRAIN_BYTES;
    size_t used = d != NULL ? fi_load_acquire(&d->used) : 0;
    if (d == NULL || at < sizeof *d || at + sizeof(entry) > used)
        return NULL;
    const entry *e = entry_at(d, number);
    size_t room = used - at - sizeof(entry);
    if (e->bytes > MOST_WORDS * sizeof(uint64_t) || fi_round_up(e->bytes, sizeof(uint64_t)) > room)
        return NULL;
    return hash_words((entry_kind)e->kind, e->words, e->bytes) == e->hash ? e : NULL;
}

static bool read_stack(uint32_t number, fi_stack *out) {
    const entry *e = find_entry(number);
    if (e == NULL || e->kind != KIND_STACK)
        return false;
    out->pcs = (const uintptr_t *)e->words;
    out->count = e->bytes / sizeof(uintptr_t);
    return true;
}

bool fi_depot_get(uint32_t number, fi_stack *out) {
    *out = (fi_stack){.text = ""};
    const entry *e = find_entry(number);
    if (e == NULL)
        return false;
    if (e->kind == KIND_STACK)
        return read_stack(number, out);
    if (e->kind != KIND_JOINT)
        return false;
    const entry *text = find_entry((uint32_t)(e->words[0] >> 32));
    if (text == NULL || text->kind != KIND_TEXT)
        return false;
    out->text = (const char *)text->words;
    out->text_bytes = text->bytes;
    return (uint32_t)e->words[0] == 0 || read_stack((uint32_t)e->words[0], out);
}

size_t fi_depot_used_bytes(void) {
    const depot *d = fi_load_acquire(&the_depot);
    return d != NULL ? fi_load_relaxed(&d->used) : 0;
}
