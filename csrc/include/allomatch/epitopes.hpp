// Epitopes: the T-cell epitope group of an allele at DPB1 (SEMANTICS section 3).
//
// An allele that dpb_tce leaves blank has the group of the others of its ARD group.
#pragma once

#include <cstdint>
#include <unordered_map>

#include "allomatch/nomenclature.hpp"

namespace allomatch {

class Epitopes {
  public:
    // Nothing is known at other loci, or without data. Keeps a reference to the nomenclature.
    Epitopes(const Nomenclature& nomenclature, Locus locus);

    // 1 to 3; 0: not known.
    [[nodiscard]] std::uint8_t of(const AlleleFacts& allele) const noexcept;
    // Of what a name expresses: 0 also if its alleles do not agree, or nothing is expressed.
    [[nodiscard]] std::uint8_t of(const Name& name) const;

  private:
    const Nomenclature& nomenclature_;
    Locus locus_;
    std::unordered_map<std::uint32_t, std::uint8_t> of_group_;
};

}  // namespace allomatch
