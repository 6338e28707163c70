// Reading and writing of typings: GL strings, pairs of positions, allele strings. SEMANTICS section 1.
#include <algorithm>

#include "allomatch/error.hpp"
#include "allomatch/phenotype.hpp"
#include "drb345.hpp"

namespace allomatch {
namespace {

[[noreturn]] void malformed(Locus locus, std::string_view text, std::string_view why) {
    throw Error(ErrorCode::MalformedTyping, "malformed typing " + shown(text) + " at locus " +
                                                std::string(locus_name(locus)) + ": " + std::string(why));
}

void check_length(Locus locus, std::string_view text) {
    if (text.size() <= kMaxTypingText) return;
    throw Error(ErrorCode::TypingTooLong, "the typing at locus " + std::string(locus_name(locus)) + " is " +
                                              std::to_string(text.size()) + " characters long; at most " +
                                              std::to_string(kMaxTypingText) + " are read; use a code or a group name");
}

template <typename T>
void sort_unique(std::vector<T>& values) {
    std::sort(values.begin(), values.end());
    values.erase(std::unique(values.begin(), values.end()), values.end());
}

// Calls visit(part) for each part between separators; returns the number of parts.
template <typename Visit>
std::size_t for_each_part(std::string_view text, char separator, Visit visit) {
    std::size_t count = 0;
    while (true) {
        const std::size_t end = text.find(separator);
        visit(text.substr(0, end));
        ++count;
        if (end == std::string_view::npos) return count;
        text.remove_prefix(end + 1);
    }
}

Genotype make_genotype(Position first, Position second) {
    if (second < first) std::swap(first, second);
    return Genotype{{std::move(first), std::move(second)}};
}

Typing single(Genotype genotype) {
    Typing typing;
    typing.alternatives.push_back(std::move(genotype));
    return typing;
}

bool all_digits(std::string_view text) noexcept {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// An item behind a '/'. A short one inherits from the item before it: the first field ("A*01:01/02", "01:01/11N"), the
// first two digits ("A*0101/02"), or the antigen's letters ("A2/28").
Name parse_next(Locus locus, const Name& before, std::string_view part) {
    const bool suffixed = !part.empty() && (part.back() < '0' || part.back() > '9');
    const std::string_view digits = part.substr(0, part.size() - (suffixed ? 1 : 0));
    const bool number = all_digits(digits);
    if (!number || before.kind == NameKind::Serology || before.fields[0] == 0) return parse_name(locus, part);
    const Name first_field{{before.fields[0], 0, 0, 0}, NameKind::XxCode, 0, before.gene};
    std::string whole = to_text(locus, first_field);
    whole.resize(whole.size() - 2);  // "A*01:XX" -> "A*01:"
    if (before.kind == NameKind::Version2) {
        whole.pop_back();
        if (digits.size() >= 4) whole.resize(whole.size() - 2);  // a whole name without its locus
    }
    return parse_name(locus, whole.append(part));
}

}  // namespace

std::string_view trim_blanks(std::string_view text) noexcept {
    const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
    while (!text.empty() && blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && blank(text.back())) text.remove_suffix(1);
    return text;
}

void parse_names(Locus locus, std::string_view text, std::vector<Name>& names) {
    check_length(locus, text);
    names.clear();
    for_each_part(text, '/', [&](std::string_view part) {
        part = trim_blanks(part);
        if (part.empty()) malformed(locus, text, "an allele is missing beside '/'; write for example A*01:01/A*01:02");
        names.push_back(names.empty() ? parse_name(locus, part) : parse_next(locus, names.back(), part));
    });
    if (names.size() > 1) sort_unique(names);
}

Position parse_position(Locus locus, std::string_view text) {
    Position position;
    parse_names(locus, text, position.names);
    return position;
}

Typing parse_pair(Locus locus, std::string_view first, std::string_view second) {
    first = trim_blanks(first);
    second = trim_blanks(second);
    if (first.empty() && second.empty()) return {};
    if (first.empty())
        malformed(locus, second, "the first position is blank; leave the second one blank if homozygous");
    Position a = parse_position(locus, first);
    Position b = second.empty() ? a : parse_position(locus, second);
    return single(make_genotype(std::move(a), std::move(b)));
}

Typing parse_typing(Locus locus, std::string_view text) {
    check_length(locus, text);
    text = trim_blanks(text);
    Typing typing;
    if (text.empty()) return typing;
    for_each_part(text, '|', [&](std::string_view alternative) {
        std::array<std::string_view, 2> parts;
        std::size_t count = 0;
        for_each_part(alternative, '+', [&](std::string_view part) {
            if (count < 2) parts[count] = part;
            ++count;
        });
        if (count > 2) {
            throw Error(ErrorCode::TooManyAlleles,
                        "locus " + std::string(locus_name(locus)) + " is given " + std::to_string(count) +
                            " positions in " + shown(alternative) +
                            "; a locus has two positions joined by '+': leave out what is no position");
        }
        Typing one = parse_pair(locus, parts[0], parts[1]);
        if (one.untyped())
            malformed(locus, text, "a genotype is missing beside '|' or '+'; write for example A*01:01+A*02:01");
        typing.alternatives.push_back(std::move(one.alternatives.front()));
    });
    sort_unique(typing.alternatives);
    return typing;
}

namespace {

// Names of several of DRB3, DRB4 and DRB5 are one typing of all three.
Locus locus_of_part(std::string_view part) {
    const auto first = locus_said(part);
    if (!first) {
        throw Error(ErrorCode::MalformedTyping,
                    "malformed GL string: the part " + shown(part) +
                        " names no locus; expected for example A*01:01+A*02:01^B*08:01+B*44:02");
    }
    if (!shares_drb345(*first)) return *first;
    Locus locus = *first;
    for (std::size_t at = 0; at != std::string_view::npos;) {
        const std::size_t end = part.find_first_of("+|/", at);
        const std::string_view item = part.substr(at, end == std::string_view::npos ? end : end - at);
        const auto said = locus_said(item);
        if (said && *said != *first && shares_drb345(*said)) locus = Locus::DRB345;
        at = end == std::string_view::npos ? end : end + 1;
    }
    return locus;
}

[[noreturn]] void bad_phase(std::string_view part, std::string_view why) {
    throw Error(ErrorCode::MalformedTyping, "malformed GL string: the part " + shown(part) + " " + std::string(why) +
                                                "; expected for example A*01:01~B*08:01+A*02:01~B*44:02");
}

// An item of a haplotype: a position that says its locus.
struct Item {
    Locus locus;
    std::string_view text;
};
using Items = std::vector<Item>;

// "A*01:01~B*08:01+A*02:01~B*44:02": two haplotypes, or one that is there twice.
std::array<Items, 2> split_diplotype(std::string_view text) {
    std::array<std::string_view, 2> haplotypes;
    std::size_t count = 0;
    for_each_part(text, '+', [&](std::string_view haplotype) {
        if (count < 2) haplotypes[count] = trim_blanks(haplotype);
        ++count;
    });
    if (count > 2) {
        throw Error(ErrorCode::TooManyAlleles,
                    "a person has two haplotypes, " + shown(text) + " has " + std::to_string(count));
    }
    if (haplotypes[1].empty()) haplotypes[1] = haplotypes[0];
    std::array<Items, 2> items;
    for (std::size_t h = 0; h < 2; ++h) {
        for_each_part(haplotypes[h], '~', [&](std::string_view item) {
            item = trim_blanks(item);
            items[h].push_back({locus_of_part(item), item});
        });
    }
    return items;
}

// Where every haplotype has the same ones of DRB3, DRB4 and DRB5, each is a locus; else they are one locus together.
void join_drb345(std::span<std::array<Items, 2>> diplotypes) {
    const auto genes = [](const Items& items) {
        std::vector<Locus> found;
        for (const Item& item : items) {
            if (shares_drb345(item.locus)) found.push_back(item.locus);
        }
        std::sort(found.begin(), found.end());
        return found;
    };
    const std::vector<Locus> first = genes(diplotypes.front()[0]);
    const bool alike = std::all_of(diplotypes.begin(), diplotypes.end(), [&](const auto& diplotype) {
        return genes(diplotype[0]) == first && genes(diplotype[1]) == first;
    });
    if (alike) return;
    for (auto& diplotype : diplotypes) {
        for (Items& items : diplotype) {
            for (Item& item : items) {
                if (shares_drb345(item.locus)) item.locus = Locus::DRB345;
            }
        }
    }
}

// "A*01:01~B*08:01+A*02:01~B*44:02|A*01:01~B*44:02+A*02:01~B*08:01": pairs of haplotypes of the same loci.
Phase parse_phase(std::string_view part) {
    std::vector<std::array<Items, 2>> diplotypes;
    for_each_part(part, '|', [&](std::string_view text) { diplotypes.push_back(split_diplotype(text)); });
    join_drb345(diplotypes);
    for (auto& diplotype : diplotypes) {
        for (Items& items : diplotype)
            std::stable_sort(items.begin(), items.end(),
                             [](const Item& a, const Item& b) { return a.locus < b.locus; });
    }
    Phase phase;
    for (const Item& item : diplotypes.front()[0]) phase.loci.push_back(item.locus);
    for (const auto& diplotype : diplotypes) {
        Phase::Diplotype& haplotypes = phase.alternatives.emplace_back();
        for (std::size_t h = 0; h < 2; ++h) {
            std::vector<Locus> loci;
            for (const Item& item : diplotype[h]) {
                if (!loci.empty() && loci.back() == item.locus) {
                    throw Error(ErrorCode::LocusTwice, "locus " + std::string(locus_name(item.locus)) +
                                                           " is twice on a haplotype of " + shown(part) +
                                                           "; name it once");
                }
                loci.push_back(item.locus);
                haplotypes[h].push_back(parse_position(item.locus, item.text));
            }
            if (loci != phase.loci) bad_phase(part, "has haplotypes of different loci");
        }
        if (haplotypes[1] < haplotypes[0]) std::swap(haplotypes[0], haplotypes[1]);
    }
    sort_unique(phase.alternatives);
    return phase;
}

}  // namespace

std::vector<GlPart> split_gl(std::string_view text) {
    std::vector<GlPart> parts;
    if (trim_blanks(text).empty()) return parts;
    for_each_part(text, '^', [&](std::string_view part) {
        part = trim_blanks(part);
        const bool phased = part.find('~') != std::string_view::npos;
        const Locus locus = locus_of_part(part);
        for (const GlPart& before : parts) {
            if (before.locus == locus && !before.phased && !phased) {
                throw Error(ErrorCode::LocusTwice, "locus " + std::string(locus_name(locus)) + " is given twice, in " +
                                                       shown(before.text) + " and in " + shown(part) +
                                                       "; join alternatives by '|'");
            }
        }
        // Every part has a locus of its own: of more parts than loci, one repeats. Said here, so that a text of a
        // million parts is not compared part with part.
        if (parts.size() == kLocusCount) {
            throw Error(ErrorCode::LocusTwice, "a GL string of more than " + std::to_string(kLocusCount) +
                                                   " parts gives a locus twice: " + shown(text) +
                                                   "; give each locus once");
        }
        parts.push_back({locus, phased, part});
    });
    return parts;
}

std::string to_text(Locus locus, const Position& position) {
    std::string text;
    for (const Name& name : position.names) {
        if (!text.empty()) text.push_back('/');
        text += to_text(locus, name);
    }
    return text;
}

std::string to_text(Locus locus, const Typing& typing) {
    std::string text;
    for (const Genotype& genotype : typing.alternatives) {
        if (!text.empty()) text.push_back('|');
        text += to_text(locus, genotype.positions[0]) + "+" + to_text(locus, genotype.positions[1]);
    }
    return text;
}

bool says_both_positions(std::string_view part) {
    bool both = true;
    for_each_part(part, '|', [&](std::string_view genotype) {
        const std::size_t plus = genotype.find('+');
        both = both && plus != std::string_view::npos && !trim_blanks(genotype.substr(plus + 1)).empty();
    });
    return both;
}

Phenotype Phenotype::from_gl(std::string_view text) {
    Phenotype phenotype;
    std::array<bool, kLocusCount> seen{};
    const auto once = [&](Locus locus, std::string_view part) {
        if (seen[index_of(locus)]) {
            throw Error(ErrorCode::LocusTwice, "locus " + std::string(locus_name(locus)) + " is given again in " +
                                                   shown(part) + "; give each locus once");
        }
        seen[index_of(locus)] = true;
    };
    BothSaid both_said{};
    for (const GlPart& part : split_gl(text)) {
        if (part.phased) {
            check_length(part.locus, part.text);
            Phase phase = parse_phase(part.text);
            for (const Locus locus : phase.loci) {
                once(locus, part.text);
                both_said[index_of(locus)] = true;
            }
            phenotype.set_phase(std::move(phase));
        } else {
            once(part.locus, part.text);
            phenotype.typings_[index_of(part.locus)] = parse_typing(part.locus, part.text);
            both_said[index_of(part.locus)] = says_both_positions(part.text);
        }
    }
    if (complete_drb345(phenotype.typings_, both_said) == GenesAgree::No)
        throw_genes_disagree(phenotype[Locus::DRB345]);
    return phenotype;
}

Phenotype Phenotype::from_pairs(std::span<const PairText> pairs) {
    Phenotype phenotype;
    std::array<bool, kLocusCount> seen{};
    BothSaid both_said{};
    for (const PairText& pair : pairs) {
        const std::size_t l = index_of(pair.locus);
        if (seen[l]) {
            throw Error(ErrorCode::LocusTwice,
                        "locus " + std::string(locus_name(pair.locus)) + " is given twice; give each locus once");
        }
        seen[l] = true;
        phenotype.typings_[l] = parse_pair(pair.locus, pair.first, pair.second);
        both_said[l] = !trim_blanks(pair.second).empty();
    }
    if (complete_drb345(phenotype.typings_, both_said) == GenesAgree::No)
        throw_genes_disagree(phenotype[Locus::DRB345]);
    return phenotype;
}

Phenotype Phenotype::from_typings(std::array<Typing, kLocusCount> typings) {
    Phenotype phenotype;
    phenotype.typings_ = std::move(typings);
    // Typings that disagree are shown as they are.
    (void)complete_drb345(phenotype.typings_, {});
    return phenotype;
}

Phenotype Phenotype::unphased() const {
    Phenotype phenotype;
    phenotype.typings_ = typings_;
    return phenotype;
}

void Phenotype::set_phase(Phase phase) {
    for (std::size_t i = 0; i < phase.loci.size(); ++i) {
        Typing typing;
        for (const auto& [first, second] : phase.alternatives)
            typing.alternatives.push_back(make_genotype(first[i], second[i]));
        sort_unique(typing.alternatives);
        typings_[index_of(phase.loci[i])] = std::move(typing);
    }
    phases_.push_back(std::move(phase));
    std::sort(phases_.begin(), phases_.end());
}

namespace {

void append_text(std::string& text, const Phase& phase) {
    const std::size_t start = text.size();
    for (const Phase::Diplotype& diplotype : phase.alternatives) {
        if (text.size() > start) text.push_back('|');
        for (std::size_t h = 0; h < 2; ++h) {
            if (h > 0) text.push_back('+');
            for (std::size_t k = 0; k < phase.loci.size(); ++k) {
                if (k > 0) text.push_back('~');
                text += to_text(phase.loci[k], diplotype[h][k]);
            }
        }
    }
}

// Homozygous genotypes by one position: both would be said of DRB345 too.
std::string half_said_text(Locus locus, const Typing& typing) {
    std::string text;
    for (const Genotype& genotype : typing.alternatives) {
        const auto& [first, second] = genotype.positions;
        if (!text.empty()) text.push_back('|');
        text += to_text(locus, first);
        if (first != second) text += "+" + to_text(locus, second);
    }
    return text;
}

}  // namespace

std::string Phenotype::to_gl() const {
    const bool gene_says_drb345 = gene_of_drb345(typings_).has_value();
    const std::optional<Locus> half_said = gene_half_said(typings_);
    std::string text;
    for (std::size_t i = 0; i < kLocusCount; ++i) {
        const auto locus = static_cast<Locus>(i);
        if (typings_[i].untyped() || (locus == Locus::DRB345 && gene_says_drb345)) continue;
        const auto phase = std::find_if(phases_.begin(), phases_.end(), [&](const Phase& p) {
            return std::find(p.loci.begin(), p.loci.end(), locus) != p.loci.end();
        });
        if (phase != phases_.end() && phase->loci.front() != locus) continue;  // written with its first locus
        if (!text.empty()) text.push_back('^');
        if (phase == phases_.end()) {
            text += locus == half_said ? half_said_text(locus, typings_[i]) : to_text(locus, typings_[i]);
            continue;
        }
        append_text(text, *phase);
    }
    return text;
}

}  // namespace allomatch
