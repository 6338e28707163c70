// Reading and writing of names. See name.hpp for what each form is.
#include "allomatch/name.hpp"

#include <algorithm>

#include "allomatch/error.hpp"

namespace allomatch {
namespace {

constexpr std::array<std::string_view, kLocusCount> kLocusNames = {"A",    "B",    "C",    "DRB1", "DRB3", "DRB4",
                                                                   "DRB5", "DQA1", "DQB1", "DPA1", "DPB1", "DRB345"};
constexpr std::string_view kSuffixes = "NLSCAQ";
// What an antigen's number stands behind, in canonical text; DQA1 and DPA1 have no antigens.
constexpr std::array<std::string_view, kLocusCount> kAntigenLetters = {"A",  "B", "Cw", "DR", "DR", "DR",
                                                                       "DR", "",  "DQ", "",   "DP", "DR"};
// Antigens of four digits (WHO Nomenclature Committee, the associated antigens in rel_ser_ser.txt); any other four
// digits without a '*' are a version 2 name.
constexpr std::array<std::uint16_t, 1> kLongA = {2403};
constexpr std::array<std::uint16_t, 6> kLongB = {2708, 3901, 3902, 4005, 5102, 5103};
constexpr std::array<std::uint16_t, 2> kLongDr = {1403, 1404};

constexpr char upper(char c) noexcept {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

bool equals_upper(std::string_view text, std::string_view upper_case) noexcept {
    return text.size() == upper_case.size() && std::equal(text.begin(), text.end(), upper_case.begin(),
                                                          [](char a, char b) { return upper(a) == upper(b); });
}

bool starts_upper(std::string_view text, std::string_view upper_case) noexcept {
    return text.size() >= upper_case.size() && equals_upper(text.substr(0, upper_case.size()), upper_case);
}

bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}

bool is_letter(char c) noexcept {
    return upper(c) >= 'A' && upper(c) <= 'Z';
}

bool all_digits(std::string_view text) noexcept {
    return !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
}

bool all_letters(std::string_view text) noexcept {
    return !text.empty() && std::all_of(text.begin(), text.end(), is_letter);
}

std::string_view trimmed(std::string_view text) noexcept {
    const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
    while (!text.empty() && blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && blank(text.back())) text.remove_suffix(1);
    return text;
}

std::string_view without_hla(std::string_view text) noexcept {
    return text.size() > 4 && starts_upper(text, "HLA-") ? text.substr(4) : text;
}

[[noreturn]] void malformed(Locus locus, std::string_view text, std::string_view why) {
    throw Error(
        ErrorCode::MalformedTyping,
        "malformed name " + shown(text) + " at locus " + std::string(locus_name(locus)) + ": " + std::string(why) +
            "; expected for example 02:01, 02:01:01:01N, 02:01:01G, 02:01P, 02:XX, "
            "02:GFJM or " +
            (locus == Locus::DQA1 || locus == Locus::DPA1 ? "02:NEW"
                                                          : std::string(kAntigenLetters[index_of(locus)]) + "2"));
}

void append_field(std::string& text, std::uint16_t value) {
    if (value < 10) text.push_back('0');
    std::array<char, 5> digits{};
    std::size_t n = 0;
    do {
        digits[n++] = static_cast<char>('0' + value % 10);
        value = static_cast<std::uint16_t>(value / 10);
    } while (value != 0);
    while (n > 0) text.push_back(digits[--n]);
}

// A text of up to seven characters in upper case as one number, unlike that of any other; 0 if it is longer.
constexpr std::uint64_t packed(std::string_view text) noexcept {
    if (text.size() > 7) return 0;
    std::uint64_t value = 1;
    for (const char c : text) value = value << 8U | static_cast<unsigned char>(upper(c));
    return value;
}

constexpr std::array<std::uint64_t, kLocusCount> kPackedLoci = [] {
    std::array<std::uint64_t, kLocusCount> packed_loci{};
    for (std::size_t i = 0; i < kLocusCount; ++i) packed_loci[i] = packed(kLocusNames[i]);
    return packed_loci;
}();

bool is_long_antigen(Locus locus, std::uint32_t number) noexcept {
    const auto in = [&](const auto& list) { return std::find(list.begin(), list.end(), number) != list.end(); };
    return (locus == Locus::A && in(kLongA)) || (locus == Locus::B && in(kLongB)) ||
           (locus == Locus::DRB1 && in(kLongDr));
}

// The gene that has DR51, DR52, DR53; 0 for any other antigen.
std::uint8_t gene_of_antigen(std::uint32_t number) noexcept {
    return number == 52 ? 3 : number == 53 ? 4 : number == 51 ? 5 : 0;
}

// "2", "23(9)", "2403" at `locus`; 0 if it is no antigen's number.
std::uint16_t antigen_number(Locus locus, std::string_view text) noexcept {
    const std::size_t bracket = text.find('(');
    if (bracket != std::string_view::npos && text.back() == ')') text = text.substr(0, bracket);
    if (!all_digits(text) || text.size() > 4 || text[0] == '0') return 0;
    std::uint32_t number = 0;
    for (const char c : text) number = number * 10 + static_cast<std::uint32_t>(c - '0');
    if (text.size() == 4 && !is_long_antigen(locus, number)) return 0;
    return static_cast<std::uint16_t>(number);
}

Name serology(Locus locus, std::string_view text, std::uint16_t number) {
    Name name;
    name.kind = NameKind::Serology;
    name.fields[0] = number;
    if (kAntigenLetters[index_of(locus)].empty()) malformed(locus, text, "this locus has no antigens");
    if (shares_drb345(locus)) {
        const std::uint16_t gene = gene_of_antigen(number);
        if (gene == 0 || (locus != Locus::DRB345 && gene != gene_of(locus)))
            malformed(locus, text, "DR52, DR53 and DR51 are the antigens of DRB3, DRB4 and DRB5");
        if (locus == Locus::DRB345) name.gene = gene;
    } else if (locus == Locus::DRB1 && gene_of_antigen(number) != 0) {
        malformed(locus, text, "DR52, DR53 and DR51 are the antigens of DRB3, DRB4 and DRB5");
    }
    return name;
}

// "0201", "24020102L"; nullopt if it is no version 2 name.
std::optional<Name> version2(std::string_view body) noexcept {
    Name name;
    name.kind = NameKind::Version2;
    if (!body.empty() && kSuffixes.find(upper(body.back())) != std::string_view::npos) {
        name.suffix = upper(body.back());
        body.remove_suffix(1);
    }
    if (!all_digits(body) || body.size() < 4 || body.size() > 8) return std::nullopt;
    std::uint32_t value = 0;
    for (const char c : body) value = value * 10 + static_cast<std::uint32_t>(c - '0');
    // The first two digits lead, so that names sort by their first field.
    name.fields[0] = static_cast<std::uint16_t>((body[0] - '0') * 10 + (body[1] - '0'));
    name.fields[1] = static_cast<std::uint16_t>(value >> 16U);
    name.fields[2] = static_cast<std::uint16_t>(value & 0xffffU);
    name.fields[3] = static_cast<std::uint16_t>(body.size());
    return name;
}

// A code instead of a second field: XX, NEW, or a multiple allele code.
Name coded(Locus locus, std::string_view text, std::uint16_t first, std::string_view letters) {
    Name name;
    name.fields[0] = first;
    if (equals_upper(letters, "XX")) {
        name.kind = NameKind::XxCode;
    } else if (equals_upper(letters, "NEW")) {
        name.kind = NameKind::New;
    } else {
        const std::uint32_t code = mac_code(letters);
        if (code == 0) malformed(locus, text, "a multiple allele code has two to six letters");
        name.kind = NameKind::Mac;
        name.fields[1] = static_cast<std::uint16_t>(code >> 16U);
        name.fields[2] = static_cast<std::uint16_t>(code & 0xffffU);
    }
    return name;
}

Name fields_and_suffix(Locus locus, std::string_view text, std::string_view rest) {
    Name name;
    const std::size_t colon = rest.find(':');
    if (all_letters(rest.substr(colon + 1)) && rest.size() > colon + 2) {
        const std::uint16_t first = parse_field(rest.substr(0, colon));
        if (first == 0) malformed(locus, text, "a field is not a number of two to four digits");
        return coded(locus, text, first, rest.substr(colon + 1));
    }
    const char last = upper(rest.back());
    if (!is_digit(last)) {
        if (last == 'G' || last == 'P') {
            name.kind = last == 'G' ? NameKind::GGroup : NameKind::PGroup;
        } else if (kSuffixes.find(last) != std::string_view::npos) {
            name.suffix = last;
        } else {
            malformed(locus, text, "unknown suffix");
        }
        rest.remove_suffix(1);
    }
    std::size_t count = 0;
    for (bool more = true; more; ++count) {
        std::size_t end = 0;
        while (end < rest.size() && rest[end] != ':') ++end;
        const std::string_view field = rest.substr(0, end);
        more = end < rest.size();
        rest = more ? rest.substr(end + 1) : std::string_view{};
        if (count == 4) malformed(locus, text, "more than four fields");
        const std::uint16_t value = parse_field(field);
        if (value == 0) malformed(locus, text, "a field is not a number of two to four digits");
        name.fields[count] = value;
    }
    if (count < 2) malformed(locus, text, "a single field; write 02:XX for any allele of a first field");
    // Two fields and a g, in any case, is the small g of other programs.
    if (name.kind == NameKind::GGroup && count == 2) name.kind = NameKind::SmallG;
    if (name.kind == NameKind::GGroup && count != 3)
        malformed(locus, text, "a G group has three fields, a small g group two");
    if (name.kind == NameKind::PGroup && count != 2) malformed(locus, text, "a P group has two fields");
    return name;
}

// What stands behind the locus and its '*', or a text that needs no locus.
Name parse_body(Locus locus, std::string_view text, std::string_view body, bool starred) {
    if (body.empty()) malformed(locus, text, "nothing after the locus");
    if (body.find(':') != std::string_view::npos) return fields_and_suffix(locus, text, body);
    if (equals_upper(body, "NEW")) return Name{{}, NameKind::New, 0};
    if (equals_upper(body, "NNNN") || equals_upper(body, "NE")) {
        if (!shares_drb345(locus)) malformed(locus, text, "only DRB3, DRB4 and DRB5 can be absent");
        return Name{{}, NameKind::Absent, 0};
    }
    if (!starred) {
        if (const std::uint16_t number = antigen_number(locus, body)) return serology(locus, text, number);
    }
    // "02GFJM", "02XX": codes as they were written before April 2010.
    const std::size_t digits = std::min(body.find_first_not_of("0123456789"), body.size());
    if (digits == 2 && body.size() >= 4 && all_letters(body.substr(2))) {
        const std::uint16_t first = parse_field(body.substr(0, 2));
        if (first == 0) malformed(locus, text, "the first field is 00");
        return coded(locus, text, first, body.substr(2));
    }
    if (const auto name = version2(body)) return *name;
    malformed(locus, text, "a single field; write 02:XX for any allele of a first field");
}

// Takes "DRB1" of "DRB10401", "Cw" of "Cw3", "DR" of "DR4" off a text without '*'; the rest begins with a digit.
std::string_view without_letters(Locus locus, std::string_view text) noexcept {
    const auto rest_after = [&](std::string_view prefix) -> std::string_view {
        if (prefix.empty() || !starts_upper(text, prefix) || text.size() == prefix.size()) return {};
        return is_digit(text[prefix.size()]) ? text.substr(prefix.size()) : std::string_view{};
    };
    const std::string_view whole = rest_after(kLocusNames[index_of(locus)]);
    // "DR" and "DRB1" both begin "DRB10401": the longer one wins if what is left can be a version 2 name.
    if (whole.size() >= 4 || (!whole.empty() && kLocusNames[index_of(locus)].size() == 1)) return whole;
    if (locus == Locus::DPB1) {
        if (const std::string_view rest = rest_after("DPW"); !rest.empty()) return rest;
    }
    if (const std::string_view rest = rest_after(kAntigenLetters[index_of(locus)]); !rest.empty()) return rest;
    return text;
}

// "A*02:01:01:01N", as nearly all names are written: the locus as it is called, a '*', two to four fields and perhaps a
// suffix. nullopt says nothing of any other.
std::optional<Name> usual_allele(Locus locus, std::string_view text) noexcept {
    const std::string_view gene = kLocusNames[index_of(locus)];
    if (locus == Locus::DRB345 || !text.starts_with(gene)) return std::nullopt;
    std::size_t i = gene.size();
    if (i >= text.size() || text[i] != '*') return std::nullopt;
    Name name;
    for (std::size_t count = 0; count < 4; ++count) {
        const std::size_t begin = ++i;
        std::uint32_t value = 0;
        for (; i < text.size() && is_digit(text[i]); ++i)
            value = value * 10 + static_cast<std::uint32_t>(text[i] - '0');
        const std::size_t digits = i - begin;
        const bool padded = digits > 2 && text[begin] == '0';
        if (digits < 2 || digits > 4 || padded || value == 0) return std::nullopt;
        name.fields[count] = static_cast<std::uint16_t>(value);
        if (i < text.size() && text[i] == ':') continue;
        if (count == 0) return std::nullopt;
        if (i == text.size()) return name;
        if (i + 1 < text.size() || kSuffixes.find(text[i]) == std::string_view::npos) return std::nullopt;
        name.suffix = text[i];
        return name;
    }
    return std::nullopt;
}

}  // namespace

std::uint16_t parse_field(std::string_view text) noexcept {
    if (text.size() < 2 || text.size() > 4 || (text.size() > 2 && text[0] == '0')) return 0;
    std::uint16_t value = 0;
    for (const char c : text) {
        if (!is_digit(c)) return 0;
        value = static_cast<std::uint16_t>(value * 10 + (c - '0'));
    }
    return value;
}

std::string_view locus_name(Locus locus) noexcept {
    return kLocusNames[index_of(locus)];
}

std::uint16_t gene_of(Locus locus) noexcept {
    switch (locus) {
        case Locus::DRB3:
            return 3;
        case Locus::DRB4:
            return 4;
        case Locus::DRB5:
            return 5;
        default:
            return 0;
    }
}

bool shares_drb345(Locus locus) noexcept {
    return gene_of(locus) != 0 || locus == Locus::DRB345;
}

std::optional<Locus> find_locus(std::string_view text) noexcept {
    const std::uint64_t wanted = packed(text);
    for (std::size_t i = 0; i < kLocusCount; ++i) {
        if (wanted == kPackedLoci[i]) return static_cast<Locus>(i);
    }
    if (equals_upper(text, "CW")) return Locus::C;
    if (equals_upper(text, "DRBX") || equals_upper(text, "DRB3/4/5")) return Locus::DRB345;
    return std::nullopt;
}

Locus require_locus(std::string_view text) {
    if (const auto locus = find_locus(text)) return *locus;
    throw Error(ErrorCode::UnknownLocus,
                "unknown locus " + shown(text) +
                    "; use one of A, B, C, DRB1, DRB3, DRB4, DRB5, DQA1, DQB1, DPA1, DPB1 and DRB345");
}

std::size_t Name::field_count() const noexcept {
    return static_cast<std::size_t>(std::find(fields.begin(), fields.end(), 0) - fields.begin());
}

std::uint32_t mac_code(std::string_view letters) noexcept {
    if (letters.size() < 2 || letters.size() > 6 || !all_letters(letters)) return 0;
    std::uint32_t code = 0;
    for (const char c : letters) code = code * 27 + static_cast<std::uint32_t>(upper(c) - 'A' + 1);
    return code;
}

std::string mac_letters(std::uint32_t code) {
    std::string letters;
    for (; code != 0; code /= 27) letters.push_back(static_cast<char>('A' + code % 27 - 1));
    std::reverse(letters.begin(), letters.end());
    return letters;
}

std::uint32_t mac_code(const Name& name) noexcept {
    return std::uint32_t{name.fields[1]} << 16U | name.fields[2];
}

std::string version2_digits(const Name& name) {
    std::string digits = std::to_string(std::uint32_t{name.fields[1]} << 16U | name.fields[2]);
    digits.insert(0, name.fields[3] - digits.size(), '0');
    return digits;
}

std::optional<Name> version2_by_rule(Locus locus, const Name& name) noexcept {
    const std::size_t digits = name.fields[3];
    if (digits % 2 != 0) return std::nullopt;
    std::uint32_t value = std::uint32_t{name.fields[1]} << 16U | name.fields[2];
    Name result;
    result.suffix = name.suffix;
    result.gene = name.gene;
    for (std::size_t i = digits / 2; i-- > 0; value /= 100) result.fields[i] = static_cast<std::uint16_t>(value % 100);
    for (std::size_t i = 0; i < digits / 2; ++i) {
        if (result.fields[i] == 0) return std::nullopt;
    }
    if (locus == Locus::A && result.fields[0] == 92)
        result.fields = {2, static_cast<std::uint16_t>(100 + result.fields[1]), result.fields[2], result.fields[3]};
    if (locus == Locus::B && result.fields[0] == 95)
        result.fields = {15, static_cast<std::uint16_t>(100 + result.fields[1]), result.fields[2], result.fields[3]};
    return result;
}

Name parse_name(Locus locus, std::string_view original) {
    if (const auto usual = usual_allele(locus, original)) return *usual;
    const std::string_view text = trimmed(original);
    const std::string_view rest = without_hla(text);
    const std::size_t star = rest.find('*');
    if (star == std::string_view::npos) {
        if (locus == Locus::DRB345) {
            // "DR52", "DRB30101": what says one of the three genes is a name of it.
            const auto said = locus_said(text);
            if (said && gene_of(*said) != 0) {
                Name name = parse_name(*said, text);
                name.gene = gene_of(*said);
                return name;
            }
        }
        // A name with a colon has its locus before a '*', or none.
        const std::string_view body = rest.find(':') == std::string_view::npos ? without_letters(locus, rest) : rest;
        const std::size_t letters = rest.size() - body.size();
        if (rest.size() != text.size() && letters == 0) malformed(locus, text, "'HLA-' without a locus");
        // "DRB11404" names its locus and is DRB1*1404; "DR1404" and "1404" are the antigen.
        const bool named = letters > 1 && letters == locus_name(locus).size();
        Name name = parse_body(locus, text, body, named);
        // "DR52" is of DRB3, but "DR0101" is of DRB1.
        if (letters == 2 && gene_of(locus) != 0 && name.kind != NameKind::Serology)
            malformed(locus, text, "it names another locus");
        // At DRB345 a name must say its gene; an antigen does.
        if (locus == Locus::DRB345 && name.gene == 0 && name.kind != NameKind::Absent && name.kind != NameKind::New)
            malformed(locus, text, "it does not say which of DRB3, DRB4 and DRB5 it is of");
        return name;
    }
    const auto said = find_locus(rest.substr(0, star));
    const bool here = said == locus || (locus == Locus::DRB345 && said && shares_drb345(*said));
    if (!here) malformed(locus, text, "it names another locus");
    Name name = parse_body(locus, text, rest.substr(star + 1), true);
    if (locus == Locus::DRB345 && name.kind != NameKind::Absent) {
        name.gene = gene_of(*said);
        if (name.gene == 0 && name.kind != NameKind::New)
            malformed(locus, text, "it does not say which of DRB3, DRB4 and DRB5 it is of");
    }
    return name;
}

std::optional<Locus> locus_said(std::string_view text) {
    constexpr std::size_t kLongest = 6;
    if (const std::size_t star = text.substr(0, kLongest + 1).find('*'); star != std::string_view::npos) {
        if (const auto usual = find_locus(text.substr(0, star))) return usual;
    }
    text = trimmed(text);
    const auto ends = [](char c) { return c == '/' || c == '+' || c == '|' || c == '~' || c == '^'; };
    text = text.substr(0, static_cast<std::size_t>(std::find_if(text.begin(), text.end(), ends) - text.begin()));
    const std::string_view rest = without_hla(trimmed(text));
    const std::size_t star = rest.find('*');
    if (star != std::string_view::npos) {
        if (star == 0) return std::nullopt;
        return require_locus(rest.substr(0, star));
    }
    if (rest.find(':') != std::string_view::npos) return std::nullopt;
    if (equals_upper(rest, "NNNN") || equals_upper(rest, "NE")) return Locus::DRB345;
    for (const Locus locus : {Locus::A, Locus::B, Locus::C, Locus::DRB1, Locus::DRB3, Locus::DRB4, Locus::DRB5,
                              Locus::DQA1, Locus::DQB1, Locus::DPA1, Locus::DPB1}) {
        const std::string_view body = without_letters(locus, rest);
        if (body.size() == rest.size()) continue;
        const std::uint16_t number = antigen_number(locus, body);
        if (number == 0 && body.size() < 4) continue;
        if (number != 0 && (locus == Locus::DRB1 || shares_drb345(locus))) {
            const std::uint16_t gene = gene_of_antigen(number);
            if (gene != gene_of(locus)) continue;
        }
        return locus;
    }
    return std::nullopt;
}

NameAtLocus parse_name_with_locus(std::string_view text) {
    if (text.find_first_of("/+|^~") != std::string_view::npos) {
        throw Error(ErrorCode::MalformedTyping,
                    "malformed name " + shown(text) + ": these are several names; give one, with its locus");
    }
    const auto locus = locus_said(text);
    if (!locus) {
        throw Error(ErrorCode::MalformedTyping,
                    "malformed name " + shown(text) + ": it names no locus; expected for example A*02:01 or A2");
    }
    return {*locus, parse_name(*locus, text)};
}

void append_text(std::string& text, Locus locus, const Name& name) {
    if (name.kind == NameKind::Absent) {
        text += locus == Locus::DRB345 ? "DRBX" : locus_name(locus);
        text += "*NNNN";
        return;
    }
    if (name.kind == NameKind::Serology) {
        text += kAntigenLetters[index_of(locus)];
        text += std::to_string(name.fields[0]);
        return;
    }
    if (name.gene != 0) {
        text += "DRB";
        text.push_back(static_cast<char>('0' + name.gene));
    } else {
        text += locus_name(locus);
    }
    text.push_back('*');
    if (name.kind == NameKind::Version2) {
        text += version2_digits(name);
        if (name.suffix != 0) text.push_back(name.suffix);
        return;
    }
    if (name.kind == NameKind::New && name.fields[0] == 0) {
        text += "NEW";
        return;
    }
    append_field(text, name.fields[0]);
    if (name.kind == NameKind::Mac) {
        text.push_back(':');
        text += mac_letters(mac_code(name));
        return;
    }
    for (std::size_t i = 1; i < 4 && name.fields[i] != 0; ++i) {
        text.push_back(':');
        append_field(text, name.fields[i]);
    }
    switch (name.kind) {
        case NameKind::GGroup:
            text.push_back('G');
            break;
        case NameKind::PGroup:
            text.push_back('P');
            break;
        case NameKind::SmallG:
            text.push_back('g');
            break;
        case NameKind::XxCode:
            text += ":XX";
            break;
        case NameKind::New:
            text += ":NEW";
            break;
        default:
            if (name.suffix != 0) text.push_back(name.suffix);
            break;
    }
}

std::string to_text(Locus locus, const Name& name) {
    std::string text;
    append_text(text, locus, name);
    return text;
}

}  // namespace allomatch
