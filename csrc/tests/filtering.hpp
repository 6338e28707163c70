// What the tests of filters share: costs of typings, plain and packed, and what a filter leaves.
#pragma once

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <iostream>
#include <random>
#include <vector>

#include "kernels/kernels.hpp"

namespace allomatch {

using Words = std::vector<std::uint32_t>;

// Survivors with the slack that a kernel may write to, and behind it a word that it may not.
struct Out {
    static constexpr std::uint32_t kGuard = 0xdeadbeef;
    explicit Out(std::size_t n) : index(n + kernels::kSlack + 1, kGuard), spent(index), origin(index) {}
    [[nodiscard]] kernels::Survivors view() { return {index.data(), spent.data(), origin.data()}; }
    [[nodiscard]] bool guarded() const {
        return index.back() == kGuard && spent.back() == kGuard && origin.back() == kGuard;
    }
    Words index, spent, origin;
};

struct Row {
    std::uint32_t index, spent, origin;
    auto operator<=>(const Row&) const = default;
};

inline std::vector<Row> first_rows(const Out& out, std::size_t n) {
    std::vector<Row> rows;
    for (std::size_t i = 0; i < n; ++i) rows.push_back({out.index[i], out.spent[i], out.origin[i]});
    return rows;
}

// Costs of typings, plain and packed.
class PlainCosts {
  public:
    PlainCosts(std::size_t typings, std::mt19937& random) : plain_(typings), packed_((typings + 15) / 16) {
        for (std::size_t t = 0; t < typings; ++t) {
            plain_[t] = random() % 4;
            packed_[t / 16] |= plain_[t] << (t % 16 * 2);
        }
    }
    // An id beyond the last is taken for the last: a damaged file may hold one.
    [[nodiscard]] std::uint32_t of(std::uint32_t id) const {
        return plain_[std::min<std::size_t>(id, plain_.size() - 1)];
    }
    [[nodiscard]] kernels::Costs packed() const {
        return {packed_.data(), static_cast<std::uint32_t>(plain_.size() - 1)};
    }

  private:
    Words plain_, packed_;
};

inline Words random_ids(std::size_t n, std::size_t typings, std::mt19937& random) {
    Words ids(n);
    for (std::uint32_t& id : ids) {
        id = static_cast<std::uint32_t>(random() % 50 == 0 ? 0xffffffffU - random() % 3 * 0x7ffffff0U
                                                           : random() % (typings + 2));
    }
    return ids;
}

// Runs that lie apart or side by side, some of them empty; where the last one ends, and how much is in them.
struct RandomRuns {
    RandomRuns(std::size_t count, std::size_t longest, std::uint32_t limit, std::mt19937& random) {
        for (std::size_t r = 0; r < count; ++r) {
            const auto first = end + static_cast<std::uint32_t>(random() % 3);
            end = first + static_cast<std::uint32_t>(random() % longest);
            runs.push_back(
                {first, end, static_cast<std::uint32_t>(random() % (limit + 1)), static_cast<std::uint32_t>(random())});
            size += end - first;
        }
    }
    std::vector<kernels::Run> runs;
    std::uint32_t end = 0;
    std::size_t size = 0;
};

// Address space for as many rows as can be numbered: a few pages of it are ever touched. Empty if there is none.
class SparseMemory {
  public:
    explicit SparseMemory(std::size_t bytes)
        : bytes_(bytes),
          memory_(::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)) {
        if (!*this)
            std::cout << "skipped: no " << (bytes >> 30U) << " GiB of address space for row numbers beyond 2^31\n";
    }
    SparseMemory(const SparseMemory&) = delete;
    SparseMemory& operator=(const SparseMemory&) = delete;
    ~SparseMemory() {
        if (*this) ::munmap(memory_, bytes_);
    }
    explicit operator bool() const { return memory_ != MAP_FAILED; }
    [[nodiscard]] void* data() const { return memory_; }

  private:
    std::size_t bytes_;
    void* memory_;
};

}  // namespace allomatch
