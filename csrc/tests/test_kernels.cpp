// Every kernel that this machine can run, held against the scalar one and against loops that are too plain to be wrong.
//
// Inputs lie in arrays of exactly their size, so that the sanitizers see a kernel that reads beyond them.
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <random>

#include "allomatch/kernel_choice.hpp"
#include "allomatch/packed_rows.hpp"
#include "check.hpp"
#include "kernels/kernels.hpp"

using namespace allomatch;

namespace {

using Words = std::vector<std::uint32_t>;

std::vector<const kernels::Kernels*> all_kernels() {
    std::vector<const kernels::Kernels*> all;
    for (const std::string_view name : supported_kernels()) all.push_back(&kernels_named(name));
    return all;
}

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

std::vector<Row> first_rows(const Out& out, std::size_t n) {
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

Words random_ids(std::size_t n, std::size_t typings, std::mt19937& random) {
    Words ids(n);
    for (std::uint32_t& id : ids) {
        id = static_cast<std::uint32_t>(random() % 50 == 0 ? 0xffffffffU - random() % 3 * 0x7ffffff0U
                                                           : random() % (typings + 2));
    }
    return ids;
}

std::uint32_t crc_bit_by_bit(std::uint32_t crc, const std::uint8_t* bytes, std::size_t n) {
    crc = ~crc;
    for (std::size_t i = 0; i < n; ++i) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? 0x82f63b78U : 0U);
    }
    return ~crc;
}

}  // namespace

TEST(choice) {
    // Before anything asks for the active kernels: a bad name must say so, and must not spoil the next call.
    const char* before = std::getenv("ALLOMATCH_ISA");
    const std::optional<std::string> set = before != nullptr ? std::optional<std::string>(before) : std::nullopt;
    ::setenv("ALLOMATCH_ISA", "mmx", 1);
    const std::string message = CHECK_THROWS(UnknownKernel, active_kernels());
    CHECK(message.find("ALLOMATCH_ISA='mmx'") != std::string::npos);
    CHECK(message.find("scalar") != std::string::npos);
    ::unsetenv("ALLOMATCH_ISA");
    if (set) ::setenv("ALLOMATCH_ISA", set->c_str(), 1);

    const auto names = supported_kernels();
    CHECK_EQ(names.front(), "scalar");
    CHECK_EQ(active_kernel_name(), set ? std::string_view(*set) : names.back());
    for (const std::string_view name : names) CHECK_EQ(std::string_view(kernels_named(name).name), name);
    CHECK_THROWS(UnknownKernel, kernels_named(""));
    CHECK_THROWS(UnknownKernel, kernels_named("Scalar"));
}

TEST(crc32c_known_values) {
    // RFC 3720 B.4, and the check value that catalogues of CRCs give.
    std::array<std::uint8_t, 32> bytes{};
    for (const auto* k : all_kernels()) {
        CHECK_EQ(k->crc32c(0, "123456789", 9), 0xe3069283U);
        CHECK_EQ(k->crc32c(0, nullptr, 0), 0U);
        bytes.fill(0);
        CHECK_EQ(k->crc32c(0, bytes.data(), 32), 0x8a9136aaU);
        bytes.fill(0xff);
        CHECK_EQ(k->crc32c(0, bytes.data(), 32), 0x62a8ab43U);
        for (std::uint8_t i = 0; i < 32; ++i) bytes[i] = i;
        CHECK_EQ(k->crc32c(0, bytes.data(), 32), 0x46dd794eU);
        for (std::uint8_t i = 0; i < 32; ++i) bytes[i] = static_cast<std::uint8_t>(31 - i);
        CHECK_EQ(k->crc32c(0, bytes.data(), 32), 0x113fdb5cU);
    }
}

TEST(crc32c_every_length_and_misalignment) {
    std::mt19937 random(1);
    for (std::size_t n = 0; n <= 200; ++n) {
        for (std::size_t shift = 0; shift < 8; ++shift) {
            const auto bytes = std::make_unique<std::uint8_t[]>(n + shift);
            for (std::size_t i = 0; i < n + shift; ++i) bytes[i] = static_cast<std::uint8_t>(random());
            const std::uint8_t* p = bytes.get() + shift;
            const std::uint32_t expected = crc_bit_by_bit(0, p, n);
            const std::size_t cut = n == 0 ? 0 : random() % n;
            for (const auto* k : all_kernels()) {
                CHECK_EQ(k->crc32c(0, p, n), expected);
                CHECK_EQ(k->crc32c(k->crc32c(0, p, cut), p + cut, n - cut), expected);
            }
        }
    }
}

TEST(filter_runs) {
    std::mt19937 random(2);
    for (int round = 0; round < 600; ++round) {
        const std::size_t typings = 1 + random() % (round % 2 == 0 ? 40 : 3000);
        const PlainCosts costs(typings, random);
        const auto limit = static_cast<std::uint32_t>(random() % 5);
        // Short runs, as below the top levels; one long one, as at the top; some that are empty.
        const std::size_t n_runs = random() % (round % 3 == 0 ? 2 : 60);
        const std::size_t longest = round % 3 == 0 ? 3000 : round % 3 == 1 ? 4 : 70;
        std::vector<kernels::Run> runs;
        std::uint32_t last = 0;
        std::size_t n = 0;
        for (std::size_t r = 0; r < n_runs; ++r) {
            const auto first = last + static_cast<std::uint32_t>(random() % 3);
            last = first + static_cast<std::uint32_t>(random() % longest);
            runs.push_back({first, last, static_cast<std::uint32_t>(random() % (limit + 1)),
                            static_cast<std::uint32_t>(random())});
            n += last - first;
        }
        const Words ids = random_ids(last, typings, random);
        std::vector<Row> expected;
        for (const kernels::Run& run : runs) {
            for (std::uint32_t i = run.first; i < run.last; ++i) {
                const std::uint32_t cost = costs.of(ids[i]);
                if (cost != 3 && run.spent + cost <= limit) expected.push_back({i, run.spent + cost, run.origin});
            }
        }
        for (const auto* k : all_kernels()) {
            Out out(n);
            const std::size_t kept =
                k->filter_runs(ids.data(), runs.data(), runs.size(), costs.packed(), limit, out.view());
            CHECK_EQ(kept, expected.size());
            CHECK(first_rows(out, std::min(kept, n)) == expected);
            CHECK(out.guarded());
        }
    }
}

TEST(filter_indexed) {
    std::mt19937 random(3);
    for (int round = 0; round < 400; ++round) {
        const std::size_t rows = 1 + random() % 3000;
        const std::size_t typings = 1 + random() % (round % 2 == 0 ? 40 : 3000);
        const PlainCosts costs(typings, random);
        const Words ids = random_ids(rows, typings, random);
        const std::size_t n = round < 100 ? static_cast<std::size_t>(round) : random() % 2000;
        for (std::uint32_t limit = 0; limit <= 4; ++limit) {
            Out given(n);
            for (std::size_t i = 0; i < n; ++i) {
                given.index[i] = static_cast<std::uint32_t>(random() % rows);
                given.spent[i] = static_cast<std::uint32_t>(random() % (limit + 1));
                given.origin[i] = static_cast<std::uint32_t>(random());
            }
            std::vector<Row> expected;
            for (const Row& row : first_rows(given, n)) {
                const std::uint32_t cost = costs.of(ids[row.index]);
                if (cost != 3 && row.spent + cost <= limit)
                    expected.push_back({row.index, row.spent + cost, row.origin});
            }
            for (const auto* k : all_kernels()) {
                Out out = given;
                const std::size_t kept = k->filter_indexed(ids.data(), costs.packed(), limit, out.view(), n);
                CHECK_EQ(kept, expected.size());
                CHECK(first_rows(out, std::min(kept, n)) == expected);
                CHECK(out.guarded());
            }
        }
    }
}

namespace {

// Rows of some loci, each with costs of its own, and what a row costs by a plain loop.
class PlainRows {
  public:
    PlainRows(std::size_t rows, std::mt19937& random) {
        std::vector<std::size_t> counts;
        const std::size_t loci = random() % 7;
        for (std::size_t l = 0; l < loci; ++l) counts.push_back(2 + random() % (l % 2 == 0 ? 40 : 200'000));
        const RowLayout layout(counts);
        words_.resize(rows * layout.words);
        stride_ = layout.words;
        for (const std::size_t typings : counts) {
            costs_.emplace_back(typings, random);
            ids_.push_back(random_ids(rows, typings, random));
        }
        for (std::size_t l = 0; l < loci; ++l) {
            const RowLayout::Place at = layout.places[l];
            CHECK(std::uint64_t{at.mask} + 1 >= counts[l]);
            for (std::size_t row = 0; row < rows; ++row) {
                ids_[l][row] &= at.mask;  // what a damaged file may hold beyond the last typing
                words_[row * stride_ + at.word] |= std::uint64_t{ids_[l][row]} << at.shift;
            }
            asked_.push_back(random() % 4 != 0);  // the others are not searched
            if (asked_.back()) searched_.push_back({at.word, at.shift, at.mask, costs_[l].packed()});
        }
        const PackedRows packed(layout, words_);
        for (std::size_t l = 0; l < loci; ++l) {
            for (std::uint32_t row = 0; row < rows; ++row) CHECK_EQ(packed.typing(l, row), ids_[l][row]);
        }
    }
    [[nodiscard]] kernels::Rows rows() const { return {words_.data(), stride_}; }
    [[nodiscard]] const std::vector<kernels::RowLocus>& searched() const { return searched_; }
    // What is spent with this row too; nothing if it is excluded.
    [[nodiscard]] std::optional<std::uint32_t> spent(std::uint32_t row, std::uint32_t before,
                                                     std::uint32_t limit) const {
        for (std::size_t l = 0; l < costs_.size(); ++l) {
            if (!asked_[l]) continue;
            const std::uint32_t cost = costs_[l].of(ids_[l][row]);
            if (cost == 3) return std::nullopt;
            before += cost;
        }
        return before <= limit ? std::optional(before) : std::nullopt;
    }

  private:
    std::vector<std::uint64_t> words_;
    std::size_t stride_ = 0;
    std::vector<PlainCosts> costs_;
    std::vector<Words> ids_;
    std::vector<kernels::RowLocus> searched_;
    std::vector<bool> asked_;
};

}  // namespace

TEST(filter_row_runs) {
    std::mt19937 random(7);
    for (int round = 0; round < 300; ++round) {
        const auto limit = static_cast<std::uint32_t>(random() % 5);
        const std::size_t longest = round % 3 == 0 ? 1000 : round % 3 == 1 ? 4 : 40;
        std::vector<kernels::Run> runs;
        std::uint32_t last = 0;
        std::size_t n = 0;
        for (std::size_t r = 0; r < random() % (round % 3 == 0 ? 2 : 40); ++r) {
            const auto first = last + static_cast<std::uint32_t>(random() % 3);
            last = first + static_cast<std::uint32_t>(random() % longest);
            runs.push_back({first, last, static_cast<std::uint32_t>(random() % (limit + 1)),
                            static_cast<std::uint32_t>(random())});
            n += last - first;
        }
        const PlainRows rows(last, random);
        std::vector<Row> expected;
        for (const kernels::Run& run : runs) {
            for (std::uint32_t i = run.first; i < run.last; ++i) {
                if (const auto spent = rows.spent(i, run.spent, limit)) expected.push_back({i, *spent, run.origin});
            }
        }
        for (const auto* k : all_kernels()) {
            Out out(n);
            const std::size_t kept = k->filter_row_runs(rows.rows(), rows.searched().data(), rows.searched().size(),
                                                        runs.data(), runs.size(), limit, out.view());
            CHECK_EQ(kept, expected.size());
            CHECK(first_rows(out, std::min(kept, n)) == expected);
            CHECK(out.guarded());
        }
    }
}

TEST(filter_rows) {
    std::mt19937 random(8);
    for (int round = 0; round < 200; ++round) {
        const std::size_t count = 1 + random() % 2000;
        const PlainRows rows(count, random);
        const std::size_t n = round < 60 ? static_cast<std::size_t>(round) : random() % 1000;
        for (std::uint32_t limit = 0; limit <= 4; ++limit) {
            Out given(n);
            for (std::size_t i = 0; i < n; ++i) {
                given.index[i] = static_cast<std::uint32_t>(random() % count);
                given.spent[i] = static_cast<std::uint32_t>(random() % (limit + 1));
                given.origin[i] = static_cast<std::uint32_t>(random());
            }
            std::vector<Row> expected;
            for (const Row& row : first_rows(given, n)) {
                if (const auto spent = rows.spent(row.index, row.spent, limit))
                    expected.push_back({row.index, *spent, row.origin});
            }
            for (const auto* k : all_kernels()) {
                Out out = given;
                const std::size_t kept =
                    k->filter_rows(rows.rows(), rows.searched().data(), rows.searched().size(), limit, out.view(), n);
                CHECK_EQ(kept, expected.size());
                CHECK(first_rows(out, std::min(kept, n)) == expected);
                CHECK(out.guarded());
            }
        }
    }
}

namespace {

// Ids of as many rows as can be numbered. Address space only: a few pages of it are ever touched. Empty if there is
// none.
class AllRows {
  public:
    AllRows()
        : memory_(::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)) {
        if (memory_ == MAP_FAILED) std::cout << "skipped: no 16 GiB of address space for row numbers beyond 2^31\n";
    }
    AllRows(const AllRows&) = delete;
    AllRows& operator=(const AllRows&) = delete;
    ~AllRows() {
        if (*this) ::munmap(memory_, kBytes);
    }
    explicit operator bool() const { return memory_ != MAP_FAILED; }
    [[nodiscard]] std::uint32_t* ids() const { return static_cast<std::uint32_t*>(memory_); }

  private:
    static constexpr std::size_t kBytes = (std::size_t{1} << 32U) * sizeof(std::uint32_t);
    void* memory_;
};

void check_runs_beyond(const std::vector<kernels::Run>& runs) {
    const AllRows rows;
    if (!rows) return;
    std::mt19937 random(6);
    const PlainCosts costs(200, random);
    std::size_t n = 0;
    std::vector<Row> expected;
    for (const kernels::Run& run : runs) {
        for (std::uint32_t i = run.first; i < run.last; ++i, ++n) {
            rows.ids()[i] = static_cast<std::uint32_t>(random() % 200);
            const std::uint32_t cost = costs.of(rows.ids()[i]);
            if (cost != 3 && run.spent + cost <= 2) expected.push_back({i, run.spent + cost, run.origin});
        }
    }
    for (const auto* k : all_kernels()) {
        Out out(n);
        const std::size_t kept = k->filter_runs(rows.ids(), runs.data(), runs.size(), costs.packed(), 2, out.view());
        CHECK_EQ(kept, expected.size());
        CHECK(first_rows(out, std::min(kept, n)) == expected);
    }
}

// Rows of one word and of two: the first of these words again and again, as the address space would not hold so many.
void check_row_runs_beyond(const std::vector<kernels::Run>& runs) {
    const AllRows rows;
    if (!rows) return;
    std::mt19937 random(9);
    const PlainCosts costs(200, random);
    // 2^32 rows of one word are twice the space: words are looked at from the middle on, where row 2^31 stands.
    const auto* words = reinterpret_cast<const std::uint64_t*>(rows.ids()) - (std::size_t{1} << 31U);
    for (const kernels::Run& run : runs) {
        for (std::uint32_t i = run.first; i < run.last; ++i)
            rows.ids()[2 * (i - (std::size_t{1} << 31U))] = static_cast<std::uint32_t>(random() % 200);
    }
    std::size_t n = 0;
    std::vector<Row> expected;
    for (const kernels::Run& run : runs) {
        for (std::uint32_t i = run.first; i < run.last; ++i, ++n) {
            const std::uint32_t cost = costs.of(rows.ids()[2 * (i - (std::size_t{1} << 31U))]);
            if (cost != 3 && run.spent + cost <= 2) expected.push_back({i, run.spent + cost, run.origin});
        }
    }
    const kernels::RowLocus locus{0, 0, 0xff, costs.packed()};
    for (const auto* k : all_kernels()) {
        Out out(n);
        std::size_t kept = k->filter_row_runs({words, 1}, &locus, 1, runs.data(), runs.size(), 2, out.view());
        CHECK_EQ(kept, expected.size());
        CHECK(first_rows(out, std::min(kept, n)) == expected);
        // The same rows by their numbers.
        Out given(n);
        std::size_t at = 0;
        for (const kernels::Run& run : runs) {
            for (std::uint32_t i = run.first; i < run.last; ++i, ++at) {
                given.index[at] = i;
                given.spent[at] = run.spent;
                given.origin[at] = run.origin;
            }
        }
        kept = k->filter_rows({words, 1}, &locus, 1, 2, given.view(), n);
        CHECK_EQ(kept, expected.size());
        CHECK(first_rows(given, std::min(kept, n)) == expected);
    }
}

}  // namespace

// A registry may have more rows than a signed index counts.
TEST(filter_runs_beyond_two_to_the_31) {
    check_runs_beyond({{0x7ffffff0, 0x80000010, 1, 5}, {0x80000020, 0x80000021, 2, 6}, {0xffffff00, 0xffffffe1, 0, 7}});
}

TEST(filter_runs_up_to_the_last_row) {
    // 2^32 - 2 rows are allowed: a step of eight or sixteen from the last block must not begin again at row 0.
    check_runs_beyond({{0xffffffe0, 0xfffffffe, 0, 7}});
}

TEST(filter_rows_beyond_two_to_the_31) {
    check_row_runs_beyond({{0x80000000, 0x80000021, 1, 5}, {0xffffff00, 0xffffffe1, 0, 7}});
    check_row_runs_beyond({{0xffffffe0, 0xfffffffe, 0, 7}});
}

TEST(filter_indexed_beyond_two_to_the_31) {
    const AllRows rows;
    if (!rows) return;
    std::mt19937 random(4);
    const PlainCosts costs(200, random);
    Out given(64);
    for (std::uint32_t i = 0; i < 64; ++i) {
        const std::uint32_t base = i % 3 == 0 ? 0x7fffffe0U : i % 3 == 1 ? 0x80000000U : 0xffffff00U;
        given.index[i] = base + i;
        given.spent[i] = 0;
        given.origin[i] = i;
        rows.ids()[given.index[i]] = static_cast<std::uint32_t>(random() % 200);
    }
    std::vector<Row> expected;
    for (const Row& row : first_rows(given, 64)) {
        const std::uint32_t cost = costs.of(rows.ids()[row.index]);
        if (cost <= 1) expected.push_back({row.index, cost, row.origin});
    }
    for (const auto* k : all_kernels()) {
        Out out = given;
        const std::size_t kept = k->filter_indexed(rows.ids(), costs.packed(), 1, out.view(), 64);
        CHECK_EQ(kept, expected.size());
        CHECK(first_rows(out, std::min(kept, std::size_t{64})) == expected);
    }
}
