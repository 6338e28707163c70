// A table from text to a number, numbers given in the order of first sight. Open addressing over views of the texts: an
// index of forty million donors looks up half a billion texts, most of them among a few ten thousand.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace allomatch {

class TextTable {
  public:
    // The number of a text, and whether it is new.
    struct Found {
        std::uint32_t number;
        bool fresh;
    };
    Found intern(std::string_view text) {
        const Found found = intern_lasting(text);
        if (found.fresh) texts_.back() = copy(text);
        return found;
    }
    // Of a text that outlives the table and is not copied.
    Found intern_lasting(std::string_view text) { return intern_lasting(text, hash_of(text)); }
    // Of many at once. A table larger than the caches waits three times for memory in each lookup, for a slot, the
    // view of its text and the text; here they are fetched for the next ones meanwhile.
    void intern_lasting(std::span<const std::string_view> texts, std::span<std::uint32_t> numbers) {
        constexpr std::size_t kStep = 8;
        for (std::size_t i = 0; i < texts.size(); ++i) numbers[i] = hash_of(texts[i]);
        const auto ahead = [&](std::size_t i, auto fetch) {
            if (i < texts.size()) fetch(slots_[numbers[i] & mask_]);
        };
        for (std::size_t i = 0; i < texts.size(); ++i) {
            ahead(i + 3 * kStep, [](const Slot& slot) { __builtin_prefetch(&slot); });
            ahead(i + 2 * kStep, [&](const Slot& slot) {
                if (slot.number != kEmpty) __builtin_prefetch(&texts_[slot.number]);
            });
            ahead(i + kStep, [&](const Slot& slot) {
                if (slot.number != kEmpty) __builtin_prefetch(texts_[slot.number].data());
            });
            numbers[i] = intern_lasting(texts[i], numbers[i]).number;
        }
    }
    // Makes room for so many texts at once.
    void reserve(std::size_t texts) {
        texts_.reserve(texts);
        std::size_t size = slots_.size();
        while (2 * texts > size) size *= 2;
        if (size > slots_.size()) resize(size);
    }
    [[nodiscard]] std::string_view operator[](std::uint32_t number) const noexcept { return texts_[number]; }
    [[nodiscard]] std::size_t count() const noexcept { return texts_.size(); }

  private:
    static constexpr std::uint32_t kEmpty = 0xffffffff;
    struct Slot {
        std::uint32_t hash = 0;
        std::uint32_t number = kEmpty;
    };

    Found intern_lasting(std::string_view text, std::uint32_t hash) {
        if ((count() + 1) * 2 > slots_.size()) resize(2 * slots_.size());
        for (std::size_t i = hash & mask_;; i = (i + 1) & mask_) {
            Slot& slot = slots_[i];
            if (slot.number == kEmpty) {
                slot = {hash, static_cast<std::uint32_t>(count())};
                texts_.push_back(text);
                return {slot.number, true};
            }
            if (slot.hash == hash && texts_[slot.number] == text) return {slot.number, false};
        }
    }

    static std::uint64_t mix(std::uint64_t a, std::uint64_t b) noexcept {
        __extension__ using Wide = unsigned __int128;
        const Wide product = static_cast<Wide>(a) * b;
        return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64U);
    }
    // Eight bytes a step, folded by a 64 x 64 -> 128 bit product.
    static std::uint32_t hash_of(std::string_view text) noexcept {
        std::uint64_t hash = 0x9e3779b97f4a7c15ULL ^ text.size();
        std::size_t i = 0;
        for (; i + 8 <= text.size(); i += 8) {
            std::uint64_t word = 0;
            std::memcpy(&word, text.data() + i, 8);
            hash = mix(hash ^ word, 0xd6e8feb86659fd93ULL);
        }
        std::uint64_t word = 0;
        if (i < text.size()) std::memcpy(&word, text.data() + i, text.size() - i);
        return static_cast<std::uint32_t>(mix(hash ^ word, 0xa0761d6478bd642fULL));
    }
    // The slots keep the hashes, so that growing looks at no text.
    void resize(std::size_t size) {
        std::vector<Slot> bigger(size);
        mask_ = size - 1;
        for (const Slot& slot : slots_) {
            if (slot.number == kEmpty) continue;
            std::size_t i = slot.hash & mask_;
            while (bigger[i].number != kEmpty) i = (i + 1) & mask_;
            bigger[i] = slot;
        }
        slots_ = std::move(bigger);
    }
    // Blocks of characters stay where they are.
    std::string_view copy(std::string_view text) {
        constexpr std::size_t kBlock = 65'536;
        if (text.size() > room_) {
            room_ = std::max(kBlock, text.size());
            blocks_.push_back(std::make_unique<char[]>(room_));
            next_ = blocks_.back().get();
        }
        if (!text.empty()) std::memcpy(next_, text.data(), text.size());
        const std::string_view copied(next_, text.size());
        next_ += text.size();
        room_ -= text.size();
        return copied;
    }

    std::vector<Slot> slots_ = std::vector<Slot>(64);
    std::size_t mask_ = 63;
    std::vector<std::string_view> texts_;
    std::vector<std::unique_ptr<char[]>> blocks_;
    char* next_ = nullptr;
    std::size_t room_ = 0;
};

}  // namespace allomatch
