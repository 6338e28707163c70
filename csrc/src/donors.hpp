// The donors gathered so far, as columns in the order of input: what the builder fills and the writer sorts and writes.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "allomatch/registry.hpp"
#include "drb345_rows.hpp"
#include "text_table.hpp"
#include "typing_interner.hpp"

namespace allomatch {

struct DonorAttribute {
    // One of these, by kind; empty as long as every donor's value is null.
    std::vector<std::int16_t> ints;
    std::vector<float> floats;
    std::vector<std::uint16_t> codes;
    TextTable categories;
};

struct Donors {
    Donors();

    std::vector<std::uint32_t> id_offsets{0};
    std::vector<char> id_text;
    std::vector<std::int64_t> input_rows;  // of each donor, for messages; -1: it was in the registry before
    std::vector<TypingInterner> interners;
    Drb345Rows drb345;
    std::array<std::vector<std::uint32_t>, kLocusCount> typings;  // empty as long as nobody is typed at the locus
    std::array<DonorAttribute, kAttributeCount> attributes;
    std::vector<std::uint32_t> phased;  // donors whose GL string had a phase, which a registry does not keep

    [[nodiscard]] std::size_t count() const noexcept { return id_offsets.size() - 1; }
    [[nodiscard]] std::string_view id(std::uint32_t donor) const noexcept {
        return {id_text.data() + id_offsets[donor], id_offsets[donor + 1] - id_offsets[donor]};
    }
    void append_id(std::string_view id);  // throws TooManyRows past 4 GiB of ids or 2^32 - 2 donors
};

// Sorts the donors and writes the segment file; donors whose id came before go to `errors`. Frees `donors` as it goes.
std::size_t write_segment(Donors& donors, const std::filesystem::path& path, bool replace, unsigned threads,
                          const Cancel& cancel, std::vector<RowError>& errors, std::vector<RowWarning>& warnings);

// Of the donors that came in now and stay (`ranks` is not kDuplicate): what was done to read their typings.
inline constexpr std::uint32_t kDuplicate = 0xffffffff;
[[nodiscard]] std::vector<RowWarning> row_warnings(const Donors& donors, std::span<const std::uint32_t> ranks);

// At most 200 bytes of a value, whole characters: a table of messages must not be larger than the input.
[[nodiscard]] std::string cut(std::string_view text);

}  // namespace allomatch
