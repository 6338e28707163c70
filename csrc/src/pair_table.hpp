// A table from a pair of numbers to a third, by open addressing: one look-up a row, most of them among pairs seen.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace allomatch {

class PairTable {
  public:
    static constexpr std::uint32_t kNew = 0xffffffff;

    // The value of a pair: kNew if it is seen for the first time, and to be filled in before the next call.
    [[nodiscard]] std::uint32_t& operator()(std::uint32_t first, std::uint32_t second) {
        if (2 * (count_ + 1) > slots_.size()) grow();
        const std::uint64_t key = std::uint64_t{first} << 32U | second;
        Slot& slot = find(key);
        if (slot.value == kNew) {
            slot.key = key;
            ++count_;
        }
        return slot.value;
    }

  private:
    struct Slot {
        std::uint64_t key = 0;
        std::uint32_t value = kNew;
    };
    [[nodiscard]] Slot& find(std::uint64_t key) noexcept {
        std::size_t i = static_cast<std::size_t>((key * 0x9e3779b97f4a7c15ULL) >> 20U) & mask_;
        while (slots_[i].value != kNew && slots_[i].key != key) i = (i + 1) & mask_;
        return slots_[i];
    }
    void grow() {
        std::vector<Slot> old(slots_.empty() ? 64 : 2 * slots_.size());
        mask_ = old.size() - 1;
        old.swap(slots_);
        for (const Slot& slot : old) {
            if (slot.value != kNew) find(slot.key) = slot;
        }
    }

    std::vector<Slot> slots_;
    std::size_t mask_ = 0;
    std::size_t count_ = 0;
};

}  // namespace allomatch
