// Showing of foreign text inside messages: what an error shows of a bad value.
#include "allomatch/error.hpp"

#include <string_view>

namespace allomatch {

std::string shown(std::string_view value) {
    constexpr std::size_t kShown = 80;
    constexpr std::string_view kHex = "0123456789abcdef";
    std::string text = "'";
    for (const char c : value.substr(0, kShown)) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte >= 0x20 && byte < 0x7f) {
            text.push_back(c);
        } else {
            text += "\\x";
            text.push_back(kHex[byte >> 4U]);
            text.push_back(kHex[byte & 15U]);
        }
    }
    text += value.size() > kShown ? "...'" : "'";
    return text;
}

}  // namespace allomatch
