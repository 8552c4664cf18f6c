// What the rows have in common: a runtime's sizes, orders, and a program that touches what it allocates.
#ifndef BENCH_WORKLOAD_H
#define BENCH_WORKLOAD_H

#include <cstddef>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

namespace workload {

// xorshift: the same sequence for every peer.
class random {
  public:
    explicit random(uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15u + 1) {
    }

    size_t below(size_t bound) {
        state_ ^= state_ << 13;
        state_ ^= state_ >> 7;
        state_ ^= state_ << 17;
        return static_cast<size_t>((state_ >> 11) % bound);
    }

  private:
    uint64_t state_;
};

// 88% of a runtime's objects are between 17 and 64 bytes; the rest is divided between smaller ones and larger.
inline size_t runtime_size(random &r) {
    size_t kind = r.below(100);
    return kind < 88 ? 17 + r.below(48) : kind < 94 ? 1 + r.below(16) : 65 + r.below(448);
}

inline std::vector<size_t> runtime_sizes(size_t count) {
    random r(1);
    std::vector<size_t> sizes(count);
    for (size_t &size : sizes)
        size = runtime_size(r);
    return sizes;
}

inline std::vector<uint32_t> random_order(size_t count) {
    random r(2);
    std::vector<uint32_t> order(count);
    std::iota(order.begin(), order.end(), 0u);
    for (size_t i = count; i > 1; i--)
        std::swap(order[i - 1], order[r.below(i)]);
    return order;
}

inline std::vector<uint32_t> random_indices(size_t count, size_t bound) {
    random r(3);
    std::vector<uint32_t> indices(count);
    for (uint32_t &index : indices)
        index = static_cast<uint32_t>(r.below(bound));
    return indices;
}

// A runtime writes an object's header as soon as it has it, and reads it before it lets the object go.
inline void *made(void *p) {
    *static_cast<volatile uint64_t *>(p) = 1;
    return p;
}

inline void *dropped(void *p) {
    static_cast<void>(*static_cast<volatile uint64_t *>(p));
    return p;
}

} // namespace workload

#endif
