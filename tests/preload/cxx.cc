// C++ on top of malloc: new and delete in all their forms, new-handlers, exceptions, destructors of thread_local
// objects.
#include "tap.h"

#include <cstdint>
#include <cstdlib>
#include <memory_resource>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

volatile size_t too_large = PTRDIFF_MAX;
unsigned constructed, destroyed;

struct counted {
    counted() {
        constructed++;
    }
    ~counted() {
        destroyed++;
    }
    char bytes[40];
};

struct alignas(256) wide : counted {};

template <typename T> bool is_aligned(T *p) {
    return reinterpret_cast<uintptr_t>(p) % alignof(T) == 0;
}

template <typename T> void check_new(const char *what) {
    constructed = destroyed = 0;
    T *one = new T, *many = new T[7], *quiet = new (std::nothrow) T, *quiet_many = new (std::nothrow) T[7];
    bool aligned = is_aligned(one) && is_aligned(many) && is_aligned(quiet) && is_aligned(quiet_many);
    delete one;
    delete[] many;
    delete quiet;
    delete[] quiet_many;
    tap_check(aligned && constructed == 16 && destroyed == 16, "new and delete of %s", what);
}

// What the compiler would choose by itself.
void check_operators() {
    constexpr std::align_val_t page{4096};
    ::operator delete(::operator new(0));
    ::operator delete (::operator new(0), size_t{0});
    ::operator delete (::operator new(100), size_t{100});
    ::operator delete(::operator new(100, std::nothrow), std::nothrow);
    ::operator delete[](::operator new[](100), size_t{100});
    ::operator delete[](::operator new[](100, std::nothrow), std::nothrow);
    void *aligned[] = {::operator new(100, page), ::operator new(100, page, std::nothrow),
                       ::operator new[](100, page), ::operator new[](100, page, std::nothrow)};
    bool good = true;
    for (void *p : aligned)
        good = good && p != nullptr && reinterpret_cast<uintptr_t>(p) % 4096 == 0;
    ::operator delete (aligned[0], size_t{100}, page);
    ::operator delete (::operator new(0, page), size_t{0}, page);
    ::operator delete(aligned[1], page, std::nothrow);
    ::operator delete[](aligned[2], size_t{100}, page);
    ::operator delete[](aligned[3], page);
    ::operator delete(static_cast<void *>(nullptr));
    tap_check(good, "all forms of the operators");
    std::free(::operator new(1000));
    tap_check(true, "a block of new is one of malloc's");
}

// ---- no memory ----

unsigned handler_calls;

void give_up_at_third_call() {
    if (++handler_calls == 3)
        std::set_new_handler(nullptr);
}

struct no_more : std::runtime_error {
    using std::runtime_error::runtime_error;
};

void throw_no_more() {
    throw no_more("from the handler");
}

template <typename Error, typename Function> bool throws(Function function) {
    try {
        function();
    } catch (const Error &) {
        return true;
    }
    return false;
}

void check_exhaustion() {
    tap_check(throws<std::bad_alloc>([] { ::operator delete(::operator new(too_large)); }),
              "new throws std::bad_alloc");
    tap_check(throws<std::bad_alloc>([] { ::operator delete[](::operator new[](too_large)); }), "new[] does");
    tap_check(throws<std::bad_alloc>([] {
                  ::operator delete (::operator new (too_large, std::align_val_t{64}), std::align_val_t{64});
              }),
              "the aligned one does");
    tap_check(::operator new(too_large, std::nothrow) == nullptr && ::operator new[](too_large, std::nothrow) ==
                  nullptr && ::operator new (too_large, std::align_val_t{64}, std::nothrow) == nullptr,
              "those that don't throw return nullptr");
    std::set_new_handler(give_up_at_third_call);
    tap_check(throws<std::bad_alloc>([] { ::operator delete(::operator new(too_large)); }) && handler_calls == 3,
              "a new-handler is called until it gives up");
    std::set_new_handler(throw_no_more);
    tap_check(throws<no_more>([] { ::operator delete(::operator new(too_large)); }),
              "what it throws goes through new");
    tap_check(::operator new(too_large, std::nothrow) == nullptr, "and is caught where new doesn't throw");
    std::set_new_handler(nullptr);
    tap_check(throws<std::length_error>([] { std::vector<int>().reserve(too_large); }),
              "std::vector has its own limit");
}

// ---- the library's own ----

void check_library() {
    std::pmr::monotonic_buffer_resource arena;
    std::pmr::unsynchronized_pool_resource pool;
    std::pmr::vector<std::pmr::string> in_arena(&arena), in_pool(&pool);
    std::vector<std::string> plain;
    for (int i = 0; i < 10000; i++) {
        plain.push_back("a text that is too long for the object itself, " + std::to_string(i));
        in_arena.emplace_back(plain.back());
        in_pool.emplace_back(plain.back());
    }
    bool same = true;
    for (size_t i = 0; i < plain.size(); i++)
        same = same && plain[i] == in_arena[i].c_str() && plain[i] == in_pool[i].c_str();
    tap_check(same, "containers, with the heap and with std::pmr");
}

void throw_deeply(int depth) {
    std::string local(100, 'x');
    if (depth == 0)
        throw std::runtime_error(local);
    throw_deeply(depth - 1);
}

bool throw_often() {
    bool good = true;
    for (int i = 0; i < 1000; i++) {
        try {
            throw_deeply(20);
        } catch (const std::runtime_error &error) {
            std::exception_ptr kept = std::current_exception();
            good = good && std::string(error.what()).size() == 100;
            good = good && throws<std::runtime_error>([&] { std::rethrow_exception(kept); });
        }
    }
    return good;
}

void check_exceptions() {
    bool here = throw_often(), there[4] = {};
    std::vector<std::thread> threads;
    for (bool &good : there)
        threads.emplace_back([&good] { good = throw_often(); });
    for (std::thread &thread : threads)
        thread.join();
    tap_check(here && there[0] && there[1] && there[2] && there[3], "exceptions, in threads as well");
}

// ---- thread_local objects ----

unsigned local_ends;

struct local_object {
    std::string text = "a text that is too long for the object itself";
    ~local_object() {
        text += text;
        std::vector<std::string> more(10, text);
        local_ends += more.back().size() == text.size();
    }
};

void check_thread_locals() {
    for (int i = 0; i < 1000; i++)
        std::thread([] {
            thread_local local_object first, second;
            first.text += second.text;
        }).join();
    tap_check(local_ends == 2000, "destructors of thread_local objects allocate: %u", local_ends);
}

struct last_object {
    std::string *text = new std::string(1000, 'x');
    ~last_object() {
        delete text;
        delete new std::string(2000, 'y');
    }
} static_object;

} // namespace

int main() {
    check_new<counted>("objects");
    check_new<wide>("objects that are aligned to 256");
    check_operators();
    check_exhaustion();
    check_library();
    check_exceptions();
    check_thread_locals();
    return tap_end();
}
