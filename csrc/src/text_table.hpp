// A table from text to a number, numbers given in the order of first sight. Open addressing over one arena of
// characters: an index of forty million donors looks up half a billion texts, most of them among a few ten thousand.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

namespace allomatch {

class TextTable {
  public:
    // The number of `text`, and whether it is new.
    struct Found {
        std::uint32_t number;
        bool fresh;
    };
    Found intern(std::string_view text) {
        if ((count() + 1) * 2 > slots_.size()) grow();
        const std::uint64_t hash = hash_of(text);
        for (std::size_t i = hash & mask_;; i = (i + 1) & mask_) {
            Slot& slot = slots_[i];
            if (slot.number == kEmpty) {
                slot = {static_cast<std::uint32_t>(hash >> 32U), static_cast<std::uint32_t>(count())};
                chars_.insert(chars_.end(), text.begin(), text.end());
                offsets_.push_back(chars_.size());
                return {slot.number, true};
            }
            if (slot.tag == static_cast<std::uint32_t>(hash >> 32U) && (*this)[slot.number] == text)
                return {slot.number, false};
        }
    }
    [[nodiscard]] std::string_view operator[](std::uint32_t number) const noexcept {
        return {chars_.data() + offsets_[number], offsets_[number + 1] - offsets_[number]};
    }
    [[nodiscard]] std::size_t count() const noexcept { return offsets_.size() - 1; }

  private:
    static constexpr std::uint32_t kEmpty = 0xffffffff;
    struct Slot {
        std::uint32_t tag = 0;
        std::uint32_t number = kEmpty;
    };

    static std::uint64_t mix(std::uint64_t a, std::uint64_t b) noexcept {
        __extension__ using Wide = unsigned __int128;
        const Wide product = static_cast<Wide>(a) * b;
        return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64U);
    }
    // Eight bytes a step, folded by a 64 x 64 -> 128 bit product.
    static std::uint64_t hash_of(std::string_view text) noexcept {
        std::uint64_t hash = 0x9e3779b97f4a7c15ULL ^ text.size();
        std::size_t i = 0;
        for (; i + 8 <= text.size(); i += 8) {
            std::uint64_t word = 0;
            std::memcpy(&word, text.data() + i, 8);
            hash = mix(hash ^ word, 0xd6e8feb86659fd93ULL);
        }
        std::uint64_t word = 0;
        if (i < text.size()) std::memcpy(&word, text.data() + i, text.size() - i);
        return mix(hash ^ word, 0xa0761d6478bd642fULL);
    }
    void grow() {
        std::vector<Slot> bigger(slots_.empty() ? 64 : slots_.size() * 2);
        mask_ = bigger.size() - 1;
        for (std::uint32_t n = 0; n < count(); ++n) {
            const std::uint64_t hash = hash_of((*this)[n]);
            std::size_t i = hash & mask_;
            while (bigger[i].number != kEmpty) i = (i + 1) & mask_;
            bigger[i] = {static_cast<std::uint32_t>(hash >> 32U), n};
        }
        slots_ = std::move(bigger);
    }

    std::vector<Slot> slots_;
    std::size_t mask_ = 0;
    std::vector<char> chars_;
    std::vector<std::size_t> offsets_{0};
};

}  // namespace allomatch
