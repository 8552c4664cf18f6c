// Large blocks: buffers that grow, blocks of 64 KiB to 16 MiB that come and go, interpreters that have one. Prints a
// JSON object of figures: microseconds of processor time, or bytes. Built once for each peer: PEER names its header.
#include PEER
#include "resident.h"
#include "workload.h"

#include <cstdio>
#include <cstring>
#include <ctime>

namespace {

constexpr size_t kib = 1024, mib = 1024 * kib, page = 4096;

double microseconds() {
    timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

// A program uses what it has asked for: a word of each page.
void touch(char *block, size_t from, size_t to) {
    for (size_t at = from; at < to; at += page)
        *reinterpret_cast<volatile uint64_t *>(block + at) = at;
}

// ---- growth ----

struct buffer {
    char *start;
    size_t size;
};

void grow(peer::heap *heap, buffer &b, size_t size) {
    b.start = static_cast<char *>(peer::resize(heap, b.start, b.size, size));
    touch(b.start, b.size, size);
    b.size = size;
}

// Each from 64 KiB to 16 MiB, by half at a time, one step of each in turn.
template <size_t buffers> void growth(peer::heap *heap) {
    buffer all[buffers];
    for (buffer &b : all) {
        b = {static_cast<char *>(peer::alloc(heap, 64 * kib)), 64 * kib};
        touch(b.start, 0, b.size);
    }
    for (size_t size = 96 * kib; size <= 16 * mib; size += size / 2)
        for (buffer &b : all)
            grow(heap, b, size);
    for (buffer &b : all)
        peer::release(heap, b.start);
}

// ---- churn ----

constexpr size_t live_blocks = 16, turns = 500;

// As likely in each doubling.
size_t some_size(workload::random &r, size_t least, size_t doublings) {
    size_t size = least << r.below(doublings);
    return size + r.below(size);
}

template <size_t least, size_t doublings> void churn(peer::heap *heap) {
    workload::random r(5);
    char *live[live_blocks] = {};
    for (size_t turn = 0; turn < turns; turn++) {
        char *&block = live[r.below(live_blocks)];
        if (block != nullptr)
            peer::release(heap, block);
        size_t size = some_size(r, least, doublings);
        block = static_cast<char *>(peer::alloc(heap, size));
        touch(block, 0, size);
    }
    for (char *block : live)
        if (block != nullptr)
            peer::release(heap, block);
}

// ---- rows ----

void life_with_one() {
    peer::heap *heap = peer::create();
    char *block = static_cast<char *>(peer::alloc(heap, mib));
    touch(block, 0, mib);
    peer::release(heap, block);
    peer::destroy(heap);
}

// The first turn is not counted: it finds everything cold.
template <typename work> double cost(size_t repeats, work &&once) {
    once();
    double before = microseconds();
    for (size_t i = 0; i < repeats; i++)
        once();
    return (microseconds() - before) / static_cast<double>(repeats);
}

template <typename work> double cost_in_a_heap(size_t repeats, work &&once) {
    peer::heap *heap = peer::create();
    double figure = cost(repeats, [&] { once(heap); });
    peer::destroy(heap);
    return figure;
}

// What a thousand interpreters take that have one object each.
double small_heap_bytes() {
    constexpr size_t heaps = 1000;
    static peer::heap *made[heaps];
    double before = bench::resident();
    for (peer::heap *&heap : made) {
        heap = peer::create();
        workload::made(peer::alloc(heap, 64));
    }
    double figure = (bench::resident() - before) / heaps;
    for (peer::heap *heap : made)
        peer::destroy(heap);
    return figure;
}

// Resident after 256 MiB in blocks of 4 MiB were written and freed.
double left_bytes() {
    constexpr size_t blocks = 64;
    peer::heap *heap = peer::create();
    double before = bench::resident();
    char *live[blocks];
    for (char *&block : live) {
        block = static_cast<char *>(peer::alloc(heap, 4 * mib));
        touch(block, 0, 4 * mib);
    }
    for (char *block : live)
        peer::release(heap, block);
    double figure = bench::resident() - before;
    peer::destroy(heap);
    return figure;
}

} // namespace

int main() {
    double small = small_heap_bytes();
    printf("{\"growth of one buffer\": %.1f,\n", cost_in_a_heap(20, growth<1>));
    printf(" \"growth of four in turn\": %.1f,\n", cost_in_a_heap(10, growth<4>));
    printf(" \"churn, 64 to 512 KiB\": %.1f,\n", cost_in_a_heap(10, churn<64 * kib, 3>) / turns);
    printf(" \"churn, 512 KiB to 16 MiB\": %.1f,\n", cost_in_a_heap(3, churn<512 * kib, 5>) / turns);
    printf(" \"an interpreter with one block of 1 MiB\": %.1f,\n", cost(200, life_with_one));
    printf(" \"bytes after 256 MiB were freed\": %.0f,\n", left_bytes());
    printf(" \"bytes a heap, 1 object\": %.0f}\n", small);
}
