// What was done to read the typings of donors that went in: one entry a message, however many donors have it.
#include <algorithm>
#include <optional>

#include "allomatch/registry.hpp"
#include "donors.hpp"

namespace allomatch {
namespace {

// The donors of one message.
struct Rows {
    std::int64_t count = 0;
    std::uint32_t first = 0;
    void add(std::uint32_t donor) noexcept {
        if (count++ == 0) first = donor;
    }
};

// By typing, the positions of which something is said.
std::vector<std::vector<std::uint32_t>> noted_positions(const TypingInterner& interner, Locus locus,
                                                        const std::vector<std::vector<Note>>& notes) {
    std::vector<std::vector<std::uint32_t>> noted(interner.typing_count());
    for (std::uint32_t t = 0; t < noted.size(); ++t) {
        // A typing of DRB345 by one gene is a typing of that gene too, where the same is said.
        if (locus == Locus::DRB345 && only_gene(interner.typing_of(t))) continue;
        std::vector<std::uint32_t>& positions = noted[t];
        for (const PositionPair& pair : interner.pairs_of(t)) {
            for (const PositionId id : {pair.first, pair.second}) {
                const bool before = std::find(positions.begin(), positions.end(), id.value) != positions.end();
                if (!notes[id.value].empty() && !before) positions.push_back(id.value);
            }
        }
    }
    return noted;
}

}  // namespace

std::vector<RowWarning> row_warnings(const Donors& donors, std::span<const std::uint32_t> ranks) {
    std::vector<RowWarning> all;
    const auto counts = [&](std::uint32_t donor) {
        return ranks[donor] != kDuplicate && donors.input_rows[donor] >= 0;
    };
    const auto add = [&](const Rows& rows, std::string_view field, std::string_view value, const Note& note) {
        all.push_back({rows.count, donors.input_rows[rows.first], std::string(donors.id(rows.first)),
                       std::string(field), cut(value), note.code, note.message});
    };
    for (std::size_t l = 0; l < kLocusCount; ++l) {
        const auto locus = static_cast<Locus>(l);
        const TypingInterner& interner = donors.interners[l];
        const std::vector<std::uint32_t>& typings = donors.typings[l];
        std::vector<std::vector<Note>> notes(interner.position_count());
        bool any = false;
        for (std::uint32_t p = 0; p < notes.size(); ++p) {
            notes[p] = interner.notes(PositionId{p});
            any = any || !notes[p].empty();
        }
        if (!any) continue;
        const std::vector<std::vector<std::uint32_t>> noted = noted_positions(interner, locus, notes);
        std::vector<Rows> rows(notes.size());
        for (std::uint32_t donor = 0; donor < typings.size(); ++donor) {
            if (noted[typings[donor]].empty() || !counts(donor)) continue;
            for (const std::uint32_t position : noted[typings[donor]]) rows[position].add(donor);
        }
        for (std::uint32_t p = 0; p < rows.size(); ++p) {
            if (rows[p].count == 0) continue;
            const std::string value = to_text(locus, interner.position(PositionId{p}));
            for (const Note& note : notes[p]) add(rows[p], locus_name(locus), value, note);
        }
    }
    Rows phased;
    for (const std::uint32_t donor : donors.phased) {
        if (counts(donor)) phased.add(donor);
    }
    if (phased.count > 0) {
        add(phased, "gl", "~",
            {ErrorCode::PhaseDropped, "a registry keeps typings, not which alleles are on one chromosome ('~')"});
    }
    std::stable_sort(all.begin(), all.end(), [](const RowWarning& a, const RowWarning& b) {
        return a.first_row != b.first_row ? a.first_row < b.first_row : a.field < b.field;
    });
    return all;
}

}  // namespace allomatch
