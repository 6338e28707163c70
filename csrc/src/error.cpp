// Showing of foreign text inside messages: what an error shows of a bad value.
#include "allomatch/error.hpp"

#include <algorithm>
#include <string_view>

namespace allomatch {

bool is_utf8(std::string_view text) noexcept {
    std::size_t i = 0;
    while (i < text.size()) {
        const auto lead = static_cast<unsigned char>(text[i]);
        const std::size_t extra = lead < 0x80                   ? 0
                                  : lead >= 0xc2 && lead < 0xe0 ? 1
                                  : lead >= 0xe0 && lead < 0xf0 ? 2
                                  : lead >= 0xf0 && lead < 0xf5 ? 3
                                                                : 4;
        if (extra == 4 || i + extra >= text.size()) return false;
        for (std::size_t k = 1; k <= extra; ++k) {
            if ((static_cast<unsigned char>(text[i + k]) & 0xc0U) != 0x80) return false;
        }
        if (extra == 2) {
            const auto second = static_cast<unsigned char>(text[i + 1]);
            if ((lead == 0xe0 && second < 0xa0) || (lead == 0xed && second >= 0xa0)) return false;
        } else if (extra == 3) {
            const auto second = static_cast<unsigned char>(text[i + 1]);
            if ((lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second >= 0x90)) return false;
        }
        i += extra + 1;
    }
    return true;
}

namespace {

std::string quoted(std::string_view value, std::size_t most) {
    constexpr std::string_view kHex = "0123456789abcdef";
    const auto byte_at = [&](std::size_t i) { return static_cast<unsigned char>(value[i]); };
    const bool text_is_utf8 = is_utf8(value);
    std::size_t length = std::min(value.size(), most);
    // Not in the middle of a character.
    while (text_is_utf8 && length < value.size() && (byte_at(length) & 0xc0U) == 0x80) --length;
    std::string text = "'";
    for (std::size_t i = 0; i < length; ++i) {
        const unsigned char byte = byte_at(i);
        // U+0080 to U+009F (c2 80 to c2 9f) are control characters too.
        const bool control = byte < 0x20 || byte == 0x7f || (byte == 0xc2 && i + 1 < length && byte_at(i + 1) < 0xa0) ||
                             (i > 0 && byte_at(i - 1) == 0xc2 && byte < 0xa0);
        if (!control && (byte < 0x80 || text_is_utf8)) {
            text.push_back(value[i]);
        } else {
            text += "\\x";
            text.push_back(kHex[byte >> 4U]);
            text.push_back(kHex[byte & 15U]);
        }
    }
    text += value.size() > length ? "...'" : "'";
    return text;
}

}  // namespace

std::string shown(std::string_view value) {
    return quoted(value, 80);
}

std::string shown_path(std::string_view path) {
    return quoted(path, 4096);
}

}  // namespace allomatch
