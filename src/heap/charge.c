#include "heap/charge.h"

#include "heap/features.h"
#include "heap/remote.h"

static size_t hard_now(const fief *f) {
    if (f->limit.hard_bytes == 0)
        return PTRDIFF_MAX;
    return f->unwinding > 0 ? f->limit.hard_bytes : f->limit.hard_bytes - f->limit.reserve_bytes;
}

static bool has_soft_limit(const fief *f) {
    return f->limit.soft_bytes != 0 && f->limit.pressure != NULL;
}

static void set_gate(fief *f) {
    f->gate_bytes = hard_now(f);
    if (has_soft_limit(f) && f->soft_gate_bytes < f->gate_bytes)
        f->gate_bytes = f->soft_gate_bytes;
}

/* The next call is due at the soft limit, or an eighth of it beyond what the last one left in use and what is
 * wanted. */
static void move_soft_gate(fief *f, size_t bytes) {
    size_t soft = f->limit.soft_bytes;
    size_t wanted = f->count.charged_bytes + bytes;
    f->soft_gate_bytes = wanted <= soft ? soft : wanted + soft / 8;
    set_gate(f);
}

static bool drain_freelists(fief *f) {
    return f->freelists != NULL && fi_the_freelists.release(f);
}

/* Typed freelists give up what they have beyond their reserves before the host is asked, and what it pushes. */
static bool press(fief *f, size_t bytes) {
    f->obstacles |= FI_IN_PRESSURE;
    bool gave = drain_freelists(f);
    if (f->limit.pressure != NULL) {
        f->count.pressure_calls++;
        gave = f->limit.pressure(f, bytes, f->limit.pressure_arg) || gave;
        gave = drain_freelists(f) || gave;
    }
    f->obstacles &= (uint8_t)~FI_IN_PRESSURE;
    return gave;
}

static fi_charge accept(fief *f, size_t bytes) {
    f->count.charged_bytes += bytes;
    return FI_CHARGED;
}

FI_COLD static fi_charge look_closer(fief *f, size_t bytes, bool *pressed) {
    size_t after = f->count.charged_bytes + bytes;
    bool may_press = (f->limit.pressure != NULL || f->freelists != NULL) && (f->obstacles & FI_IN_PRESSURE) == 0;
    if (after > hard_now(f)) {
        if (may_press && !*pressed) {
            *pressed = true;
            if (press(f, bytes))
                return FI_CHARGE_AGAIN;
        }
        f->count.limit_failures++;
        return FI_CHARGE_REFUSED;
    }
    if (may_press && has_soft_limit(f) && after > f->soft_gate_bytes) {
        press(f, bytes);
        move_soft_gate(f, bytes);
        return FI_CHARGE_AGAIN;
    }
    return accept(f, bytes);
}

fi_charge fi_heap_charge(fief *f, size_t bytes, bool *pressed) {
    if (FI_LIKELY(f->count.charged_bytes + bytes <= f->gate_bytes))
        return accept(f, bytes);
    return look_closer(f, bytes, pressed);
}

bool fi_heap_charge_at_once(fief *f, size_t bytes) {
    bool pressed = false;
    fi_charge result;
    do {
        fi_remote_take_in(f);
        result = fi_heap_charge(f, bytes, &pressed);
    } while (result == FI_CHARGE_AGAIN);
    return result == FI_CHARGED;
}

void fi_heap_uncharge(fief *f, size_t bytes) {
    FI_ASSERT(bytes <= f->count.charged_bytes);
    f->count.charged_bytes -= bytes;
    if (f->soft_gate_bytes > f->limit.soft_bytes && f->count.charged_bytes < f->limit.soft_bytes)
        move_soft_gate(f, 0);
}

bool fi_limit_is_valid(const fief_limit *limit) {
    bool hard_holds = limit->hard_bytes == 0 ||
                      (limit->soft_bytes <= limit->hard_bytes && limit->reserve_bytes <= limit->hard_bytes);
    bool reserve_has_a_limit = limit->reserve_bytes == 0 || limit->hard_bytes != 0;
    return hard_holds && reserve_has_a_limit && limit->hard_bytes <= PTRDIFF_MAX;
}

void fi_heap_set_limit(fief *f, const fief_limit *limit) {
    f->limit = *limit;
    f->soft_gate_bytes = limit->soft_bytes;
    set_gate(f);
}

void fi_heap_unwind(fief *f, bool begin) {
    if (!begin && f->unwinding == 0)
        return;
    f->unwinding += begin ? 1U : -1U;
    set_gate(f);
}
