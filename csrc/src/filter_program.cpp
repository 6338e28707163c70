// Running a filter. Rows come in blocks that fit in the first-level cache with the values of the stack; a category is
// looked up by its code, so that no text is compared while rows are tested.
#include "filter_program.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace allomatch {
namespace {

constexpr std::size_t kBlock = 1024;

constexpr Truth truth(bool value) noexcept {
    return value ? Truth::True : Truth::False;
}

bool unknown(std::int16_t value) noexcept {
    return value == kNoInt;
}
bool unknown(float value) noexcept {
    return std::isnan(value);
}

template <typename T, typename Test>
void test_numbers(std::span<const T> column, std::span<const DonorRow> rows, Truth* out, Test test) {
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const T value = column[rows[i].value];
        out[i] = unknown(value) ? Truth::Unknown : truth(test(value));
    }
}

template <typename Code>
void test_codes(std::span<const Code> column, std::span<const DonorRow> rows, const std::vector<Truth>& truths,
                Truth* out) {
    for (std::size_t i = 0; i < rows.size(); ++i) out[i] = truths[column[rows[i].value]];
}

// Codes that the column's type can hold.
std::size_t code_count(const AttributeColumn& column) noexcept {
    return column.codes16.empty() ? 0x100 : 0x10000;
}

// `narrow`: a value of the filter as the column would hold it.
template <typename T, typename Narrow>
void test_by(std::span<const T> column, std::span<const DonorRow> rows, const std::vector<double>& values, bool one_of,
             bool or_equal, Truth* out, Narrow narrow) {
    if (one_of) {
        test_numbers(column, rows, out, [&](T value) {
            return std::any_of(values.begin(), values.end(), [&](double each) { return value == narrow(each); });
        });
    } else if (or_equal) {
        test_numbers(column, rows, out, [bound = narrow(values.front())](T value) { return value <= bound; });
    } else {
        test_numbers(column, rows, out, [bound = narrow(values.front())](T value) { return value < bound; });
    }
}

}  // namespace

void FilterProgram::push(Step step) {
    steps_.push_back(std::move(step));
    most_depth_ = std::max(most_depth_, ++depth_);
}

void FilterProgram::number_is_one_of(std::size_t attribute, std::vector<double> values) {
    push({Operation::OneOf, attribute, std::move(values)});
}

void FilterProgram::number_is_less(std::size_t attribute, double value, bool or_equal) {
    push({or_equal ? Operation::LessOrEqual : Operation::Less, attribute, {value}});
}

void FilterProgram::category_is_one_of(std::size_t attribute, std::span<const std::string_view> values) {
    const AttributeColumn& column = segment_->attribute(attribute);
    // A code without a category is null, or damage that opening a file does not look for: unknown too.
    std::vector<Truth> truths(code_count(column), Truth::Unknown);
    for (std::size_t code = 0; code < std::min(column.categories.size(), truths.size()); ++code) {
        truths[code] = truth(std::find(values.begin(), values.end(), column.categories[code]) != values.end());
    }
    push({Operation::Category, attribute, {}, std::move(truths)});
}

void FilterProgram::is_null(std::size_t attribute) {
    const AttributeColumn& column = segment_->attribute(attribute);
    std::vector<Truth> truths;
    if (column.present && attribute_specs()[attribute].kind == AttributeKind::Category) {
        truths.assign(code_count(column), Truth::True);
        std::fill_n(truths.begin(), std::min(column.categories.size(), truths.size()), Truth::False);
    }
    push({Operation::Null, attribute, {}, std::move(truths)});
}

void FilterProgram::negate() {
    steps_.push_back({Operation::Not});
}

void FilterProgram::conjoin() {
    steps_.push_back({Operation::And});
    --depth_;
}

void FilterProgram::disjoin() {
    steps_.push_back({Operation::Or});
    --depth_;
}

void FilterProgram::test(const Step& step, std::span<const DonorRow> rows, Truth* out) const {
    const AttributeColumn& column = segment_->attribute(step.attribute);
    const bool null = step.operation == Operation::Null;
    if (!column.present) {
        std::fill_n(out, rows.size(), null ? Truth::True : Truth::Unknown);
    } else if (!step.truths.empty()) {
        if (column.codes16.empty()) {
            test_codes(column.codes8, rows, step.truths, out);
        } else {
            test_codes(column.codes16, rows, step.truths, out);
        }
    } else if (null) {
        for (std::size_t i = 0; i < rows.size(); ++i) {
            const std::size_t row = rows[i].value;
            out[i] = truth(column.ints.empty() ? unknown(column.floats[row]) : unknown(column.ints[row]));
        }
    } else {
        const bool one_of = step.operation == Operation::OneOf;
        const bool or_equal = step.operation == Operation::LessOrEqual;
        if (column.ints.empty()) {
            test_by(column.floats, rows, step.values, one_of, or_equal, out,
                    [](double value) { return static_cast<float>(value); });
        } else {
            test_by(column.ints, rows, step.values, one_of, or_equal, out, [](double value) { return value; });
        }
    }
}

void FilterProgram::run(std::span<const DonorRow> rows, std::span<std::uint8_t> pass) const {
    std::vector<std::array<Truth, kBlock>> stack(most_depth_);
    for (std::size_t start = 0; start < rows.size(); start += kBlock) {
        const auto block = rows.subspan(start, std::min(kBlock, rows.size() - start));
        std::size_t depth = 0;
        for (const Step& step : steps_) {
            switch (step.operation) {
                case Operation::Not:
                    for (Truth& each : stack[depth - 1]) {
                        each = static_cast<Truth>(2 - static_cast<std::uint8_t>(each));
                    }
                    break;
                case Operation::And:
                case Operation::Or: {
                    --depth;
                    auto& left = stack[depth - 1];
                    const auto& right = stack[depth];
                    const bool both = step.operation == Operation::And;
                    for (std::size_t i = 0; i < kBlock; ++i) {
                        left[i] = both ? std::min(left[i], right[i]) : std::max(left[i], right[i]);
                    }
                    break;
                }
                default:
                    test(step, block, stack[depth++].data());
            }
        }
        for (std::size_t i = 0; i < block.size(); ++i) pass[start + i] = stack[0][i] == Truth::True ? 1 : 0;
    }
}

}  // namespace allomatch
