// What it costs to hand memory to another interpreter, beside a copy of it.
//
// usage: parcel [--rounds N] [--most-mib N]
//
// A parcel is filled with blocks of one size, each page of them written to; then it is sent, and received. The
// copy is one memcpy of as many bytes into memory that was touched before, which is less than a copy of the
// structure would take: nothing is allocated, no pointer is changed. The receiver frees every block; beside it
// another interpreter frees as many of its own. (Blocks of a mebibyte go back to the system one by one, in either
// case.) What is printed is the median over the rounds, as a table.
#include <fief/inline.h>
#include <fief/parcel.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

using clock_type = std::chrono::steady_clock;

void require(bool holds, const char *what) {
    if (holds)
        return;
    std::fprintf(stderr, "parcel: %s\n", what);
    std::exit(1);
}

double microseconds_since(clock_type::time_point start) {
    return std::chrono::duration<double, std::micro>(clock_type::now() - start).count();
}

// With so much in use, untouched, that what it frees is not given back to the system meanwhile.
fief *create(size_t used_bytes) {
    fief *f;
    require(fief_create(&f, nullptr) == FIEF_OK, "no interpreter");
    require(fief_alloc(f, used_bytes) != nullptr, "no memory");
    return f;
}

uint64_t pools_of(fief *f) {
    fief_stats stats;
    fief_stats_publish(f);
    fief_stats_read(f, &stats);
    return stats.pools + stats.large_blocks;
}

std::vector<void *> fill(fief *heap, size_t bytes, size_t block_bytes) {
    std::vector<void *> blocks(bytes / block_bytes);
    for (void *&block : blocks) {
        block = fief_inline_alloc(heap, block_bytes);
        require(block != nullptr, "no memory");
        for (size_t at = 0; at < block_bytes; at += 4096)
            static_cast<char *>(block)[at] = 1;
    }
    return blocks;
}

double nanoseconds_to_free(fief *f, const std::vector<void *> &blocks) {
    clock_type::time_point start = clock_type::now();
    for (void *block : blocks)
        fief_inline_free(f, block);
    return microseconds_since(start) * 1000 / double(blocks.size());
}

struct figures {
    double send_us, receive_us, copy_us, free_ns, own_free_ns;
    uint64_t pools;
};

double receive_us;

int receive(fief *f, fief_parcel *parcel, void *) {
    clock_type::time_point start = clock_type::now();
    require(fief_parcel_receive(f, parcel, nullptr) == FIEF_OK, "not received");
    receive_us = microseconds_since(start);
    return 0;
}

double copy(size_t bytes) {
    std::vector<char> from(bytes, 'x'), to(bytes, 'y');
    clock_type::time_point start = clock_type::now();
    std::memcpy(to.data(), from.data(), bytes);
    double took = microseconds_since(start);
    require(to[bytes - 1] == 'x', "not copied");
    return took;
}

figures measure(size_t bytes, size_t block_bytes) {
    figures made{};
    fief *maker = create(1), *target = create(bytes), *other = create(bytes);
    made.own_free_ns = nanoseconds_to_free(other, fill(other, bytes, block_bytes));
    fief_destroy(other);

    fief_parcel *parcel;
    require(fief_parcel_create(maker, nullptr, &parcel) == FIEF_OK, "no parcel");
    std::vector<void *> blocks = fill(fief_parcel_heap(parcel), bytes, block_bytes);
    made.pools = pools_of(fief_parcel_heap(parcel));
    clock_type::time_point start = clock_type::now();
    require(fief_parcel_send(maker, parcel, fief_id_of(target), receive, nullptr) == FIEF_XI_QUEUED, "not sent");
    made.send_us = microseconds_since(start);
    fief_poll(target);
    made.receive_us = receive_us;
    made.free_ns = nanoseconds_to_free(target, blocks);
    fief_stats stats;
    fief_stats_publish(target);
    fief_stats_read(target, &stats);
    require(stats.live_blocks == 1 && stats.remote_in == 0, "a free was not local");
    fief_destroy(maker);
    fief_destroy(target);
    made.copy_us = copy(bytes);
    return made;
}

double median(const std::vector<figures> &rounds, double figures::*field) {
    std::vector<double> all;
    for (const figures &f : rounds)
        all.push_back(f.*field);
    std::sort(all.begin(), all.end());
    return all[all.size() / 2];
}

void measure_row(size_t bytes, size_t block_bytes, size_t count) {
    std::vector<figures> rounds;
    for (size_t i = 0; i < count; i++)
        rounds.push_back(measure(bytes, block_bytes));
    double send = median(rounds, &figures::send_us), receive_ = median(rounds, &figures::receive_us);
    double copied = median(rounds, &figures::copy_us);
    uint64_t pools = rounds[0].pools;
    std::printf("| %zu MiB | %zu | %llu | %.1f | %.1f | %.0f | %.0f | %.1f | %.1f |\n", bytes >> 20, block_bytes,
                static_cast<unsigned long long>(pools), send, receive_, copied, copied / (send + receive_),
                median(rounds, &figures::free_ns), median(rounds, &figures::own_free_ns));
    std::fflush(stdout);
}

} // namespace

int main(int argc, char **argv) {
    size_t rounds = 7, most_mib = 1024;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (std::string(argv[i]) == "--rounds")
            rounds = std::strtoull(argv[i + 1], nullptr, 10);
        else if (std::string(argv[i]) == "--most-mib")
            most_mib = std::strtoull(argv[i + 1], nullptr, 10);
        else
            require(false, "usage: parcel [--rounds N] [--most-mib N]");
    }
    require(argc % 2 == 1 && rounds > 0, "usage: parcel [--rounds N] [--most-mib N]");
    std::puts("| parcel | bytes a block | pools | send, us | receive, us | memcpy, us | times as long "
              "| ns a free | of its own |");
    std::puts("| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    for (size_t block_bytes : {size_t(64), size_t(16384), size_t(1) << 20})
        for (size_t mib = 1; mib <= most_mib; mib *= 4)
            measure_row(mib << 20, block_bytes, rounds);
    return 0;
}
