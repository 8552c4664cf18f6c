#include "arena/space.h"

#include "arena/map.h"
#include "base/atomics.h"
#include "base/bits.h"
#include "base/check.h"
#include "os/os.h"

enum {
    WORD_UNITS = 64,
    MOST_REGIONS = 64,
    LEAST_HORIZON_WORDS = 16, /* 256 MiB: what is given back rests at least that long */
    LEAST_WINDOW_UNITS = 256, /* 64 MiB */
    GROWTH_UNITS = 256
};

/* A reservation and the entries of the map that it backs. Searched word by word of the bitmap of used units; a
 * word serves either single units or larger spans, so that the ones never break up the others. */
typedef struct region {
    char *start;       /* address of first_slot */
    size_t first_slot; /* a multiple of WORD_UNITS, as is units */
    size_t units;
    size_t used;
    size_t horizon;            /* words from the start that have ever been searched */
    size_t single_at, span_at; /* units at which the next search begins */
    size_t single_words;       /* words that serve single units */
    size_t singles_used;       /* units of those that are taken */
} region;

static region regions[MOST_REGIONS];
static size_t region_count;

/* A bit for each word that serves single units. */
static uint64_t single_words[FI_MOST_UNITS / WORD_UNITS / 64];

static uint64_t *used_word(const region *r, size_t word) {
    return &fi_the_map.used[r->first_slot / WORD_UNITS + word];
}

static bool is_single(const region *r, size_t word) {
    size_t at = r->first_slot / WORD_UNITS + word;
    return (single_words[at / 64] >> (at % 64) & 1) != 0;
}

static void set_single(region *r, size_t word, bool single) {
    size_t at = r->first_slot / WORD_UNITS + word;
    uint64_t bit = UINT64_C(1) << (at % 64);
    r->single_words += (size_t)single - (size_t)is_single(r, word);
    single_words[at / 64] = single ? single_words[at / 64] | bit : single_words[at / 64] & ~bit;
}

/* ---- reservations ---- */

static bool add_region(char *start, size_t first_slot, size_t units) {
    if (region_count == MOST_REGIONS || units == 0)
        return false;
    regions[region_count] = (region){.start = start, .first_slot = first_slot, .units = units};
    fi_store_release(&region_count, region_count + 1);
    return true;
}

/* The window as one reservation. It starts anywhere, so it may wrap round in the map: two regions. */
static bool reserve_window(size_t units) {
    char *start = fi_os_reserve(units * FI_UNIT_BYTES, WORD_UNITS * FI_UNIT_BYTES);
    if (start == NULL)
        return false;
    size_t slot = fi_map_slot((uintptr_t)start, 0);
    size_t before_wrap = fi_the_map.units - slot < units ? fi_the_map.units - slot : units;
    add_region(start, slot, before_wrap);
    add_region(start + before_wrap * FI_UNIT_BYTES, 0, units - before_wrap);
    return true;
}

/* Where address space is scarce, a part of the window is reserved now and more when it is needed. */
bool fi_space_init(void) {
    size_t units = fi_os_address_budget() >> FI_UNIT_SHIFT;
    while (units >= LEAST_WINDOW_UNITS && !fi_map_init(units))
        units /= 2;
    if (units < LEAST_WINDOW_UNITS)
        return false;
    if (reserve_window(units))
        return true;
    for (size_t part = units / 4; part >= WORD_UNITS; part /= 2)
        if (reserve_window(part))
            return true;
    return true; /* a host's memory may still do */
}

static bool slots_overlap(size_t slot, size_t units) {
    if (slot + units > fi_the_map.units)
        return true;
    for (size_t i = 0; i < region_count; i++)
        if (slot < regions[i].first_slot + regions[i].units && regions[i].first_slot < slot + units)
            return true;
    for (size_t word = slot / WORD_UNITS; word < (slot + units) / WORD_UNITS; word++)
        if (fi_the_map.used[word] > (word == 0))
            return true;
    return false;
}

/* Wherever the kernel puts it, if those entries are free; else at the nearest addresses whose entries are. */
static bool reserve_region(size_t units) {
    size_t bytes = units * FI_UNIT_BYTES, alignment = WORD_UNITS * FI_UNIT_BYTES;
    char *start = fi_os_reserve(bytes, alignment);
    if (start == NULL)
        return false;
    size_t slot = fi_map_slot((uintptr_t)start, 0);
    if (!slots_overlap(slot, units))
        return add_region(start, slot, units);
    fi_os_release(start, bytes);
    for (size_t other = 0, tries = 0; other + units <= fi_the_map.units && tries < 64; other += units) {
        if (slots_overlap(other, units))
            continue;
        tries++;
        char *at = start - (slot - other) * FI_UNIT_BYTES; /* wraps round where other > slot */
        if (fi_os_reserve_at(at, bytes))
            return add_region(at, other, units);
    }
    return false;
}

static bool grow(size_t at_least_units) {
    size_t least = fi_round_up(at_least_units, WORD_UNITS);
    for (size_t units = least > GROWTH_UNITS ? least : GROWTH_UNITS; units >= least; units /= 2)
        if (region_count < MOST_REGIONS && reserve_region(units))
            return true;
    return false;
}

/* ---- search ---- */

static bool finish(region *r, size_t unit, size_t units, fi_span *out) {
    size_t slot = r->first_slot + unit;
    if (!fi_map_enable(slot, units))
        return false;
    for (size_t i = slot; i < slot + units; i++) {
        fi_the_map.used[i / WORD_UNITS] |= UINT64_C(1) << (i % WORD_UNITS);
        r->singles_used += is_single(r, (i - r->first_slot) / WORD_UNITS);
    }
    r->used += units;
    *out = (fi_span){r->start + unit * FI_UNIT_BYTES, slot, units};
    return true;
}

/* Units of a word from `from` on that a single unit may take. A fresh word is one that nothing has begun to use.
 */
static uint64_t single_candidates(const region *r, size_t word, bool fresh, size_t from) {
    uint64_t used = *used_word(r, word);
    if (fresh ? used != 0 || is_single(r, word) : !is_single(r, word))
        return 0;
    return ~used & (~UINT64_C(0) << from);
}

/* Looks through `words` words from the one on where the last search ended. */
static bool take_single_among(region *r, bool fresh, size_t words, fi_span *out) {
    size_t first = r->single_at / WORD_UNITS % r->horizon;
    for (size_t turn = 0; turn < words; turn++) {
        size_t word = (first + turn) % r->horizon;
        uint64_t candidates = single_candidates(r, word, fresh, turn == 0 ? r->single_at % WORD_UNITS : 0);
        if (candidates == 0)
            continue;
        size_t unit = word * WORD_UNITS + fi_lowest_bit(candidates);
        set_single(r, word, true);
        r->single_at = unit + 1;
        return finish(r, unit, 1, out);
    }
    return false;
}

/* Once round is one word more: the first one's units before `single_at` come last. What is free in words that
 * single units have already is enough to let each rest, or else other words join them. */
static bool take_single(region *r, fi_span *out) {
    size_t round = r->horizon + 1;
    bool enough = r->single_words * WORD_UNITS - r->singles_used >= LEAST_HORIZON_WORDS * WORD_UNITS;
    if (enough)
        return take_single_among(r, false, round, out);
    return take_single_among(r, false, 1, out) || take_single_among(r, true, round, out) ||
           take_single_among(r, false, round, out);
}

/* How many free units there are from `unit` on, up to `wanted`: of words for spans, or of any. */
static size_t free_run(const region *r, size_t unit, size_t wanted, bool of_any) {
    size_t run = 0;
    while (run < wanted && unit + run < r->units) {
        size_t at = unit + run, word = at / WORD_UNITS;
        uint64_t used = *used_word(r, word) >> (at % WORD_UNITS);
        if (is_single(r, word) && !of_any)
            break;
        size_t here = used == 0 ? WORD_UNITS - at % WORD_UNITS : fi_lowest_bit(used);
        run += here;
        if (used != 0)
            break;
    }
    return run < wanted ? run : wanted;
}

static bool take_span_at(region *r, size_t from, size_t to, size_t units, size_t align_units, bool of_any,
                         fi_span *out) {
    size_t skew = ((uintptr_t)r->start >> FI_UNIT_SHIFT) % align_units;
    size_t unit = fi_round_up(from + skew, align_units) - skew;
    while (unit < to) {
        size_t run = free_run(r, unit, units, of_any);
        if (run == units) {
            r->span_at = unit + units;
            return finish(r, unit, units, out);
        }
        unit = fi_round_up(unit + run + 1 + skew, align_units) - skew;
    }
    return false;
}

static bool take_span(region *r, size_t units, size_t align_units, fi_span *out) {
    size_t horizon = r->horizon * WORD_UNITS;
    size_t from = r->span_at < horizon ? r->span_at : 0;
    return take_span_at(r, from, horizon, units, align_units, false, out) ||
           take_span_at(r, 0, from, units, align_units, false, out);
}

/* The stretch that is searched: twice what is in use. */
static void widen(region *r, size_t units_to_come) {
    size_t words = fi_divide_up(2 * (r->used + units_to_come), WORD_UNITS);
    words = words < LEAST_HORIZON_WORDS ? LEAST_HORIZON_WORDS : words;
    words = words > r->units / WORD_UNITS ? r->units / WORD_UNITS : words;
    if (words > r->horizon)
        r->horizon = words;
}

static bool take_from(region *r, size_t units, size_t align_units, fi_span *out) {
    if (units > r->units - r->used)
        return false;
    for (widen(r, units);;
         r->horizon = r->horizon * 2 < r->units / WORD_UNITS ? r->horizon * 2 : r->units / WORD_UNITS) {
        if (units == 1 && align_units == 1 ? take_single(r, out) : take_span(r, units, align_units, out))
            return true;
        if (r->horizon * WORD_UNITS >= r->units)
            return false;
    }
}

bool fi_space_take(size_t units, size_t align_units, fi_span *out) {
    FI_ASSERT(units > 0 && fi_is_power_of_two(align_units));
    for (size_t i = 0; i < region_count; i++)
        if (take_from(&regions[i], units, align_units, out))
            return true;
    size_t tries_to_fit = units + (align_units > WORD_UNITS ? align_units : 0);
    if (tries_to_fit <= fi_the_map.units && grow(tries_to_fit) &&
        take_from(&regions[region_count - 1], units, align_units, out))
        return true;
    for (size_t i = 0; i < region_count; i++) /* nothing is left but room in between */
        if (take_span_at(&regions[i], 0, regions[i].units, units, align_units, true, out))
            return true;
    return false;
}

/* ---- the rest ---- */

/* NULL: a host's memory, or nobody's. */
static region *region_of(const void *p) {
    size_t count = fi_load_acquire(&region_count);
    for (size_t i = 0; i < count; i++)
        if ((uintptr_t)p - (uintptr_t)regions[i].start < regions[i].units * FI_UNIT_BYTES)
            return &regions[i];
    return NULL;
}

bool fi_space_holds(const void *p) {
    return region_of(p) != NULL;
}

static bool slots_free(size_t slot, size_t units) {
    for (size_t i = slot; i < slot + units; i++)
        if ((fi_the_map.used[i / WORD_UNITS] >> (i % WORD_UNITS) & 1) != 0)
            return false;
    return true;
}

/* Entries for a host's units from `start` on: `alternate` of what they have of themselves. */
static bool take_slots(char *start, size_t units, unsigned alternate, size_t *first) {
    size_t slot = fi_map_slot((uintptr_t)start, alternate);
    size_t last = fi_map_slot((uintptr_t)start + (units - 1) * FI_UNIT_BYTES, alternate);
    if (last - slot != units - 1 || !slots_free(slot, units) || !fi_map_enable(slot, units))
        return false;
    for (size_t i = slot; i < slot + units; i++)
        fi_the_map.used[i / WORD_UNITS] |= UINT64_C(1) << (i % WORD_UNITS);
    *first = slot;
    return true;
}

/* They must follow on those that the span has. */
static bool extend_hosted(fi_span *span, size_t more_units) {
    char *end = span->start + span->units * FI_UNIT_BYTES;
    for (unsigned alternate = 0; alternate < FI_MAP_ALTERNATES; alternate++) {
        size_t slot;
        if (fi_map_slot((uintptr_t)span->start, alternate) != span->slot ||
            fi_map_slot((uintptr_t)end, alternate) != span->slot + span->units ||
            !take_slots(end, more_units, alternate, &slot))
            continue;
        span->units += more_units;
        return true;
    }
    return false;
}

bool fi_space_extend(fi_span *span, size_t more_units) {
    region *r = region_of(span->start);
    if (r == NULL)
        return extend_hosted(span, more_units);
    size_t unit = span->slot - r->first_slot + span->units;
    fi_span more;
    if (free_run(r, unit, more_units, false) < more_units || !finish(r, unit, more_units, &more))
        return false;
    span->units += more_units;
    return true;
}

bool fi_space_claim(char *start, size_t units, fi_span *out) {
    for (unsigned alternate = 0; alternate < FI_MAP_ALTERNATES; alternate++) {
        size_t slot;
        if (!take_slots(start, units, alternate, &slot))
            continue;
        *out = (fi_span){start, slot, units};
        return true;
    }
    return false;
}

static void free_unit(size_t slot) {
    fi_the_map.used[slot / WORD_UNITS] &= ~(UINT64_C(1) << (slot % WORD_UNITS));
}

/* A word that nothing uses any more may serve either again. */
static void free_unit_of(region *r, size_t slot) {
    size_t word = (slot - r->first_slot) / WORD_UNITS;
    free_unit(slot);
    r->used--;
    if (!is_single(r, word))
        return;
    r->singles_used--;
    if (*used_word(r, word) == 0)
        set_single(r, word, false);
}

void fi_space_give(const fi_span *span) {
    region *r = region_of(span->start);
    for (size_t slot = span->slot; slot < span->slot + span->units; slot++)
        if (r != NULL)
            free_unit_of(r, slot);
        else
            free_unit(slot);
}

size_t fi_space_used_units(void) {
    size_t used = 0;
    for (size_t i = 0; i < region_count; i++)
        used += regions[i].used;
    return used;
}
