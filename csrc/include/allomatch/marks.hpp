// Marks: a sequence of things cut into groups, one bit a thing that says whether it begins a group.
//
// From a group to its first thing (`[]`) and from a thing to its group (`group_of`) in a few steps each. A tenth of the
// bytes of an array of first things, so that it stays in the cache where such an array would miss it every time.
//
// Invariant: answers are within bounds whatever the bits are; whether they are sound is asked once.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <span>
#include <vector>

namespace allomatch {

class Marks {
  public:
    Marks() = default;
    // Bit i of word w belongs to thing 64 w + i. `words` has (things + 63) / 64 of them and is not copied.
    Marks(std::span<const std::uint64_t> words, std::size_t things);

    [[nodiscard]] std::size_t things() const noexcept { return things_; }
    [[nodiscard]] std::size_t groups() const noexcept { return before_.back(); }
    // The first thing begins a group, and no bit is set beyond the last.
    [[nodiscard]] bool sound() const noexcept;

    // First thing of a group in [0, groups()]; that of groups() is the end.
    [[nodiscard]] std::uint32_t operator[](std::size_t group) const noexcept {
        if (group >= groups()) return static_cast<std::uint32_t>(things_);
        const std::uint32_t from = samples_[group / kSample];
        std::size_t word = from / 64;
        auto skip = static_cast<std::uint32_t>(group % kSample);
        std::uint64_t bits = words_[word] & ~std::uint64_t{0} << from % 64;
        const std::size_t last = samples_[group / kSample + 1] / 64;
        if (last - word > kFew) {
            const auto end = before_.begin() + static_cast<std::ptrdiff_t>(last) + 1;
            const auto after = std::upper_bound(before_.begin() + static_cast<std::ptrdiff_t>(word), end, group);
            word = static_cast<std::size_t>(after - before_.begin()) - 1;
            skip = static_cast<std::uint32_t>(group) - before_[word];
            bits = words_[word];
        } else {
            for (std::uint32_t here = ones(bits); here <= skip; here = ones(bits)) {
                skip -= here;
                bits = words_[++word];
            }
        }
        return static_cast<std::uint32_t>(64 * word) + place_of(bits, skip);
    }
    // Two steps that fetch what `[]` will look at: the second reads what the first fetched. (GCC takes a function that
    // only prefetches for one without effects and leaves out its calls, unless it is inlined before.)
    [[gnu::always_inline]] void prefetch_sample(std::size_t group) const noexcept {
        __builtin_prefetch(&samples_[group / kSample]);
    }
    [[gnu::always_inline]] void prefetch(std::size_t group) const noexcept {
        __builtin_prefetch(words_.data() + samples_[group / kSample] / 64);
    }
    // Where the group after that of `thing`, in [0, things()], begins; the end after the last.
    [[nodiscard]] std::uint32_t after(std::uint32_t thing) const noexcept {
        std::size_t word = (thing + std::size_t{1}) / 64;
        if (word >= words_.size()) return static_cast<std::uint32_t>(things_);
        std::uint64_t bits = words_[word] & ~std::uint64_t{0} << (thing + std::size_t{1}) % 64;
        while (bits == 0) {
            if (++word == words_.size()) return static_cast<std::uint32_t>(things_);
            bits = words_[word];
        }
        return static_cast<std::uint32_t>(64 * word) + static_cast<std::uint32_t>(std::countr_zero(bits));
    }
    [[gnu::always_inline]] void prefetch_after(std::uint32_t thing) const noexcept {
        __builtin_prefetch(words_.data() + (thing + std::size_t{1}) / 64);
    }
    // Group of a thing in [0, things()); of sound marks.
    [[nodiscard]] std::uint32_t group_of(std::uint32_t thing) const noexcept {
        const std::uint64_t up_to = words_[thing / 64] & ~std::uint64_t{0} >> (63 - thing % 64);
        return before_[thing / 64] + ones(up_to) - 1;
    }

  private:
    static constexpr std::size_t kSample = 32;
    static constexpr std::size_t kFew = 8;
    static constexpr std::uint64_t kEachByte = 0x0101010101010101U;

    // Without a population count in the instruction set, std::popcount is a call. In byte i: the bits of bytes 0 to i.
    static std::uint64_t ones_up_to_byte(std::uint64_t x) noexcept {
        x -= (x >> 1U) & 0x5555555555555555U;
        x = (x & 0x3333333333333333U) + ((x >> 2U) & 0x3333333333333333U);
        return ((x + (x >> 4U)) & 0x0f0f0f0f0f0f0f0fU) * kEachByte;
    }
    static std::uint32_t ones(std::uint64_t x) noexcept {
        return static_cast<std::uint32_t>(ones_up_to_byte(x) >> 56U);
    }
    // Place of the bit that `skip` set ones, fewer than there are, come before.
    static std::uint32_t place_of(std::uint64_t bits, std::uint32_t skip) noexcept {
        const std::uint64_t up_to = ones_up_to_byte(bits);
        const std::uint32_t shift = 8 * first_above(up_to, skip);
        skip -= static_cast<std::uint32_t>(up_to << 8U >> shift & 0xffU);
        // Bit i of that byte, alone in byte i, becomes a 1 there; then the same once more.
        const std::uint64_t apart = (bits >> shift & 0xffU) * kEachByte & 0x8040201008040201U;
        const std::uint64_t each = (apart + 0x7f * kEachByte) >> 7U & kEachByte;
        return shift + first_above(each * kEachByte, skip);
    }
    // The first byte of eight ascending ones, each at most 64, that is greater than `least`; there is one.
    static std::uint32_t first_above(std::uint64_t bytes, std::uint32_t least) noexcept {
        const std::uint64_t above = ((bytes | 0x80 * kEachByte) - (least + 1) * kEachByte) & 0x80 * kEachByte;
        return static_cast<std::uint32_t>(std::countr_zero(above)) / 8;
    }

    std::span<const std::uint64_t> words_;
    std::size_t things_ = 0;
    std::vector<std::uint32_t> before_{0};      // marks before each word, and all
    std::vector<std::uint32_t> samples_{0, 0};  // first thing of every 32nd group; and one of the last word
};

}  // namespace allomatch
