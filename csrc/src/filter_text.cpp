// Reading a filter's text: a recursive descent that writes the program as it goes. Every error says what was found,
// where, and what would do instead, because a search coordinator types these.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <variant>

#include "allomatch/filter.hpp"
#include "filter_program.hpp"

namespace allomatch {
namespace {

constexpr unsigned kMaxNesting = 100;
constexpr std::string_view kGrammarHint =
    "; write tests such as \"birth_year >= 1985\", \"sex == 'F'\", \"status in ('a', 'b')\", \"cmv is not null\", and "
    "join "
    "them by and, or, not";

bool is_word_character(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

std::string in_case(std::string_view text, char from, char to) {
    std::string result(text);
    for (char& c : result) {
        if (c >= from && c <= from + 25) c = static_cast<char>(c - from + to);
    }
    return result;
}

struct Token {
    enum class Kind : std::uint8_t { Word, Number, Text, Sign, End } kind = Kind::End;
    std::string_view text;  // of a Text without its quotes
    std::size_t at = 0;     // first byte
    double number = 0;
};

class Reader {
  public:
    Reader(std::string_view text, const Segment& segment) : text_(text), program_(segment) {}

    FilterProgram read() {
        if (text_.size() > kMaxFilterText) {
            throw Error(ErrorCode::InvalidArgument, "a filter of " + std::to_string(text_.size()) + " bytes; at most " +
                                                        std::to_string(kMaxFilterText) + " are read: shorten it");
        }
        if (!is_utf8(text_)) fail(ErrorCode::InvalidArgument, 0, "is not UTF-8; convert it");
        advance();
        if (now_.kind == Token::Kind::End) {
            throw Error(ErrorCode::InvalidArgument, "the filter is empty" + std::string(kGrammarHint));
        }
        any();
        if (now_.kind != Token::Kind::End) unexpected("and, or, or the end");
        return std::move(program_);
    }

  private:
    // ---- messages

    [[noreturn]] void fail(ErrorCode code, std::size_t at, const std::string& what) const {
        const auto begins = [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80; };
        const auto place = std::count_if(text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(at), begins) + 1;
        throw Error(code, "filter " + shown(text_) + ", character " + std::to_string(place) + ": " + what);
    }
    [[noreturn]] void unexpected(const std::string& wanted) const {
        const std::string found = now_.kind == Token::Kind::End ? "the end" : shown(now_.text);
        fail(ErrorCode::InvalidArgument, now_.at,
             "found " + found + " where " + wanted + " should be" + std::string(kGrammarHint));
    }
    static std::string column_names() {
        std::string names;
        for (const AttributeSpec& spec : attribute_specs()) {
            if (!names.empty()) names += ", ";
            names += spec.name;
        }
        return names;
    }

    // ---- words

    void advance() {
        while (next_ < text_.size() && std::string_view(" \t\r\n").find(text_[next_]) != std::string_view::npos) {
            ++next_;
        }
        now_ = {Token::Kind::End, {}, next_};
        if (next_ == text_.size()) return;
        const char c = text_[next_];
        const bool sign = c == '-' || c == '+' || c == '.';
        if (c == '\'' || c == '"') {
            const std::size_t end = text_.find(c, next_ + 1);
            if (end == std::string_view::npos) {
                fail(ErrorCode::InvalidArgument, next_, "a text that does not end; close it with " + std::string(1, c));
            }
            now_ = {Token::Kind::Text, text_.substr(next_ + 1, end - next_ - 1), next_};
            next_ = end + 1;
        } else if ((c >= '0' && c <= '9') ||
                   (sign && next_ + 1 < text_.size() && text_[next_ + 1] >= '0' && text_[next_ + 1] <= '9')) {
            read_number();
        } else if (is_word_character(c)) {
            take(Token::Kind::Word, 1);
            while (next_ < text_.size() && is_word_character(text_[next_])) take(Token::Kind::Word, 1);
        } else {
            const std::string_view two = text_.substr(next_, 2);
            const bool known = two == "==" || two == "!=" || two == "<=" || two == ">=";
            std::size_t length = known ? 2 : 1;
            while (!known && next_ + length < text_.size() &&
                   (static_cast<unsigned char>(text_[next_ + length]) & 0xc0U) == 0x80) {
                ++length;  // a whole character, for the message
            }
            take(Token::Kind::Sign, length);
        }
    }
    void take(Token::Kind kind, std::size_t length) {
        next_ += length;
        now_ = {kind, text_.substr(now_.at, next_ - now_.at), now_.at};
    }
    void read_number() {
        const std::size_t digits = next_ + (text_[next_] == '+' ? 1 : 0);
        const char* const end = text_.data() + text_.size();
        double value = 0;
        const auto [stop, error] = std::from_chars(text_.data() + digits, end, value);
        const auto length = static_cast<std::size_t>(stop - (text_.data() + next_));
        take(Token::Kind::Number, length);
        if (error != std::errc() || (stop != end && (is_word_character(*stop) || *stop == '.'))) {
            while (next_ < text_.size() && (is_word_character(text_[next_]) || text_[next_] == '.')) {
                take(Token::Kind::Number, 1);
            }
            fail(ErrorCode::InvalidArgument, now_.at,
                 "the number " + shown(now_.text) + " cannot be read; write 1985 or 12.5");
        }
        now_.number = value;
    }
    [[nodiscard]] bool is_word(std::string_view word) const {
        return now_.kind == Token::Kind::Word && in_case(now_.text, 'A', 'a') == word;
    }
    [[nodiscard]] bool is_sign(std::string_view sign) const {
        return now_.kind == Token::Kind::Sign && now_.text == sign;
    }
    bool skip_word(std::string_view word) {
        const bool there = is_word(word);
        if (there) advance();
        return there;
    }
    void need_sign(std::string_view sign) {
        if (!is_sign(sign)) unexpected("'" + std::string(sign) + "'");
        advance();
    }

    // ---- grammar

    void any() {
        all();
        while (skip_word("or")) {
            all();
            program_.disjoin();
        }
    }
    void all() {
        each();
        while (skip_word("and")) {
            each();
            program_.conjoin();
        }
    }
    void each() {
        if (++nesting_ > kMaxNesting) {
            fail(ErrorCode::InvalidArgument, now_.at,
                 "brackets and nots inside each other more than " + std::to_string(kMaxNesting) + " deep; simplify it");
        }
        if (skip_word("not")) {
            each();
            program_.negate();
        } else if (is_sign("(")) {
            advance();
            any();
            need_sign(")");
        } else {
            test();
        }
        --nesting_;
    }

    void test() {
        const std::size_t attribute = column();
        if (is_sign(".")) {
            method(attribute);
        } else if (skip_word("is")) {
            const bool negated = skip_word("not");
            if (!skip_word("null")) unexpected(negated ? "null" : "null or not null");
            null_test(attribute, negated);
        } else if (is_word("in") || is_word("not")) {
            const bool negated = skip_word("not");
            if (!skip_word("in")) unexpected("in");
            one_of(attribute, list(attribute));
            if (negated) program_.negate();
        } else {
            compare(attribute);
        }
    }

    std::size_t column() {
        const std::string_view reserved[] = {"and", "or", "not", "in", "is", "null"};
        if (now_.kind != Token::Kind::Word || std::any_of(std::begin(reserved), std::end(reserved),
                                                          [&](std::string_view word) { return is_word(word); })) {
            unexpected("the name of a column");
        }
        const auto specs = attribute_specs();
        const auto found = std::find_if(specs.begin(), specs.end(), [&](const auto& s) { return s.name == now_.text; });
        if (found == specs.end()) {
            fail(ErrorCode::MissingColumn, now_.at,
                 "unknown column " + shown(now_.text) + "; the columns are " + column_names());
        }
        advance();
        return static_cast<std::size_t>(found - specs.begin());
    }

    void method(std::size_t attribute) {
        advance();
        const bool negated = is_word("notna");
        if (!negated && !is_word("isna")) unexpected("isna() or notna()");
        advance();
        need_sign("(");
        need_sign(")");
        null_test(attribute, negated);
    }
    void null_test(std::size_t attribute, bool negated) {
        program_.is_null(attribute);
        if (negated) program_.negate();
    }

    void compare(std::size_t attribute) {
        const Token sign = now_;
        const std::string_view signs[] = {"==", "!=", "<", "<=", ">", ">="};
        if (sign.kind != Token::Kind::Sign ||
            std::find(std::begin(signs), std::end(signs), sign.text) == std::end(signs)) {
            unexpected("one of == != < <= > >= in, is null");
        }
        advance();
        const Value right = value(attribute);
        if (sign.text == "==" || sign.text == "!=") {
            one_of(attribute, {right});
            if (sign.text == "!=") program_.negate();
            return;
        }
        const auto* bound = std::get_if<double>(&right);
        if (bound == nullptr) {
            fail(ErrorCode::WrongType, sign.at,
                 "column " + name_of(attribute) + " holds texts, which have no order; use ==, != or in");
        }
        // a > b is not a <= b, also where a is unknown.
        const bool greater = sign.text.front() == '>';
        program_.number_is_less(attribute, *bound, greater == (sign.text.size() == 1));
        if (greater) program_.negate();
    }

    // ---- values

    using Value = std::variant<double, std::string>;

    static std::string name_of(std::size_t attribute) { return std::string(attribute_specs()[attribute].name); }

    Value value(std::size_t attribute) {
        const AttributeSpec& spec = attribute_specs()[attribute];
        const bool category = spec.kind == AttributeKind::Category;
        const Token found = now_;
        if (is_word("null") || is_word("none") || is_word("nan") || is_word("na")) {
            fail(ErrorCode::InvalidArgument, found.at,
                 "nothing equals null; write " + name_of(attribute) + " is null, or is not null");
        }
        if (found.kind != Token::Kind::Number && found.kind != Token::Kind::Text) {
            unexpected(category ? "a text in quotes" : "a number");
        }
        if (category != (found.kind == Token::Kind::Text)) {
            fail(ErrorCode::WrongType, found.at,
                 "column " + name_of(attribute) + " holds " + (category ? "texts" : "numbers") + ", " +
                     shown(found.text) + " is a " +
                     (category ? "number; put it in quotes" : "text; leave out the quotes"));
        }
        advance();
        if (!category) return found.number;
        if (spec.allowed.empty()) return std::string(found.text);
        // As Registry.add reads it: in any case.
        std::string upper = in_case(found.text, 'a', 'A');
        const bool one_word = !upper.empty() && upper.find(' ') == std::string::npos;
        if (!one_word || (' ' + std::string(spec.allowed) + ' ').find(' ' + upper + ' ') == std::string::npos) {
            fail(ErrorCode::InvalidArgument, found.at,
                 shown(found.text) + " is not a value of " + name_of(attribute) + "; it may be one of " +
                     std::string(spec.allowed));
        }
        return upper;
    }

    std::vector<Value> list(std::size_t attribute) {
        const bool square = is_sign("[");
        if (!square && !is_sign("(")) unexpected("a list of values in brackets");
        advance();
        std::vector<Value> values{value(attribute)};
        while (is_sign(",")) {
            advance();
            if (is_sign(square ? "]" : ")")) break;  // as Python writes a list of one
            values.push_back(value(attribute));
        }
        if (!is_sign(square ? "]" : ")")) unexpected(square ? "',' or ']'" : "',' or ')'");
        advance();
        return values;
    }

    void one_of(std::size_t attribute, const std::vector<Value>& values) {
        if (attribute_specs()[attribute].kind == AttributeKind::Category) {
            std::vector<std::string_view> texts;
            for (const Value& each : values) texts.push_back(std::get<std::string>(each));
            program_.category_is_one_of(attribute, texts);
        } else {
            std::vector<double> numbers;
            for (const Value& each : values) numbers.push_back(std::get<double>(each));
            program_.number_is_one_of(attribute, std::move(numbers));
        }
    }

    std::string_view text_;
    FilterProgram program_;
    std::size_t next_ = 0;
    Token now_;
    unsigned nesting_ = 0;
};

}  // namespace

RowFilter compile_filter(std::string_view text, const Segment& segment) {
    // Shared, because a std::function is copied.
    const auto program = std::make_shared<const FilterProgram>(Reader(text, segment).read());
    return [program](std::span<const DonorRow> rows, std::span<std::uint8_t> pass) { program->run(rows, pass); };
}

}  // namespace allomatch
