/* In the manner of cfrac: "numbers FACTORS". Factors numbers by Pollard's rho on big numbers, each of which is a
 * block of its own that lives for an operation or two: next to nothing but malloc and free of tiny blocks. */
#include "load.h"

#include <string.h>

/* Little-endian digits of 32 bits; the highest is not 0, but for the number 0, which has none. */
typedef struct number {
    size_t digits;
    uint32_t digit[];
} number;

static number *new_number(size_t digits) {
    number *n = load_made(sizeof *n + digits * sizeof n->digit[0]);
    n->digits = digits;
    memset(n->digit, 0, digits * sizeof n->digit[0]);
    return n;
}

static number *normal(number *n) {
    while (n->digits > 0 && n->digit[n->digits - 1] == 0)
        n->digits--;
    return n;
}

static number *from(uint64_t value) {
    number *n = new_number(2);
    n->digit[0] = (uint32_t)value;
    n->digit[1] = (uint32_t)(value >> 32);
    return normal(n);
}

static int compare(const number *a, const number *b) {
    if (a->digits != b->digits)
        return a->digits < b->digits ? -1 : 1;
    for (size_t i = a->digits; i-- > 0;)
        if (a->digit[i] != b->digit[i])
            return a->digit[i] < b->digit[i] ? -1 : 1;
    return 0;
}

static number *product(const number *a, const number *b) {
    number *n = new_number(a->digits + b->digits);
    for (size_t i = 0; i < a->digits; i++) {
        uint64_t carry = 0;
        for (size_t j = 0; j < b->digits || carry != 0; j++) {
            carry += n->digit[i + j] + (j < b->digits ? (uint64_t)a->digit[i] * b->digit[j] : 0);
            n->digit[i + j] = (uint32_t)carry;
            carry >>= 32;
        }
    }
    return normal(n);
}

static number *sum(const number *a, const number *b) {
    size_t digits = (a->digits > b->digits ? a->digits : b->digits) + 1;
    number *n = new_number(digits);
    uint64_t carry = 0;
    for (size_t i = 0; i < digits; i++) {
        carry += (i < a->digits ? a->digit[i] : 0) + (uint64_t)(i < b->digits ? b->digit[i] : 0);
        n->digit[i] = (uint32_t)carry;
        carry >>= 32;
    }
    return normal(n);
}

/* a is not less than b. */
static number *difference(const number *a, const number *b) {
    number *n = new_number(a->digits);
    uint64_t borrow = 0;
    for (size_t i = 0; i < a->digits; i++) {
        uint64_t digit = (uint64_t)a->digit[i] - (i < b->digits ? b->digit[i] : 0) - borrow;
        n->digit[i] = (uint32_t)digit;
        borrow = digit >> 63;
    }
    return normal(n);
}

static number *distance(const number *a, const number *b) {
    return compare(a, b) < 0 ? difference(b, a) : difference(a, b);
}

static number *shifted(const number *a, size_t bits) {
    size_t whole = bits / 32, rest = bits % 32;
    number *n = new_number(a->digits + whole + 1);
    for (size_t i = 0; i < a->digits; i++) {
        uint64_t digit = (uint64_t)a->digit[i] << rest;
        n->digit[i + whole] |= (uint32_t)digit;
        n->digit[i + whole + 1] = (uint32_t)(digit >> 32);
    }
    return normal(n);
}

static size_t bits_of(const number *n) {
    return n->digits == 0 ? 0 : n->digits * 32 - (size_t)__builtin_clz(n->digit[n->digits - 1]);
}

/* By shifting and subtracting: slow, and full of short-lived numbers, which is the point. Takes `a` for its own.
 */
static number *remainder_of(number *a, const number *modulus) {
    while (compare(a, modulus) >= 0) {
        number *part = shifted(modulus, bits_of(a) - bits_of(modulus));
        if (compare(part, a) > 0) {
            free(part);
            part = shifted(modulus, bits_of(a) - bits_of(modulus) - 1);
        }
        number *less = difference(a, part);
        free(part);
        free(a);
        a = less;
    }
    return a;
}

/* Takes both for its own. */
static number *common_divisor(number *a, number *b) {
    while (b->digits > 0) {
        number *rest = remainder_of(a, b);
        a = b;
        b = rest;
    }
    free(b);
    return a;
}

/* x * x + 1 modulo n; takes x for its own. */
static number *step(number *x, const number *n, const number *one) {
    number *square = product(x, x), *next = sum(square, one);
    free(square);
    free(x);
    return remainder_of(next, n);
}

/* A divisor of n above 1. */
static number *divisor(const number *n) {
    number *one = from(1), *slow = from(2), *fast = from(2), *found = from(1), *nothing = from(0);
    while (compare(found, one) == 0) {
        free(found);
        slow = step(slow, n, one);
        fast = step(step(fast, n, one), n, one);
        found = common_divisor(sum(n, nothing), distance(slow, fast));
    }
    free(one);
    free(slow);
    free(fast);
    free(nothing);
    return found;
}

static uint64_t is_prime(uint64_t n) {
    for (uint64_t i = 3; i * i <= n; i += 2)
        if (n % i == 0)
            return 0;
    return n % 2;
}

static uint64_t prime_after(uint64_t n) {
    do
        n++;
    while (!is_prime(n));
    return n;
}

int main(int argc, char **argv) {
    size_t factors = load_argument(argc, argv, 1);
    load_random r = load_seeded(1);
    for (size_t i = 0; i < factors; i++) {
        number *p = from(prime_after(10000 + load_below(&r, 20000)));
        number *q = from(prime_after(UINT64_C(1000000000) + load_below(&r, 1000000000)));
        number *n = product(p, q), *found = divisor(n), *rest = remainder_of(sum(n, p), found);
        load_require(rest->digits == 0 || compare(found, q) == 0, "a divisor divides");
        free(p);
        free(q);
        free(n);
        free(found);
        free(rest);
    }
    return 0;
}
