// The walk down the trie of haplotypes: every leaf whose class has a code at every level, with its codes side by side
// in one key. Siblings are looked at one after the other; a branch ends where a code is 0.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <span>
#include <vector>

#include "allomatch/error.hpp"
#include "allomatch/haplotypes.hpp"

namespace allomatch {

__extension__ using WideKey = unsigned __int128;

// Codes of the classes of each level: 0, not possible, up to `most`.
struct LevelCodes {
    std::vector<std::uint16_t> of_class;
    std::uint16_t most = 0;
};

// Throws TooManyAlleles if a key of so many bits would not fit.
inline void check_key_bits(unsigned bits) {
    if (bits > 128)
        throw Error(ErrorCode::TooManyAlleles,
                    "a person may have too many alleles at too many loci for a prediction (" + std::to_string(bits) +
                        " bits a haplotype, 128 at most); predict fewer loci at once");
}

// Where the code of each level lies in a key.
struct KeyLayout {
    std::vector<unsigned> shifts;
    unsigned bits = 0;

    explicit KeyLayout(std::span<const LevelCodes> codes) {
        for (const LevelCodes& level : codes) {
            shifts.push_back(bits);
            bits += static_cast<unsigned>(std::bit_width(level.most));
        }
        check_key_bits(bits);
    }
    [[nodiscard]] std::uint16_t code(WideKey key, std::size_t level, std::uint16_t most) const noexcept {
        return static_cast<std::uint16_t>(static_cast<std::uint16_t>(key >> shifts[level]) &
                                          ((1U << std::bit_width(most)) - 1U));
    }
};

// Calls emit(leaf, key) for every possible leaf, ascending.
template <typename Key, typename Emit>
class HaplotypeWalk {
  public:
    HaplotypeWalk(const HaplotypeSet& set, std::span<const LevelCodes> codes, const KeyLayout& layout, Emit emit)
        : levels_(set.levels()), codes_(codes), layout_(layout), emit_(emit) {}
    void run() { descend(0, 0, static_cast<std::uint32_t>(levels_.front().classes.size()), 0); }

  private:
    void descend(std::size_t l, std::uint32_t begin, std::uint32_t end, Key key) {
        const std::uint16_t* const classes = levels_[l].classes.data();
        const std::uint16_t* const codes = codes_[l].of_class.data();
        const unsigned shift = layout_.shifts[l];
        if (l + 1 == levels_.size()) {
            for (std::uint32_t node = begin; node < end; ++node) {
                const std::uint16_t code = codes[classes[node]];
                if (code != 0) emit_(node, key | static_cast<Key>(Key{code} << shift));
            }
            return;
        }
        const std::uint32_t* const children = levels_[l].children.data();
        for (std::uint32_t node = begin; node < end; ++node) {
            const std::uint16_t code = codes[classes[node]];
            if (code != 0)
                descend(l + 1, children[node], children[node + 1], key | static_cast<Key>(Key{code} << shift));
        }
    }

    std::span<const HaplotypeSet::Level> levels_;
    std::span<const LevelCodes> codes_;
    const KeyLayout& layout_;
    Emit emit_;
};

template <typename Emit>
void walk_haplotypes(const HaplotypeSet& set, std::span<const LevelCodes> codes, const KeyLayout& layout, Emit emit) {
    if (set.size() == 0) return;
    if (layout.bits <= 64) {
        HaplotypeWalk<std::uint64_t, Emit>(set, codes, layout, emit).run();
    } else {
        HaplotypeWalk<WideKey, Emit>(set, codes, layout, emit).run();
    }
}

// Numbers keys in the order of first sight. Short keys are places of a table that stays in the cache; longer ones are
// found by open addressing. `reset` keeps the memory.
class KeyTable {
  public:
    // Forgets all keys; those to come have `bits` bits.
    void reset(unsigned bits) {
        if (direct_) {
            for (const WideKey key : keys_) slots_[static_cast<std::size_t>(key)] = 0;
        } else {
            clear_places();
        }
        keys_.clear();
        direct_ = bits <= kDirectBits;
        const std::size_t wanted = direct_ ? std::size_t{1} << bits : 256;
        if (slots_.size() < wanted) slots_.assign(wanted, 0U);
        mask_ = std::bit_floor(slots_.size()) - 1;
    }
    std::uint32_t intern(WideKey key) {
        if (direct_) {
            std::uint32_t& slot = slots_[static_cast<std::size_t>(key)];
            if (slot == 0) {
                keys_.push_back(key);
                slot = static_cast<std::uint32_t>(keys_.size());
            }
            return slot - 1;
        }
        if (2 * (keys_.size() + 1) > slots_.size()) grow();
        for (std::size_t i = place(key);; i = (i + 1) & mask_) {
            if (slots_[i] == 0) {
                keys_.push_back(key);
                slots_[i] = static_cast<std::uint32_t>(keys_.size());
                return slots_[i] - 1;
            }
            if (keys_[slots_[i] - 1] == key) return slots_[i] - 1;
        }
    }
    [[nodiscard]] std::span<const WideKey> keys() const noexcept { return keys_; }

  private:
    static constexpr unsigned kDirectBits = 16;

    void clear_places() {
        if (keys_.size() * 8 > slots_.size()) {
            std::fill(slots_.begin(), slots_.end(), 0U);
            return;
        }
        // A slot is emptied only after all keys were looked for, so none hides behind an empty one.
        std::vector<std::size_t> taken;
        for (const WideKey key : keys_) {
            std::size_t i = place(key);
            while (keys_[slots_[i] - 1] != key) i = (i + 1) & mask_;
            taken.push_back(i);
        }
        for (const std::size_t i : taken) slots_[i] = 0;
    }
    [[nodiscard]] std::size_t place(WideKey key) const noexcept {
        const std::uint64_t folded =
            (static_cast<std::uint64_t>(key) ^ static_cast<std::uint64_t>(key >> 64U) * 0xd6e8feb86659fd93ULL) *
            0x9e3779b97f4a7c15ULL;
        return static_cast<std::size_t>(folded >> 32U) & mask_;
    }
    void grow() {
        slots_.assign(slots_.empty() ? 256 : 2 * slots_.size(), 0U);
        mask_ = slots_.size() - 1;
        for (std::uint32_t n = 0; n < keys_.size(); ++n) {
            std::size_t i = place(keys_[n]);
            while (slots_[i] != 0) i = (i + 1) & mask_;
            slots_[i] = n + 1;
        }
    }

    std::vector<WideKey> keys_;
    std::vector<std::uint32_t> slots_;  // number plus one
    std::size_t mask_ = 0;
    bool direct_ = false;
};

}  // namespace allomatch
