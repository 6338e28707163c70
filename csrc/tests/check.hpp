// A test framework in a page: TEST registers a function, CHECK... compare and go on. check_main.cpp runs them.
#pragma once

#include <functional>
#include <iostream>
#include <ranges>
#include <sstream>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "allomatch/error.hpp"

namespace check {

struct Test {
    std::string_view name;
    void (*body)();
};
inline std::vector<Test> tests;
inline std::size_t checks = 0, failures = 0;

// Numbers as numbers (a byte is one here), text in quotes, ranges element by element; else only that there is no text
// for it.
template <typename T>
void show(std::ostream& out, const T& value) {
    if constexpr (std::is_enum_v<T>) {
        out << static_cast<long long>(value);
    } else if constexpr (std::is_integral_v<T> || std::is_floating_point_v<T>) {
        out << +value;
    } else if constexpr (std::is_convertible_v<const T&, std::string_view>) {
        out << '"' << std::string_view(value) << '"';
    } else if constexpr (std::ranges::input_range<const T>) {
        out << '[';
        for (const auto& each : value) show(out << ' ', each);
        out << " ]";
    } else {
        out << "(a value without text)";
    }
}

inline void report(const char* file, int line, const std::string& what) {
    // Loops check much: the first failures of a test say what is wrong, thousands more would hide it.
    if (++failures <= 30) std::cerr << file << ':' << line << ": " << what << '\n';
}

inline void is_true(bool value, const char* text, const char* file, int line) {
    ++checks;
    if (!value) report(file, line, std::string("not true: ") + text);
}

template <typename A, typename B>
void are_equal(const A& a, const B& b, const char* text, const char* file, int line) {
    ++checks;
    if (a == b) return;
    std::ostringstream what;
    show(what << text << ": ", a);
    show(what << " != ", b);
    report(file, line, what.str());
}

// Returns the message, so that a test can look at what it says.
template <typename Code>
std::string throws(Code code, const std::function<void()>& run, const char* text, const char* file, int line) {
    ++checks;
    try {
        run();
    } catch (const allomatch::Error& error) {
        if (error.code() != code) {
            report(file, line,
                   std::string(text) + ": error " + std::to_string(static_cast<int>(error.code())) + " instead of " +
                       std::to_string(static_cast<int>(code)) + ": " + error.what());
        }
        return error.what();
    }
    report(file, line, std::string(text) + ": no error, expected " + std::to_string(static_cast<int>(code)));
    return {};
}

}  // namespace check

#define TEST(name)                                                    \
    static void test_##name();                                        \
    [[maybe_unused]] static const bool registered_##name =            \
        (check::tests.push_back({"test_" #name, test_##name}), true); \
    static void test_##name()
#define CHECK(condition) check::is_true(static_cast<bool>(condition), #condition, __FILE__, __LINE__)
#define CHECK_EQ(a, b) check::are_equal((a), (b), #a " == " #b, __FILE__, __LINE__)
#define CHECK_THROWS(code, ...) \
    check::throws(allomatch::ErrorCode::code, [&] { static_cast<void>(__VA_ARGS__); }, #__VA_ARGS__, __FILE__, __LINE__)
