// Positions at a coarser level: what their alleles are called there, each name once, in order.
//
// A release's alleles have few names at a level, so these are sorted and written out once (`LevelNames`, made when they
// are first asked for); reducing a position then sets a bit for each of its alleles and copies texts, runs of them at
// once. What has no place among them (NEW, absence, a cut name that stays as given) is kept as names beside.
//
// A Reducer has memory of its own: it belongs to one thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "allomatch/nomenclature.hpp"

namespace allomatch {

struct LevelNames;

class Reducer {
  public:
    // The nomenclature must outlive this.
    Reducer(const Nomenclature& nomenclature, Locus locus, Level level);

    // Reads a position; members that the nomenclature lacks are left out. False if it has none of them.
    [[nodiscard]] bool read(std::span<const Name> names);
    // What was read: joined by '/', or as names. A first field is "A*02" in text, an XX code as a name.
    void append_text(std::string& text) const;
    void append_names(std::vector<Name>& names) const;

  private:
    [[nodiscard]] bool read_openly(std::span<const Name> names);
    [[nodiscard]] bool read_alleles(std::span<const Name> names);
    // Calls visit(begin, end) for runs of places.
    template <typename Visit>
    void for_each_run(Visit visit) const;

    const Nomenclature& nomenclature_;
    Locus locus_;
    Level level_;
    const LevelNames* names_ = nullptr;  // none without data
    std::vector<std::uint64_t> places_;  // bits; all are in words [first_word_, last_word_]
    std::size_t first_word_ = 0, last_word_ = 0;
    std::vector<Name> others_;  // if there are any, all that was read, sorted
};

}  // namespace allomatch
