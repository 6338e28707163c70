// The tables of one locus of a release: flat arrays, so that they can be written to a cache and read back as they are.
//
// `release_files.cpp` fills the arrays from the official files, `release_cache.cpp` from its own; both then call
// `derive()` for what follows from them. Nothing changes afterwards.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "allomatch/mac.hpp"
#include "allomatch/nomenclature.hpp"

namespace allomatch {

inline constexpr std::uint32_t kNone = 0xffffffff;

// Lists of numbers end to end: list i is values[offsets[i] .. offsets[i + 1]).
struct Lists {
    std::vector<std::uint32_t> offsets{0};
    std::vector<std::uint32_t> values;

    [[nodiscard]] std::size_t size() const noexcept { return offsets.size() - 1; }
    [[nodiscard]] std::span<const std::uint32_t> operator[](std::size_t i) const noexcept {
        return std::span(values).subspan(offsets[i], offsets[i + 1] - offsets[i]);
    }
    void push_back(std::span<const std::uint32_t> list) {
        values.insert(values.end(), list.begin(), list.end());
        offsets.push_back(static_cast<std::uint32_t>(values.size()));
    }
    // Lists of what `group_of` assigns to each of `groups`.
    static Lists inverted(std::span<const std::uint32_t> group_of, std::size_t groups);
};

// A name that the release carries on to another one.
struct Renamed {
    Name from, to;
};

// Sorts names as `Name` does and, for plain alleles, as their numbers do: one integer to look up by.
[[nodiscard]] std::uint64_t allele_key(const Name& name) noexcept;

// What the alleles of a locus are called at a level.
struct LevelNames {
    std::vector<Name> names;            // each once, sorted
    std::string text;                   // of all of them, joined by '/'
    std::vector<std::uint32_t> begins;  // in `text`, of each name and of one more
    // Of each allele: the place of its name, or kSeveral and a list of `several` (antigens: none or many); and the next
    // allele that has another suffix or is called otherwise. Those between need no look.
    struct Called {
        std::uint32_t place, run_end;
    };
    static constexpr std::uint32_t kSeveral = 0x80000000;
    std::vector<Called> of_allele;
    Lists several;
    std::vector<bool> own;  // of each name: it is an allele's own, as that is of no group of this level
};

struct ReleaseLocus {
    Locus locus = Locus::A;

    // Alleles by name, and of each: its groups (index, or kNone), what is known of its sequence, its T-cell epitope.
    std::vector<Name> alleles;
    std::vector<std::uint32_t> p_group, g_group;
    std::vector<std::uint8_t> full_gdna, tce;
    std::vector<Name> p_names, g_names;  // sorted
    // Serology. Antigens by number; `broad`, `associated`: index of the antigen that each is a split or an associated
    // antigen of, or kNone.
    std::vector<std::uint16_t> antigens;
    std::vector<std::uint32_t> broad, associated;
    Lists allele_antigens;
    // Sorted by `from`: alleles deleted or renamed, and names of before April 2010.
    std::vector<Renamed> renamed, version2;
    bool has_serology = false, has_renamed = false;

    // Derived.
    std::vector<std::uint64_t> keys;  // of `alleles`
    std::vector<char> suffixes;       // of `alleles`
    // Where the alleles of each first field begin (by gene, see `shelf_of`), as a place in `second_begins`; there,
    // where those of its second fields 0, 1, 2... begin. The last second field of a shelf stands for all that follow.
    std::vector<std::uint32_t> shelves, second_begins;
    std::uint32_t shelves_a_gene = 0;
    std::vector<std::uint32_t> protein;         // of each allele: number of its first two fields (and N)
    std::vector<std::uint32_t> protein_first;   // of each protein: its first allele
    Lists p_members, g_members, small_g_nulls;  // alleles of each P and G group; nulls that small g adds to a P group
    std::vector<std::uint32_t> null_small_g;    // of each null allele: the P group whose small g has it, or kNone
    Lists antigen_alleles;                      // alleles that each antigen stands for
    struct Groups {                             // what is compared at a level
        Lists of_allele;                        // none if null
        std::vector<std::string> texts;
    };
    std::array<Groups, kMatchLevels> groups;

    void derive();
    // Made when it is first asked for, by whichever thread.
    [[nodiscard]] const LevelNames& level_names(Level level) const;
    [[nodiscard]] std::size_t level_names_bytes() const noexcept { return level_names_bytes_; }

    // [first, last) of the alleles that extend the fields of `name`.
    [[nodiscard]] std::pair<std::size_t, std::size_t> range(const Name& name) const noexcept;
    [[nodiscard]] std::optional<std::size_t> find_allele(const Name& name) const noexcept;
    [[nodiscard]] std::optional<std::uint32_t> find_antigen(std::uint16_t number) const noexcept;
    // The antigens that one stands for: itself, its splits, the associated antigens of these, and its broad.
    [[nodiscard]] std::vector<std::uint32_t> covered_antigens(std::uint32_t antigen) const;

    // What an allele name is carried on to if the release lacks it; nullopt if there is nothing.
    [[nodiscard]] std::optional<Name> successor(const Name& name) const;
    // `name`, or what it is carried on to, if that is in the release; nullopt if it is not.
    [[nodiscard]] std::optional<Name> current(const Name& name) const;

    // Calls visit(allele index) for every allele that `name` stands for, some perhaps twice (a MAC that lists an allele
    // and its cut). `whole`: one unknown member of a code makes all of it unknown. SEMANTICS section 1. If `visit`
    // returns an index, a run of alleles of one suffix goes on there.
    template <typename Visit>
    void for_each(const Name& name, const MacTable* macs, bool whole, Visit visit) const;

  private:
    [[nodiscard]] std::optional<std::size_t> shelf_of(std::uint16_t gene, std::uint16_t first) const noexcept;
    void derive_index();
    void derive_proteins();
    void derive_small_g();
    void derive_serology();
    void derive_groups();
    void make_level_names(Level level, LevelNames& made) const;
    template <typename Visit>
    bool visit_allele(const Name& name, Visit visit) const;
    // The alleles of a name or, if the release has none, of the name that it is carried on to.
    template <typename Visit>
    void visit_current(const Name& name, Visit visit) const {
        if (name.kind == NameKind::Allele && visit_allele(name, visit)) return;
        if (const auto now = current(name)) visit_allele(*now, visit);
    }

    static constexpr std::size_t kLevels = 7;
    mutable std::array<std::once_flag, kLevels> level_once_;
    mutable std::array<LevelNames, kLevels> level_names_;
    mutable std::atomic<std::size_t> level_names_bytes_{0};
};

// What was read of the genes, by locus, with all that is derived of it; and DRB345, three of them as one, every name
// with its gene.
[[nodiscard]] std::vector<std::shared_ptr<const ReleaseLocus>> completed(
    std::span<const std::shared_ptr<ReleaseLocus>> genes);

// Visits an allele; where to go on.
template <typename Visit>
std::size_t visit_run(Visit& visit, std::size_t allele) {
    if constexpr (std::is_void_v<std::invoke_result_t<Visit&, std::uint32_t>>) {
        visit(static_cast<std::uint32_t>(allele));
        return allele + 1;
    } else {
        return visit(static_cast<std::uint32_t>(allele));
    }
}

template <typename Visit>
bool ReleaseLocus::visit_allele(const Name& name, Visit visit) const {
    const auto [first, last] = range(name);
    bool any = false;
    for (std::size_t i = first; i < last;) {
        const char suffix = suffixes[i];
        // A null allele is meant only by a name that says so; other suffixes are implied by a name without one.
        if (name.suffix == suffix || (name.suffix == 0 && suffix != 'N')) {
            i = visit_run(visit, i);
            any = true;
        } else {
            ++i;
        }
    }
    return any;
}

template <typename Visit>
void ReleaseLocus::for_each(const Name& name, const MacTable* macs, bool whole, Visit visit) const {
    const auto find = [](const std::vector<Name>& sorted, const Name& wanted) -> std::optional<std::size_t> {
        const auto it = std::lower_bound(sorted.begin(), sorted.end(), wanted);
        if (it == sorted.end() || *it != wanted) return std::nullopt;
        return static_cast<std::size_t>(it - sorted.begin());
    };
    const auto all = [&](std::span<const std::uint32_t> list) {
        for (const std::uint32_t allele : list) visit(allele);
    };
    switch (name.kind) {
        case NameKind::Allele:
        case NameKind::Version2:
            visit_current(name, visit);
            return;
        case NameKind::GGroup:
            if (const auto g = find(g_names, name)) all(g_members[*g]);
            return;
        case NameKind::PGroup:
            if (const auto p = find(p_names, name)) all(p_members[*p]);
            return;
        case NameKind::SmallG: {
            Name group = name;
            group.kind = NameKind::PGroup;
            if (const auto p = find(p_names, group)) {
                all(p_members[*p]);
                all(small_g_nulls[*p]);
                return;
            }
            // Alleles of that name outside any P group, and of the nulls those that no P group's small g has.
            group.kind = NameKind::Allele;
            const auto [first, last] = range(group);
            for (std::size_t i = first; i < last; ++i) {
                if (p_group[i] == kNone && null_small_g[i] == kNone) visit(static_cast<std::uint32_t>(i));
            }
            return;
        }
        case NameKind::XxCode:
        case NameKind::New: {
            Name first_field = name;
            first_field.kind = NameKind::Allele;
            const bool any = name.fields[0] == 0 && name.gene == 0;
            const auto [first, last] = any ? std::pair{std::size_t{0}, alleles.size()} : range(first_field);
            for (std::size_t i = first; i < last;) i = visit_run(visit, i);
            return;
        }
        case NameKind::Mac: {
            if (macs == nullptr) return;
            const MacTable::Expansion expansion = macs->expand(name);
            if (whole) {
                for (const Name& member : expansion.names) {
                    if (!current(member)) return;
                }
            }
            for (const Name& member : expansion.names) visit_current(member, visit);
            return;
        }
        case NameKind::Serology:
            if (const auto antigen = find_antigen(name.fields[0])) {
                for (const std::uint32_t allele : antigen_alleles[*antigen]) {
                    if (name.gene == 0 || alleles[allele].gene == name.gene) visit(allele);
                }
            }
            return;
        case NameKind::Absent:
            return;
    }
}

}  // namespace allomatch
