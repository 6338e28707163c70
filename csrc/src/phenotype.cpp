// The interned dictionary of typings, and its interpretation under a nomenclature as bitsets of ARD groups.
#include "allomatch/phenotype.hpp"

#include <algorithm>
#include <bit>
#include <map>

namespace allomatch {

Typing DictionaryView::typing(TypingId id) const {
    const auto position = [&](PositionId p) {
        Position result;
        for (std::uint32_t i = position_offsets[p.value]; i < position_offsets[p.value + 1]; ++i) {
            result.names.push_back(names[position_names[i]]);
        }
        return result;
    };
    Typing result;
    for (const PositionPair& pair : alternatives(id)) {
        result.alternatives.push_back(Genotype{{position(pair.first), position(pair.second)}});
    }
    return result;
}

void throw_unknown(const Nomenclature& nomenclature, const DictionaryView& dictionary, PositionId position) {
    const auto members = dictionary.position_names.subspan(
        dictionary.position_offsets[position.value],
        dictionary.position_offsets[position.value + 1] - dictionary.position_offsets[position.value]);
    for (const std::uint32_t n : members) {
        if (!nomenclature.knows(dictionary.locus, dictionary.names[n]))
            nomenclature.throw_unknown(dictionary.locus, dictionary.names[n]);
    }
    nomenclature.throw_unknown(dictionary.locus, dictionary.names[members.front()]);
}

Dictionary::Dictionary(Locus locus, std::span<const Typing> typings)
    : locus_(locus), position_offsets_{0}, typing_offsets_{0, 0} {
    std::map<Name, std::uint32_t> name_ids;
    std::map<Position, std::uint32_t> position_ids;
    const auto intern = [&](const Position& position) {
        const auto [it, fresh] = position_ids.try_emplace(position, static_cast<std::uint32_t>(position_ids.size()));
        if (fresh) {
            for (const Name& name : position.names) {
                const auto [name_it, new_name] = name_ids.try_emplace(name, static_cast<std::uint32_t>(names_.size()));
                if (new_name) names_.push_back(name);
                position_names_.push_back(name_it->second);
            }
            position_offsets_.push_back(static_cast<std::uint32_t>(position_names_.size()));
        }
        return PositionId{it->second};
    };
    for (const Typing& typing : typings) {
        for (const Genotype& genotype : typing.alternatives) {
            const PositionId first = intern(genotype.positions[0]);
            pairs_.push_back({first, intern(genotype.positions[1])});
        }
        typing_offsets_.push_back(static_cast<std::uint32_t>(pairs_.size()));
    }
}

DictionaryView Dictionary::view() const noexcept {
    return {locus_, names_, position_offsets_, position_names_, typing_offsets_, pairs_};
}

namespace {}  // namespace

namespace {

GroupSpace space_of(const Nomenclature& nomenclature, const DictionaryView& dictionary, std::span<const Name> also,
                    MatchLevel level) {
    std::vector<Name> all(dictionary.names.begin(), dictionary.names.end());
    all.insert(all.end(), also.begin(), also.end());
    return nomenclature.group_space(dictionary.locus, all, level);
}

}  // namespace

Interpretation::Interpretation(const Nomenclature& nomenclature, const DictionaryView& dictionary,
                               std::span<const Name> also, MatchLevel level, const Reading& reading)
    : Interpretation(space_of(nomenclature, dictionary, also, level), dictionary, reading) {}

Interpretation::Interpretation(GroupSpace space, const DictionaryView& dictionary, const Reading& reading)
    : space_(std::move(space)), word_offsets_{0} {
    GroupBits bits(space_.size());
    bits.set_range(0, space_.size());
    everything_.assign(bits.words().begin(), bits.words().end());

    // Names first, each once, trimmed to its window of words; positions are unions of them.
    struct NameMeaning {
        Expression expression;
        std::uint32_t first_word, word_count;
        std::size_t offset;
    };
    const auto window = [&](std::span<const std::uint64_t> words) {
        std::size_t first = 0;
        std::size_t last = words.size();
        while (first < last && words[first] == 0) ++first;
        while (last > first && words[last - 1] == 0) --last;
        return std::pair{first, last};
    };
    std::vector<NameMeaning> names;
    std::vector<std::uint64_t> name_words;
    names.reserve(dictionary.names.size());
    for (const Name& name : dictionary.names) {
        bits.clear();
        const Expression expression = space_.add_name(name, bits, reading);
        const auto [first, last] = window(bits.words());
        names.push_back({expression, static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(last - first),
                         name_words.size()});
        name_words.insert(name_words.end(), bits.words().begin() + static_cast<std::ptrdiff_t>(first),
                          bits.words().begin() + static_cast<std::ptrdiff_t>(last));
    }

    const std::size_t count = dictionary.position_count();
    flags_.reserve(count);
    first_words_.reserve(count);
    word_offsets_.reserve(count + 1);
    std::vector<std::uint32_t> group_counts(space_.size() + 1);
    const auto for_each_group = [](std::span<const std::uint64_t> words, std::size_t first_word, auto visit) {
        for (std::size_t w = 0; w < words.size(); ++w) {
            for (std::uint64_t rest = words[w]; rest != 0; rest &= rest - 1) {
                visit(64 * (first_word + w) + static_cast<std::size_t>(std::countr_zero(rest)));
            }
        }
    };
    std::vector<std::uint64_t> scratch;
    for (std::size_t p = 0; p < count; ++p) {
        const auto members = dictionary.position_names.subspan(
            dictionary.position_offsets[p], dictionary.position_offsets[p + 1] - dictionary.position_offsets[p]);
        bool known = false;
        bool unknown = false;
        bool null = false;
        std::size_t first = everything_.size();
        std::size_t last = 0;
        for (const std::uint32_t n : members) {
            const NameMeaning& meaning = names[n];
            known |= meaning.expression != Expression::Unknown;
            unknown |= meaning.expression == Expression::Unknown;
            null |= meaning.expression == Expression::Null || meaning.expression == Expression::PossiblyNull;
            if (meaning.word_count == 0) continue;
            first = std::min<std::size_t>(first, meaning.first_word);
            last = std::max<std::size_t>(last, meaning.first_word + meaning.word_count);
        }
        if (unknown && reading.profile == Profile::Atlas) known = false;
        if (!known) {
            // Nothing that this nomenclature knows: the position may be anything, and the caller reports it.
            scratch = everything_;
            first = 0;
            all_known_ = false;
        } else {
            scratch.assign(last > first ? last - first : 0, 0);
            if (scratch.empty()) first = 0;
            for (const std::uint32_t n : members) {
                const NameMeaning& meaning = names[n];
                for (std::uint32_t w = 0; w < meaning.word_count; ++w) {
                    scratch[meaning.first_word + w - first] |= name_words[meaning.offset + w];
                }
            }
        }
        flags_.push_back(static_cast<std::uint8_t>((null ? kMayBeNull : 0) | (known ? kKnown : 0)));
        first_words_.push_back(static_cast<std::uint32_t>(first));
        words_.insert(words_.end(), scratch.begin(), scratch.end());
        word_offsets_.push_back(static_cast<std::uint32_t>(words_.size()));
        std::size_t groups = 0;
        for_each_group(scratch, first, [&](std::size_t group) {
            ++group_counts[group + 1];
            ++groups;
        });
        few_groups_.push_back(static_cast<std::uint8_t>(std::min<std::size_t>(groups, 4)));
    }

    for (std::size_t g = 1; g < group_counts.size(); ++g) group_counts[g] += group_counts[g - 1];
    inverted_offsets_ = group_counts;
    inverted_.resize(group_counts.back());
    for (std::size_t p = 0; p < count; ++p) {
        const PositionMeaning meaning = position(PositionId{static_cast<std::uint32_t>(p)});
        for_each_group(meaning.groups.words, meaning.groups.first_word, [&](std::size_t group) {
            inverted_[group_counts[group]++] = PositionId{static_cast<std::uint32_t>(p)};
        });
    }
}

PositionMeaning Interpretation::anything() const noexcept {
    return {GroupSet{0, everything_}, false, true};
}

std::span<const PositionId> Interpretation::positions_with(GroupId group) const noexcept {
    return std::span(inverted_).subspan(inverted_offsets_[group.value],
                                        inverted_offsets_[group.value + 1] - inverted_offsets_[group.value]);
}

}  // namespace allomatch
