// For programs.py: a threaded C++ program of the usual sort. Stages of threads pass texts on through queues, count
// words in maps, and give the results to futures: strings, nodes and shared states are made in one thread and end
// in another.
#include <condition_variable>
#include <deque>
#include <future>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

namespace {

template <typename T> class queue {
  public:
    void push(T item) {
        std::lock_guard<std::mutex> held(lock_);
        items_.push_back(std::move(item));
        changed_.notify_one();
    }

    void close() {
        std::lock_guard<std::mutex> held(lock_);
        closed_ = true;
        changed_.notify_all();
    }

    std::optional<T> pop() {
        std::unique_lock<std::mutex> held(lock_);
        changed_.wait(held, [this] { return !items_.empty() || closed_; });
        if (items_.empty())
            return std::nullopt;
        T item = std::move(items_.front());
        items_.pop_front();
        return item;
    }

  private:
    std::mutex lock_;
    std::condition_variable changed_;
    std::deque<T> items_;
    bool closed_ = false;
};

using words = std::vector<std::string>;
using counts = std::unordered_map<std::string, size_t>;

std::string text_of(size_t number) {
    std::string text;
    for (size_t i = 0; i < 60; i++)
        text += "word-" + std::to_string((number * 31 + i * 7919) % 1009) + (i % 7 ? " " : ", ");
    return text;
}

std::shared_ptr<words> split(const std::string &text) {
    auto found = std::make_shared<words>();
    for (size_t start = 0, end; start < text.size(); start = end + 1) {
        end = text.find(' ', start);
        if (end == std::string::npos)
            break;
        found->push_back(text.substr(start, end - start));
    }
    return found;
}

counts count_all(queue<std::shared_ptr<words>> &from) {
    counts mine;
    while (auto list = from.pop())
        for (const std::string &word : **list)
            mine[word]++;
    return mine;
}

} // namespace

int main() {
    constexpr size_t texts = 20000, threads = 3;
    queue<std::string> to_split;
    queue<std::shared_ptr<words>> to_count;
    std::vector<std::thread> splitters;
    std::vector<std::future<counts>> counters;
    for (size_t i = 0; i < threads; i++) {
        splitters.emplace_back([&] {
            while (auto text = to_split.pop())
                to_count.push(split(*text));
        });
        counters.push_back(std::async(std::launch::async, [&] { return count_all(to_count); }));
    }
    for (size_t i = 0; i < texts; i++)
        to_split.push(text_of(i));
    to_split.close();
    for (std::thread &splitter : splitters)
        splitter.join();
    to_count.close();
    std::map<std::string, size_t> all;
    for (auto &counter : counters)
        for (const auto &[word, count] : counter.get())
            all[word] += count;
    size_t sum = 0;
    for (const auto &[word, count] : all) {
        sum += count;
        if (word.size() == 6)
            std::cout << word << ' ' << count << '\n';
    }
    std::cout << all.size() << ' ' << sum << '\n';
}
