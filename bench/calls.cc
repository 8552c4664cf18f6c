// What a call into another interpreter costs, beside a queue under a mutex.
//
// usage: calls [--rounds N] [--calls N]
//
// Callers send numbers to one target, which checks that each caller's come in order, all of them, once. The peers
// take turns within a round, each of them the first in its turn; what is printed is the median over the rounds, as
// a table. A caller stays within a window of what has run, so that the queue's length is the same for all.
#include <fief/xi.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

constexpr uint64_t window = 20000;

[[noreturn]] void fail(const char *what) {
    std::fprintf(stderr, "calls: %s\n", what);
    std::exit(1);
}

void require(bool holds, const char *what) {
    if (!holds)
        fail(what);
}

// ---- what every call does ----

struct work {
    uint64_t next[8] = {};
    std::atomic<uint64_t> ran{0}; // shown now and then
    uint64_t count = 0;

    void run(void *number) {
        uint64_t value = reinterpret_cast<uintptr_t>(number), caller = value >> 48, index = value & 0xFFFFFFFFFFFF;
        require(next[caller]++ == index, "out of order");
        if (++count % 256 == 0)
            ran.store(count, std::memory_order_release);
    }
};

work *the_work;

int run_in_target(fief *, void *number) {
    the_work->run(number);
    return 0;
}

// ---- the peers: a target's queue ----

class queue {
  public:
    virtual ~queue() = default;
    virtual void *enter() {
        return nullptr;
    }
    virtual void leave(void *) {
    }
    virtual void call(void *caller, void *number) = 0;
    virtual void wait_and_run() = 0;
};

class fief_queue : public queue {
  public:
    fief_queue() {
        require(fief_create(&target_, nullptr) == FIEF_OK, "no interpreter");
    }
    ~fief_queue() override {
        fief_destroy(target_);
    }
    void *enter() override {
        fief *own;
        require(fief_create(&own, nullptr) == FIEF_OK, "no interpreter");
        return own;
    }
    void leave(void *caller) override {
        fief_destroy(static_cast<fief *>(caller));
    }
    void call(void *caller, void *number) override {
        fief_xi_result result =
            fief_xi_call(static_cast<fief *>(caller), fief_id_of(target_), run_in_target, number);
        require(result == FIEF_XI_QUEUED, "not queued");
    }
    void wait_and_run() override {
        fief_xi_wait(target_, FIEF_XI_FOREVER);
        fief_xi_poll(target_, SIZE_MAX);
    }

  private:
    fief *target_ = nullptr;
};

class mutex_queue : public queue {
  public:
    void call(void *, void *number) override {
        std::lock_guard<std::mutex> hold(lock_);
        calls_.emplace_back(run_in_target, number);
        if (calls_.size() == 1)
            came_.notify_one();
    }

  protected:
    using entry = std::pair<fief_xi_fn *, void *>;

    // The lock, once a call is there.
    std::unique_lock<std::mutex> wait() {
        std::unique_lock<std::mutex> hold(lock_);
        came_.wait(hold, [this] { return !calls_.empty(); });
        return hold;
    }

    std::deque<entry> calls_;

  private:
    std::mutex lock_;
    std::condition_variable came_;
};

// The target takes all that is there under the lock once, and runs it without.
class mutex_all_queue : public mutex_queue {
  public:
    void wait_and_run() override {
        std::deque<entry> taken;
        {
            auto hold = wait();
            taken.swap(calls_);
        }
        for (auto &call : taken)
            call.first(nullptr, call.second);
    }
};

// The target takes the lock for each call, as CPython's pending calls do.
class mutex_each_queue : public mutex_queue {
  public:
    void wait_and_run() override {
        entry call;
        {
            auto hold = wait();
            call = calls_.front();
            calls_.pop_front();
        }
        call.first(nullptr, call.second);
    }
};

struct peer {
    const char *name;
    std::unique_ptr<queue> (*make)();
};

const peer peers[] = {
    {"fief_xi_call", [] { return std::unique_ptr<queue>(new fief_queue); }},
    {"mutex, all taken at once", [] { return std::unique_ptr<queue>(new mutex_all_queue); }},
    {"mutex, one at a time", [] { return std::unique_ptr<queue>(new mutex_each_queue); }},
};
constexpr size_t peer_count = sizeof peers / sizeof *peers;

// ---- measuring ----

struct cost {
    double wall_ns, processor_ns; // a call
};

double processor_seconds() {
    timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return double(now.tv_sec) + double(now.tv_nsec) * 1e-9;
}

void send_all(queue &to, uint64_t caller, uint64_t calls, uint64_t callers) {
    void *own = to.enter();
    for (uint64_t i = 0; i < calls; i++) {
        while (i % 256 == 0 && i * callers > the_work->ran.load(std::memory_order_acquire) + window)
            std::this_thread::yield();
        to.call(own, reinterpret_cast<void *>(uintptr_t(caller << 48 | i)));
    }
    to.leave(own);
}

cost measure(const peer &p, uint64_t callers, uint64_t calls) {
    std::unique_ptr<queue> to = p.make();
    work done;
    the_work = &done;
    std::vector<std::thread> threads;
    auto start = std::chrono::steady_clock::now();
    double processor = processor_seconds();
    for (uint64_t i = 0; i < callers; i++)
        threads.emplace_back([&to, i, calls, callers] { send_all(*to, i, calls / callers, callers); });
    uint64_t all = calls / callers * callers;
    while (done.count < all)
        to->wait_and_run();
    for (auto &thread : threads)
        thread.join();
    processor = processor_seconds() - processor;
    double wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    for (uint64_t i = 0; i < callers; i++)
        require(done.next[i] == calls / callers, "lost");
    return {wall * 1e9 / double(all), processor * 1e9 / double(all)};
}

double median(std::vector<double> figures) {
    std::sort(figures.begin(), figures.end());
    return figures[figures.size() / 2];
}

void measure_row(uint64_t callers, uint64_t calls, size_t rounds) {
    std::vector<double> wall[peer_count], processor[peer_count], ratio[peer_count];
    for (size_t round = 0; round < rounds; round++) {
        for (size_t i = 0; i < peer_count; i++) {
            size_t turn = (i + round) % peer_count;
            cost c = measure(peers[turn], callers, calls);
            wall[turn].push_back(c.wall_ns);
            processor[turn].push_back(c.processor_ns);
        }
        for (size_t i = 0; i < peer_count; i++)
            ratio[i].push_back(wall[i].back() / wall[0].back());
    }
    for (size_t i = 0; i < peer_count; i++)
        std::printf("| %llu to 1 | %s | %.0f | %.0f | %.2f |\n", static_cast<unsigned long long>(callers),
                    peers[i].name, median(wall[i]), median(processor[i]), median(ratio[i]));
}

} // namespace

int main(int argc, char **argv) {
    size_t rounds = 11;
    uint64_t calls = 10000000;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (std::string(argv[i]) == "--rounds")
            rounds = std::strtoull(argv[i + 1], nullptr, 10);
        else if (std::string(argv[i]) == "--calls")
            calls = std::strtoull(argv[i + 1], nullptr, 10);
        else
            fail("usage: calls [--rounds N] [--calls N]");
    }
    require(argc % 2 == 1 && rounds > 0 && calls >= 4, "usage: calls [--rounds N] [--calls N]");
    std::puts("| callers | queue | ns a call | processor's ns | multiple of fief |");
    std::puts("| --- | --- | ---: | ---: | ---: |");
    for (uint64_t callers : {1, 2, 4})
        measure_row(callers, calls, rounds);
    return 0;
}
