// Blocks and interpreters that cross threads. Built once for each peer: PEER names its header.
#include PEER
#include "workload.h"

#include <benchmark/benchmark.h>

#include <atomic>
#include <chrono>
#include <sched.h>
#include <thread>

namespace {

using workload::dropped;
using workload::made;
using clock_type = std::chrono::steady_clock;

double seconds_since(clock_type::time_point start) {
    return std::chrono::duration<double>(clock_type::now() - start).count();
}

// ---- foreign free: one thread allocates, another frees ----

// A queue for one producer and one consumer. Each publishes its position every 64 blocks, and looks for the
// other's only when it has used up what it knows of: so that the queue itself costs next to nothing.
class channel {
  public:
    void push(void *p) {
        while (filled_ - known_taken_ >= room) {
            known_taken_ = taken_.load(std::memory_order_acquire);
            if (filled_ - known_taken_ >= room)
                sched_yield();
        }
        blocks_[filled_ % room] = p;
        if (++filled_ % stride == 0)
            shown_.store(filled_, std::memory_order_release);
    }

    void finish() {
        shown_.store(filled_, std::memory_order_release);
    }

    void drain(size_t count) {
        size_t known_shown = 0;
        for (size_t i = 0; i < count; i++) {
            while (i >= known_shown) {
                known_shown = shown_.load(std::memory_order_acquire);
                if (i >= known_shown)
                    sched_yield();
            }
            peer::release_foreign(dropped(blocks_[i % room]));
            if ((i + 1) % stride == 0)
                taken_.store(i + 1, std::memory_order_release);
        }
    }

  private:
    static constexpr size_t room = 4096, stride = 64;
    void *blocks_[room];
    alignas(64) size_t filled_ = 0;
    size_t known_taken_ = 0;
    alignas(64) std::atomic<size_t> shown_{0};
    alignas(64) std::atomic<size_t> taken_{0};
};

void foreign_free(benchmark::State &state) {
    constexpr size_t objects = 500000;
    const std::vector<size_t> sizes = workload::runtime_sizes(objects);
    peer::heap *heap = peer::create();
    for (auto turn : state) {
        channel c;
        clock_type::time_point start = clock_type::now();
        std::thread consumer([&c] { c.drain(objects); });
        for (size_t i = 0; i < objects; i++)
            c.push(made(peer::alloc(heap, sizes[i])));
        c.finish();
        consumer.join();
        state.SetIterationTime(seconds_since(start));
    }
    peer::destroy(heap);
    state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(objects));
}

// ---- hand-off: one interpreter, used by two threads in turn ----

class shared_interpreter {
  public:
    explicit shared_interpreter(peer::heap *heap)
        : heap_(heap), sizes_(workload::runtime_sizes(steps)), victims_(workload::random_indices(steps, objects)) {
        for (size_t i = 0; i < objects; i++)
            live_[i] = made(peer::alloc(heap_, sizes_[i % steps]));
    }
    ~shared_interpreter() {
        for (void *p : live_)
            peer::release(heap_, p);
    }

    void take_a_turn() {
        for (size_t i = 0; i < steps; i++) {
            void *&p = live_[victims_[i]];
            peer::release(heap_, dropped(p));
            p = made(peer::alloc(heap_, sizes_[i]));
        }
    }

    static constexpr size_t steps = 1000, objects = 2000;

  private:
    peer::heap *heap_;
    std::vector<size_t> sizes_;
    std::vector<uint32_t> victims_;
    void *live_[objects];
};

void hand_off(benchmark::State &state) {
    constexpr size_t turns = 400;
    peer::heap *heap = peer::create();
    {
        shared_interpreter lua(heap);
        for (auto turn : state) {
            std::atomic<size_t> now{0};
            auto play = [&](size_t me) {
                for (size_t i = me; i < turns; i += 2) {
                    while (now.load(std::memory_order_acquire) != i)
                        sched_yield();
                    lua.take_a_turn();
                    now.store(i + 1, std::memory_order_release);
                }
            };
            clock_type::time_point start = clock_type::now();
            std::thread other(play, 1);
            play(0);
            other.join();
            state.SetIterationTime(seconds_since(start));
        }
    }
    peer::destroy(heap);
    state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(turns * shared_interpreter::steps));
}

void register_rows() {
    benchmark::RegisterBenchmark("foreign_free", foreign_free)->UseManualTime();
    if (peer::heaps_migrate)
        benchmark::RegisterBenchmark("hand-off", hand_off)->UseManualTime();
}

} // namespace

int main(int argc, char **argv) {
    benchmark::Initialize(&argc, argv);
    register_rows();
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
