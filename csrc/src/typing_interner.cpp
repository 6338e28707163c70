// See typing_interner.hpp.
#include "typing_interner.hpp"

#include <algorithm>
#include <numeric>

namespace allomatch {
namespace {

std::uint64_t key_of(std::uint32_t a, std::uint32_t b) noexcept {
    return std::uint64_t{a} << 32U | b;
}

// Whether a text is the usual "a+b", which goes by its positions: there are far fewer texts of them than of pairs.
bool is_pair(std::string_view text, std::size_t plus) noexcept {
    return text.size() <= kMaxTypingText && !trim_blanks(text.substr(0, plus)).empty() &&
           text.find('+', plus + 1) == std::string_view::npos && text.find('|') == std::string_view::npos;
}

}  // namespace

template <typename Read>
TypingInterner::Outcome TypingInterner::attempt(Read read) {
    try {
        return {read(), nullptr};
    } catch (const Error& error) {
        return {0, std::make_shared<const Error>(error)};
    }
}

void TypingInterner::check_known(const Position& position) const {
    if (!nomenclature_) return;
    // One known member is enough: the unknown ones beside it are dropped when the typing is interpreted.
    for (const Name& name : position.names) {
        if (nomenclature_->knows(locus_, name)) return;
    }
    nomenclature_->throw_unknown(locus_, position.names.front());
}

std::vector<Note> TypingInterner::notes(PositionId id) const {
    if (!nomenclature_) return {};
    std::vector<Note> once;
    for (Note& note : nomenclature_->notes(locus_, position(id).names)) {
        if (std::find(once.begin(), once.end(), note) == once.end()) once.push_back(std::move(note));
    }
    return once;
}

std::uint32_t TypingInterner::intern_position(const Position& position) {
    const auto [it, fresh] = position_ids_.try_emplace(position, static_cast<std::uint32_t>(positions_.size()));
    if (fresh) positions_.push_back(&it->first);
    return it->second;
}

std::uint32_t TypingInterner::position_text(std::string_view text) {
    const auto [number, fresh] = position_texts_.intern(text);
    if (fresh) {
        text_positions_.push_back(attempt([&]() -> std::uint32_t {
            if (trim_blanks(text).empty()) return 0;  // what blanks mean is up to the pair
            const Position position = parse_position(locus_, text);
            check_known(position);
            return intern_position(position);
        }));
    }
    return number;
}

std::uint32_t TypingInterner::pair(std::uint32_t first_text, std::uint32_t second_text) {
    std::uint32_t& read = text_pairs_(first_text, second_text);
    if (read == PairTable::kNew) {
        try {
            read = read_pair(first_text, second_text);
        } catch (const Error& error) {
            read = kFailed;
            failed_pairs_.emplace(key_of(first_text, second_text), error);
        }
    }
    if (read == kFailed) throw Error(failed_pairs_.at(key_of(first_text, second_text)));
    return read;
}

std::uint32_t TypingInterner::read_pair(std::uint32_t first_text, std::uint32_t second_text) {
    const std::string_view first = trim_blanks(position_texts_[first_text]);
    const std::string_view second = trim_blanks(position_texts_[second_text]);
    if (first.empty() || second.empty()) return typing(parse_pair(locus_, first, second));
    for (const std::uint32_t text : {first_text, second_text}) {
        if (text_positions_[text].error) throw Error(*text_positions_[text].error);
    }
    return intern({{PositionId{text_positions_[first_text].id}, PositionId{text_positions_[second_text].id}}});
}

std::uint32_t TypingInterner::gl(std::string_view text) {
    const std::size_t plus = text.find('+');
    if (plus != std::string_view::npos && is_pair(text, plus)) {
        const std::uint32_t first = position_text(text.substr(0, plus));
        const std::uint32_t second = position_text(text.substr(plus + 1));
        return pair(first, second);
    }
    const auto [number, fresh] = gl_texts_.intern(text);
    if (fresh) {
        gl_typings_.push_back(attempt([&] { return typing(parse_typing(locus_, text)); }));
    }
    const Outcome& outcome = gl_typings_[number];
    if (outcome.error) throw Error(*outcome.error);
    return outcome.id;
}

std::uint32_t TypingInterner::typing(const Typing& typing) {
    if (typing.untyped()) return 0;
    Pairs pairs;
    for (const Genotype& genotype : typing.alternatives) {
        for (const Position& position : genotype.positions) check_known(position);
        const PositionId first{intern_position(genotype.positions[0])};
        pairs.push_back({first, PositionId{intern_position(genotype.positions[1])}});
    }
    return intern(std::move(pairs));
}

Typing TypingInterner::typing_of(std::uint32_t id) const {
    Typing typing;
    if (id == 0) return typing;
    for (const PositionPair& pair : typings_[id - 1]) {
        Genotype genotype{{*positions_[pair.first.value], *positions_[pair.second.value]}};
        std::sort(genotype.positions.begin(), genotype.positions.end());
        typing.alternatives.push_back(std::move(genotype));
    }
    std::sort(typing.alternatives.begin(), typing.alternatives.end());
    return typing;
}

std::uint32_t TypingInterner::intern(Pairs pairs) {
    for (PositionPair& pair : pairs) {
        if (pair.second < pair.first) std::swap(pair.first, pair.second);
    }
    const auto next = static_cast<std::uint32_t>(typings_.size() + 1);
    if (pairs.size() == 1) {
        const auto [it, fresh] = single_.try_emplace(key_of(pairs[0].first.value, pairs[0].second.value), next);
        if (fresh) typings_.push_back(std::move(pairs));
        return it->second;
    }
    std::sort(pairs.begin(), pairs.end());
    const auto [it, fresh] = several_.try_emplace(pairs, next);
    if (fresh) typings_.push_back(std::move(pairs));
    return it->second;
}

CanonicalDictionary TypingInterner::canonical(std::span<const std::uint32_t> donors) const {
    CanonicalDictionary result;
    // Only what a donor still has: rows that were rejected may have brought names that nobody else uses.
    std::vector<bool> used(positions_.size());
    for (std::size_t t = 0; t < typings_.size(); ++t) {
        if (donors[t + 1] == 0) continue;
        for (const PositionPair& pair : typings_[t]) used[pair.first.value] = used[pair.second.value] = true;
    }
    std::map<Name, std::uint32_t> names;
    for (std::size_t p = 0; p < positions_.size(); ++p) {
        if (!used[p]) continue;
        for (const Name& name : positions_[p]->names) names.emplace(name, 0);
    }
    for (auto& [name, id] : names) {
        id = static_cast<std::uint32_t>(result.names.size());
        result.names.push_back(to_text(locus_, name));
    }
    std::vector<std::uint32_t> new_positions(positions_.size());
    result.position_offsets.push_back(0);
    for (const auto& [position, id] : position_ids_) {  // in the order of their content
        if (!used[id]) continue;
        new_positions[id] = static_cast<std::uint32_t>(result.position_offsets.size() - 1);
        for (const Name& name : position.names) result.position_names.push_back(names.at(name));
        result.position_offsets.push_back(static_cast<std::uint32_t>(result.position_names.size()));
    }
    // One genotype before several, then by content: typings with the same first position lie side by side, which is how
    // verdict tables are made.
    std::vector<std::pair<std::uint32_t, Pairs>> typings;
    for (std::uint32_t t = 1; t <= typings_.size(); ++t) {
        if (donors[t] == 0) continue;
        Pairs pairs = typings_[t - 1];
        for (PositionPair& pair : pairs) {
            pair = {PositionId{new_positions[pair.first.value]}, PositionId{new_positions[pair.second.value]}};
            if (pair.second < pair.first) std::swap(pair.first, pair.second);
        }
        std::sort(pairs.begin(), pairs.end());
        typings.emplace_back(t, std::move(pairs));
    }
    std::sort(typings.begin(), typings.end(), [&](const auto& a, const auto& b) {
        const bool a_several = a.second.size() > 1;
        const bool b_several = b.second.size() > 1;
        if (a_several != b_several) return b_several;
        return a.second < b.second;
    });
    result.new_ids.assign(typing_count(), CanonicalDictionary::kDropped);
    result.new_ids[0] = 0;
    result.typing_offsets = {0, 0};
    result.typing_donors = {donors[0]};
    for (const auto& [old_id, pairs] : typings) {
        result.new_ids[old_id] = static_cast<std::uint32_t>(result.typing_donors.size());
        result.pairs.insert(result.pairs.end(), pairs.begin(), pairs.end());
        result.typing_offsets.push_back(static_cast<std::uint32_t>(result.pairs.size()));
        result.typing_donors.push_back(donors[old_id]);
    }
    return result;
}

}  // namespace allomatch
