// One interpreter on one thread. Built once for each peer: PEER names its header.
#include PEER
#include "workload.h"

#include <benchmark/benchmark.h>

#include <memory>

namespace {

using workload::dropped;
using workload::made;

// A heap of its own for each run of a row, with some objects in it unless the row is about an empty one.
class interpreter {
  public:
    explicit interpreter(size_t residents) : heap_(peer::create()) {
        workload::random r(4);
        for (size_t i = 0; i < residents; i++)
            residents_.push_back(made(peer::alloc(heap_, workload::runtime_size(r))));
    }
    interpreter(const interpreter &) = delete;
    interpreter &operator=(const interpreter &) = delete;

    ~interpreter() {
        for (void *p : residents_)
            peer::release(heap_, p);
        peer::destroy(heap_);
    }

    peer::heap *heap() const {
        return heap_;
    }

  private:
    peer::heap *heap_;
    std::vector<void *> residents_;
};

constexpr size_t residents = 1000;
constexpr int64_t pairs_a_turn = 1000;

void count(benchmark::State &state, int64_t items_a_turn) {
    state.SetItemsProcessed(state.iterations() * items_a_turn);
}

// ---- pairs ----

template <size_t size> void pairs(benchmark::State &state, peer::heap *heap) {
    for (auto turn : state)
        for (int64_t i = 0; i < pairs_a_turn; i++) {
            void *p = made(peer::alloc(heap, size));
            peer::release(heap, dropped(p));
        }
    count(state, pairs_a_turn);
}

template <size_t size> void pair(benchmark::State &state) {
    interpreter lua(residents);
    pairs<size>(state, lua.heap());
}

void only_object(benchmark::State &state) {
    interpreter lua(0);
    pairs<48>(state, lua.heap());
}

void burst_of_8(benchmark::State &state) {
    interpreter lua(residents);
    peer::heap *heap = lua.heap();
    void *p[8];
    for (auto turn : state)
        for (int64_t i = 0; i < pairs_a_turn / 8; i++) {
            for (void *&q : p)
                q = made(peer::alloc(heap, 64));
            for (void *q : p)
                peer::release(heap, dropped(q));
        }
    count(state, pairs_a_turn);
}

// ---- batches: all allocated, then all freed in some order ----

enum class order { lifo, fifo, random };

template <order freed, bool mixed> void batch(benchmark::State &state) {
    const size_t objects = static_cast<size_t>(state.range(0));
    const std::vector<size_t> sizes = workload::runtime_sizes(objects);
    const std::vector<uint32_t> shuffled = workload::random_order(objects);
    std::vector<void *> live(objects);
    interpreter lua(residents);
    peer::heap *heap = lua.heap();
    for (auto turn : state) {
        for (size_t i = 0; i < objects; i++)
            live[i] = made(peer::alloc(heap, mixed ? sizes[i] : 64));
        for (size_t i = 0; i < objects; i++) {
            size_t which = freed == order::lifo ? objects - 1 - i : freed == order::fifo ? i : shuffled[i];
            peer::release(heap, dropped(live[which]));
        }
    }
    count(state, static_cast<int64_t>(objects));
}

// ---- churn: a steady number of live objects, each turn replaces a random one ----

void churn(benchmark::State &state) {
    constexpr size_t turns = 100000;
    const size_t objects = static_cast<size_t>(state.range(0));
    const std::vector<size_t> sizes = workload::runtime_sizes(turns);
    const std::vector<uint32_t> victims = workload::random_indices(turns, objects);
    std::vector<void *> live(objects);
    interpreter lua(0);
    peer::heap *heap = lua.heap();
    for (size_t i = 0; i < objects; i++)
        live[i] = made(peer::alloc(heap, sizes[i % turns]));
    for (auto turn : state)
        for (size_t i = 0; i < turns; i++) {
            void *&p = live[victims[i]];
            peer::release(heap, dropped(p));
            p = made(peer::alloc(heap, sizes[i]));
        }
    for (void *p : live)
        peer::release(heap, p);
    count(state, turns);
}

// ---- the life of an interpreter ----

// A peer without heaps has to free what a heap would give back whole.
void life(benchmark::State &state) {
    const size_t objects = static_cast<size_t>(state.range(0));
    const std::vector<size_t> sizes = workload::runtime_sizes(objects);
    std::vector<void *> live(objects);
    for (auto turn : state) {
        peer::heap *heap = peer::create();
        for (size_t i = 0; i < objects; i++)
            live[i] = made(peer::alloc(heap, sizes[i]));
        if (!peer::has_heaps)
            for (size_t i = 0; i < objects; i++)
                peer::release(heap, live[i]);
        peer::destroy(heap);
    }
    count(state, objects > 100 ? static_cast<int64_t>(objects) : 1);
}

// ---- buffers that grow by half from 16 bytes to 64 KiB, side by side; and shrink again ----

constexpr size_t first_size = 16, last_size = 65536;

void growth(benchmark::State &state) {
    const size_t buffers = static_cast<size_t>(state.range(0));
    interpreter lua(residents);
    peer::heap *heap = lua.heap();
    std::vector<char *> p(buffers);
    int64_t calls = 0;
    for (auto turn : state) {
        for (char *&q : p)
            q = static_cast<char *>(peer::alloc(heap, first_size));
        for (size_t size = first_size; size < last_size;) {
            size_t next = size + size / 2 < last_size ? size + size / 2 : last_size;
            for (char *&q : p) {
                q = static_cast<char *>(peer::resize(heap, q, size, next));
                static_cast<volatile char *>(q)[next - 1] = 1;
                calls++;
            }
            size = next;
        }
        for (char *q : p)
            peer::release(heap, q);
    }
    state.SetItemsProcessed(calls);
}

void shrinking(benchmark::State &state) {
    interpreter lua(residents);
    peer::heap *heap = lua.heap();
    int64_t calls = 0;
    for (auto turn : state) {
        void *p = made(peer::alloc(heap, last_size));
        for (size_t size = last_size; size > first_size; size /= 2) {
            p = made(peer::resize(heap, p, size, size / 2));
            calls++;
        }
        peer::release(heap, p);
    }
    state.SetItemsProcessed(calls);
}

BENCHMARK(pair<16>)->Name("pair_16");
BENCHMARK(pair<64>)->Name("pair_64");
BENCHMARK(pair<256>)->Name("pair_256");
BENCHMARK(only_object)->Name("only_object");
BENCHMARK(burst_of_8)->Name("burst_of_8");
BENCHMARK(batch<order::lifo, true>)->Name("LIFO_mixed")->Arg(250)->Arg(4000);
BENCHMARK(batch<order::fifo, true>)->Name("FIFO_mixed")->Arg(250)->Arg(4000);
BENCHMARK(batch<order::random, false>)->Name("random_64")->Arg(250)->Arg(4000);
BENCHMARK(batch<order::random, true>)->Name("random_mixed")->Arg(250)->Arg(4000);
BENCHMARK(churn)->Name("churn")->Arg(1000)->Arg(100000);
BENCHMARK(life)->Name("life")->Arg(0)->Arg(1)->Arg(100)->Arg(10000);
BENCHMARK(growth)->Name("realloc_growth")->Arg(1)->Arg(16);
BENCHMARK(shrinking)->Name("realloc_shrink");

} // namespace

BENCHMARK_MAIN();
