// See typing_classes.hpp.
#include "typing_classes.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <string_view>
#include <utility>

#include "typing_interner.hpp"

namespace allomatch {
namespace {

// "A*02" of A*02:01, and the whole of an antigen.
std::string_view first_field(std::string_view name) noexcept {
    return name.substr(0, name.find(':'));
}

}  // namespace

std::vector<std::uint8_t> typing_classes(const CanonicalDictionary& dictionary) {
    // What a typing looks like: the first fields of its first genotype's positions, each by its first name. Positions
    // of a pair are in the order of their names.
    using Look = std::pair<std::string_view, std::string_view>;
    const auto field_of = [&](PositionId position) {
        const std::uint32_t name = dictionary.position_names[dictionary.position_offsets[position.value]];
        return first_field(dictionary.names[name]);
    };
    const std::size_t typings = dictionary.typing_donors.size();
    std::vector<Look> looks(typings);
    std::map<Look, std::uint64_t> donors;
    for (std::size_t t = 1; t < typings; ++t) {
        const PositionPair& pair = dictionary.pairs[dictionary.typing_offsets[t]];
        looks[t] = {field_of(pair.first), field_of(pair.second)};
        donors[looks[t]] += dictionary.typing_donors[t];
    }
    // The most frequent looks first, each to the class that has the fewest donors so far.
    std::vector<std::pair<Look, std::uint64_t>> by_donors(donors.begin(), donors.end());
    std::stable_sort(by_donors.begin(), by_donors.end(),
                     [](const auto& a, const auto& b) { return a.second > b.second; });
    std::array<std::uint64_t, kTypingClasses> sizes{};
    std::map<Look, std::uint8_t> class_of;
    for (const auto& [look, count] : by_donors) {
        const auto smallest = std::min_element(sizes.begin() + 1, sizes.end());
        *smallest += count;
        class_of[look] = static_cast<std::uint8_t>(smallest - sizes.begin());
    }
    std::vector<std::uint8_t> classes(typings);
    for (std::size_t t = 1; t < typings; ++t) classes[t] = class_of[looks[t]];
    return classes;
}

}  // namespace allomatch
