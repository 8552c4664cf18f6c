// What g++ is measured with: standard templates by the hundred.
#include <algorithm>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <regex>
#include <string>
#include <tuple>
#include <unordered_map>
#include <variant>
#include <vector>

template <int N> struct layer {
    std::map<std::tuple<int, std::string>, std::vector<std::shared_ptr<layer<N - 1>>>> below;
    std::unordered_map<std::string, std::variant<int, double, std::string, std::vector<int>>> values;
    std::function<std::string(const layer &)> shown;

    size_t size() const {
        size_t total = values.size() + (shown ? shown(*this).size() : 0);
        for (const auto &[key, layers] : below)
            for (const auto &one : layers)
                total += one->size() + std::get<1>(key).size();
        return total;
    }
};

template <> struct layer<0> {
    size_t size() const {
        return 1;
    }
};

int main() {
    layer<24> top;
    std::regex pattern("([a-z]+) ([0-9]+)");
    std::smatch match;
    std::string text = "layers 24";
    if (std::regex_match(text, match, pattern))
        top.values[match[1]] = std::stoi(match[2]);
    std::cout << top.size() << '\n';
}
