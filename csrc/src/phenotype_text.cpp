// Reading and writing of typings: GL strings, pairs of positions, allele strings. SEMANTICS section 1.
#include <algorithm>

#include "allomatch/error.hpp"
#include "allomatch/phenotype.hpp"

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

}  // namespace

std::string_view trim_blanks(std::string_view text) noexcept {
    const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
    while (!text.empty() && blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && blank(text.back())) text.remove_suffix(1);
    return text;
}

Position parse_position(Locus locus, std::string_view text) {
    check_length(locus, text);
    Position position;
    for_each_part(text, '/', [&](std::string_view part) {
        part = trim_blanks(part);
        if (part.empty()) malformed(locus, text, "an allele is missing beside '/'; write for example A*01:01/A*01:02");
        // A short item ("A*01:01/02") inherits the first field of the item before it; a suffix may follow
        // ("01:01/11N").
        const std::string_view digits = part.substr(0, part.find_last_of("0123456789") + 1);
        if (!position.names.empty() && all_digits(digits) && part.size() <= digits.size() + 1) {
            const Name& before = position.names.back();
            std::string whole = to_text(locus, Name{{before.fields[0], 0, 0, 0}, NameKind::XxCode, 0});
            whole.resize(whole.size() - 2);  // "A*01:XX" -> "A*01:"
            whole += part;
            position.names.push_back(parse_name(locus, whole));
        } else {
            position.names.push_back(parse_name(locus, part));
        }
    });
    sort_unique(position.names);
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
            throw Error(ErrorCode::TooManyAlleles, "locus " + std::string(locus_name(locus)) + " is given " +
                                                       std::to_string(count) + " alleles in " + shown(alternative) +
                                                       "; a locus has two positions joined by '+'");
        }
        Typing one = parse_pair(locus, parts[0], parts[1]);
        if (one.untyped())
            malformed(locus, text, "a genotype is missing beside '|' or '+'; write for example A*01:01+A*02:01");
        typing.alternatives.push_back(std::move(one.alternatives.front()));
    });
    sort_unique(typing.alternatives);
    return typing;
}

std::vector<GlPart> split_gl(std::string_view text) {
    std::vector<GlPart> parts;
    if (trim_blanks(text).empty()) return parts;
    for_each_part(text, '^', [&](std::string_view part) {
        part = trim_blanks(part);
        const std::string_view locus_text = locus_part(part);
        if (locus_text.empty()) {
            throw Error(ErrorCode::MalformedTyping,
                        "malformed GL string: the part " + shown(part) +
                            " names no locus; expected for example A*01:01+A*02:01^B*08:01+B*44:02");
        }
        const Locus locus = require_locus(locus_text);
        for (const GlPart& before : parts) {
            if (before.locus == locus) {
                throw Error(ErrorCode::LocusTwice, "locus " + std::string(locus_name(locus)) + " is given twice, in " +
                                                       shown(before.text) + " and in " + shown(part) +
                                                       "; join alternatives by '|'");
            }
        }
        parts.push_back({locus, part});
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

Phenotype Phenotype::from_gl(std::string_view text) {
    Phenotype phenotype;
    for (const GlPart& part : split_gl(text)) phenotype.set(part.locus, parse_typing(part.locus, part.text));
    return phenotype;
}

std::string Phenotype::to_gl() const {
    std::string text;
    for (std::size_t i = 0; i < kLocusCount; ++i) {
        if (typings_[i].untyped()) continue;
        if (!text.empty()) text.push_back('^');
        text += to_text(static_cast<Locus>(i), typings_[i]);
    }
    return text;
}

}  // namespace allomatch
