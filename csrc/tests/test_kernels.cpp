// Every kernel that this machine can run, held against the scalar one and against loops that are too plain to be wrong.
//
// Inputs lie in arrays of exactly their size, so that the sanitizers see a kernel that reads beyond them.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <random>

#include "allomatch/kernel_choice.hpp"
#include "check.hpp"
#include "filtering.hpp"
#include "kernels/kernels.hpp"

using namespace allomatch;

namespace {

std::vector<const kernels::Kernels*> all_kernels() {
    std::vector<const kernels::Kernels*> all;
    for (const std::string_view name : supported_kernels()) all.push_back(&kernels_named(name));
    return all;
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
        // Short runs, as below the top levels; one long one, as at the top.
        const std::size_t longest = round % 3 == 0 ? 3000 : round % 3 == 1 ? 4 : 70;
        const RandomRuns drawn(random() % (round % 3 == 0 ? 2 : 60), longest, limit, random);
        const auto& [runs, last, n] = drawn;
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

namespace {

void check_runs_beyond(const std::vector<kernels::Run>& runs) {
    const SparseMemory memory((std::size_t{1} << 32U) * sizeof(std::uint32_t));
    if (!memory) return;
    auto* const ids = static_cast<std::uint32_t*>(memory.data());
    std::mt19937 random(6);
    const PlainCosts costs(200, random);
    std::size_t n = 0;
    std::vector<Row> expected;
    for (const kernels::Run& run : runs) {
        for (std::uint32_t i = run.first; i < run.last; ++i, ++n) {
            ids[i] = static_cast<std::uint32_t>(random() % 200);
            const std::uint32_t cost = costs.of(ids[i]);
            if (cost != 3 && run.spent + cost <= 2) expected.push_back({i, run.spent + cost, run.origin});
        }
    }
    for (const auto* k : all_kernels()) {
        Out out(n);
        const std::size_t kept = k->filter_runs(ids, runs.data(), runs.size(), costs.packed(), 2, out.view());
        CHECK_EQ(kept, expected.size());
        CHECK(first_rows(out, std::min(kept, n)) == expected);
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
