// What a peer costs in memory. Prints a JSON object of figures in bytes; each figure is taken in a process of its
// own, so that none finds what another has left. Built once for each peer: PEER names its header.
#include PEER
#include "resident.h"
#include "workload.h"

#include <cstdio>
#include <cstring>
#include <sys/wait.h>
#include <unistd.h>

namespace {

void *used(void *p, size_t size) {
    return memset(p, 1, size);
}

// ---- many small interpreters ----

constexpr size_t heaps = 1000;

enum class content { nothing, one_object, ten_kilobytes };

// Sizes between 16 and 256, each as likely as the others.
void fill(peer::heap *heap, content what, size_t seed) {
    if (what == content::one_object)
        used(peer::alloc(heap, 64), 64);
    if (what != content::ten_kilobytes)
        return;
    workload::random r(seed);
    for (size_t bytes = 0; bytes < 10240;) {
        size_t size = 16 * (1 + r.below(16));
        used(peer::alloc(heap, size), size);
        bytes += size;
    }
}

double bytes_a_heap(content what) {
    static peer::heap *made[heaps];
    peer::destroy(peer::create());
    double before = bench::resident();
    for (size_t i = 0; i < heaps; i++) {
        made[i] = peer::create();
        fill(made[i], what, i);
    }
    return (bench::resident() - before) / heaps;
}

double bytes_after_heaps() {
    static peer::heap *made[heaps];
    peer::destroy(peer::create());
    double before = bench::resident();
    for (size_t i = 0; i < heaps; i++)
        fill(made[i] = peer::create(), content::ten_kilobytes, i);
    for (peer::heap *heap : made)
        peer::destroy(heap);
    peer::give_back();
    return bench::resident() - before;
}

// ---- one large interpreter ----

constexpr size_t large_bytes = size_t{200} << 20;

class large_interpreter {
  public:
    large_interpreter() : heap_(peer::create()) {
        blocks_.reserve(large_bytes / 16);
        sizes_.reserve(large_bytes / 16);
        std::memset(blocks_.data(), 0,
                    blocks_.capacity() * sizeof(void *)); // touched now, so that it is not counted
        std::memset(sizes_.data(), 0, sizes_.capacity() * sizeof(size_t));
        before_ = bench::resident();
        workload::random r(5);
        while (live_ < large_bytes) {
            size_t size = (workload::runtime_size(r) + 15) / 16 * 16;
            blocks_.push_back(used(peer::alloc(heap_, size), size));
            sizes_.push_back(size);
            live_ += size;
        }
    }

    void free_oldest(size_t percent) {
        for (size_t i = 0; i < blocks_.size() * percent / 100; i++)
            peer::release(heap_, blocks_[i]);
    }

    void free_random(size_t percent) {
        const std::vector<uint32_t> order = workload::random_order(blocks_.size());
        for (size_t i = 0; i < blocks_.size() * percent / 100; i++) {
            peer::release(heap_, blocks_[order[i]]);
            live_ -= sizes_[order[i]];
        }
    }

    void destroy() {
        if (!peer::has_heaps)
            free_oldest(100);
        peer::destroy(heap_);
        peer::give_back();
    }

    double bytes() const {
        return bench::resident() - before_;
    }

    double live() const {
        return static_cast<double>(live_);
    }

  private:
    peer::heap *heap_;
    std::vector<void *> blocks_;
    std::vector<size_t> sizes_;
    size_t live_ = 0;
    double before_ = 0;
};

double large_a_live_byte() {
    large_interpreter lua;
    return lua.bytes() / lua.live();
}

double after_oldest_freed() {
    large_interpreter lua;
    lua.free_oldest(90);
    return lua.bytes();
}

double random_freed_a_live_byte() {
    large_interpreter lua;
    lua.free_random(90);
    return lua.bytes() / lua.live();
}

double after_destroyed() {
    large_interpreter lua;
    lua.destroy();
    return lua.bytes();
}

// ---- the program ----

struct row {
    const char *name;
    double (*measure)();
    bool needs_heaps;
};

const row rows[] = {
    {"bytes a heap, empty", [] { return bytes_a_heap(content::nothing); }, true},
    {"bytes a heap, 1 object", [] { return bytes_a_heap(content::one_object); }, true},
    {"bytes a heap, 10 KB live", [] { return bytes_a_heap(content::ten_kilobytes); }, true},
    {"bytes left by 1,000 heaps", bytes_after_heaps, true},
    {"RSS/live at 200 MiB", large_a_live_byte, false},
    {"bytes after the oldest 90% were freed", after_oldest_freed, false},
    {"RSS/live after a random 90% were freed", random_freed_a_live_byte, false},
    {"bytes left by 200 MiB", after_destroyed, false},
};

double in_child(const row &r) {
    int ends[2];
    if (pipe(ends) != 0)
        return -1;
    pid_t pid = fork();
    if (pid == 0) {
        double figure = r.measure();
        ssize_t written = write(ends[1], &figure, sizeof figure);
        _exit(written == sizeof figure ? 0 : 1);
    }
    close(ends[1]);
    double figure = -1;
    if (read(ends[0], &figure, sizeof figure) != sizeof figure)
        figure = -1;
    close(ends[0]);
    waitpid(pid, nullptr, 0);
    return figure;
}

} // namespace

int main() {
    const char *separator = "{";
    for (const row &r : rows) {
        if (r.needs_heaps && !peer::has_heaps)
            continue;
        printf("%s\n  \"%s\": %.4f", separator, r.name, in_child(r));
        separator = ",";
    }
    printf("\n}\n");
    return 0;
}
