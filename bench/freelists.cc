// What a typed freelist saves: pop and push beside the heap's own allocation and free, in one process.
//
// usage: freelists [--rounds N]
//
// The peers take turns within a round, each of them the first in its turn. What is printed is the median over the
// rounds, as a table: nanoseconds an object that is made, written to, read and dropped. Ratios are to the inlined
// allocation, taken within a round. Every way checks the owner of what it takes back.
#include "workload.h"

#include <fief/freelist.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <vector>

namespace {

using workload::dropped;
using workload::made;

constexpr size_t object_bytes = 64, objects_a_run = 2000000;

void require(bool holds, const char *what) {
    if (holds)
        return;
    std::fprintf(stderr, "freelists: %s\n", what);
    std::exit(1);
}

// ---- ways to make an object ----

struct inlined {
    static constexpr const char *name = "heap, inlined";
    fief *heap;
    fief_freelist *list;
    void *make() {
        return fief_inline_alloc(heap, object_bytes);
    }
    void drop(void *p) {
        fief_inline_free(heap, p);
    }
};

struct called : inlined {
    static constexpr const char *name = "heap, called";
    void *make() {
        return fief_alloc(heap, object_bytes);
    }
    void drop(void *p) {
        fief_free(heap, p);
    }
};

struct listed : inlined {
    static constexpr const char *name = "freelist";
    void *make() {
        return fief_freelist_pop(list);
    }
    void drop(void *p) {
        fief_freelist_push(list, p);
    }
};

// ---- rows ----

struct row {
    const char *name;
    size_t at_once;  // objects that live at the same time
    bool shuffled;   // dropped in random order; else the last one first
    size_t capacity; // of the list
    size_t residents;
};

constexpr row rows[] = {
    {"pair", 1, false, 100, 1000},
    {"burst of 8", 8, false, 100, 1000},
    {"burst of 64", 64, false, 100, 1000},
    {"250, random order", 250, true, 250, 1000},
    {"4,000, random order", 4000, true, 4000, 1000},
    {"250 of 4,000 kept", 4000, true, 250, 1000},
    {"100 scattered over 128 MiB", 100, true, 100, 2000000},
};

// Residents are freed here and there at first, so that what is allocated then lies all over the heap.
class interpreter {
  public:
    explicit interpreter(const row &r) {
        require(fief_create(&heap_, nullptr) == FIEF_OK, "no heap");
        workload::random numbers(5);
        std::vector<void *> residents(r.residents);
        for (void *&p : residents)
            p = made(fief_alloc(heap_, object_bytes));
        for (size_t i = 0; i < r.residents / 10; i++) {
            void *&p = residents[numbers.below(r.residents)];
            fief_free(heap_, p);
            p = nullptr;
        }
        fief_freelist_config config = FIEF_FREELIST_CONFIG_INIT;
        config.block_bytes = object_bytes;
        config.capacity = r.capacity;
        require(fief_freelist_create(heap_, &config, &list_) == FIEF_OK, "no list");
    }
    interpreter(const interpreter &) = delete;
    interpreter &operator=(const interpreter &) = delete;
    ~interpreter() {
        fief_destroy(heap_);
    }

    template <class way> way by() const {
        way w{};
        w.heap = heap_;
        w.list = list_;
        return w;
    }

  private:
    fief *heap_ = nullptr;
    fief_freelist *list_ = nullptr;
};

template <class way> void run(way w, const row &r, const std::vector<uint32_t> &order, std::vector<void *> &live) {
    for (size_t done = 0; done < objects_a_run; done += r.at_once) {
        for (void *&p : live)
            p = made(w.make());
        for (uint32_t i : order)
            w.drop(dropped(live[i]));
    }
}

template <class way> double measure(const row &r) {
    const interpreter lua(r);
    std::vector<uint32_t> order = workload::random_order(r.at_once);
    if (!r.shuffled)
        for (size_t i = 0; i < r.at_once; i++)
            order[i] = static_cast<uint32_t>(r.at_once - 1 - i);
    std::vector<void *> live(r.at_once);
    run(lua.by<way>(), r, order, live); // warm
    auto start = std::chrono::steady_clock::now();
    run(lua.by<way>(), r, order, live);
    return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count() /
           static_cast<double>(objects_a_run);
}

struct peer {
    const char *name;
    double (*measure)(const row &r);
};

constexpr peer peers[] = {{inlined::name, measure<inlined>}, {called::name, measure<called>}, {listed::name, measure<listed>}};
constexpr size_t peer_count = std::size(peers);

double median(std::vector<double> figures) {
    std::sort(figures.begin(), figures.end());
    return figures[figures.size() / 2];
}

void measure_row(const row &r, size_t rounds) {
    std::vector<double> ns[peer_count], ratio[peer_count];
    for (size_t round = 0; round < rounds; round++) {
        for (size_t i = 0; i < peer_count; i++)
            ns[(i + round) % peer_count].push_back(peers[(i + round) % peer_count].measure(r));
        for (size_t i = 0; i < peer_count; i++)
            ratio[i].push_back(ns[i].back() / ns[0].back());
    }
    std::printf("| %s |", r.name);
    for (const auto &figures : ns)
        std::printf(" %.2f |", median(figures));
    std::printf(" %.2f |\n", median(ratio[peer_count - 1]));
    std::fflush(stdout);
}

} // namespace

int main(int argc, char **argv) {
    bool has_rounds = argc == 3 && std::strcmp(argv[1], "--rounds") == 0;
    size_t rounds = has_rounds ? std::strtoull(argv[2], nullptr, 10) : 11;
    require((argc == 1 || has_rounds) && rounds > 0, "usage: freelists [--rounds N]");
    std::printf("| objects of %zu bytes |", object_bytes);
    for (const peer &p : peers)
        std::printf(" %s |", p.name);
    std::puts(" ratio |\n| --- | ---: | ---: | ---: | ---: |");
    for (const row &r : rows)
        measure_row(r, rounds);
    return 0;
}
