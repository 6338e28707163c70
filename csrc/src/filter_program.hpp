// A filter as a program: tests of columns and the logic between them, in postfix order, run over blocks of rows.
//
// Invariant: the order False < Unknown < True makes three-valued logic arithmetic: and is the lesser, or the greater,
// not the mirror image. All other tests are made of "is one of", "less" and "less or equal" with these.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "allomatch/registry.hpp"

namespace allomatch {

enum class Truth : std::uint8_t { False = 0, Unknown = 1, True = 2 };

class FilterProgram {
  public:
    explicit FilterProgram(const Segment& segment) : segment_(&segment) {}

    // Each pushes one value on the stack ...
    void number_is_one_of(std::size_t attribute, std::vector<double> values);
    void number_is_less(std::size_t attribute, double value, bool or_equal);
    void category_is_one_of(std::size_t attribute, std::span<const std::string_view> values);
    void is_null(std::size_t attribute);
    // ... or replaces the last one, or the last two.
    void negate();
    void conjoin();
    void disjoin();

    void run(std::span<const DonorRow> rows, std::span<std::uint8_t> pass) const;

  private:
    enum class Operation : std::uint8_t { OneOf, Less, LessOrEqual, Category, Null, Not, And, Or };
    struct Step {
        Operation operation;
        std::size_t attribute = 0;
        std::vector<double> values = {};  // OneOf; the first one: Less, LessOrEqual
        std::vector<Truth> truths = {};   // Category: of every code that the column's type can hold
    };
    void push(Step step);
    void test(const Step& step, std::span<const DonorRow> rows, Truth* out) const;

    const Segment* segment_;
    std::vector<Step> steps_;
    std::size_t depth_ = 0, most_depth_ = 0;
};

}  // namespace allomatch
