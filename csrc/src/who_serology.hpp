// Antigens without any data: the first fields of the alleles that carry each, for Nomenclature::two_field.
//
// Facts of the WHO Nomenclature Committee (Marsh et al., Tissue Antigens 2010;75:291, table of recognised serological
// specificities) and of the HLA dictionary 2008 (Holdsworth et al., Tissue Antigens 2009;73:95): coarser than a
// release's rel_dna_ser.txt, which says it allele by allele.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "allomatch/name.hpp"

namespace allomatch {

struct WhoAntigen {
    Locus locus;
    std::uint16_t number;
    std::array<std::uint16_t, 6> first_fields;  // zeros at the end
};

// Empty if there is no such antigen at the locus; DRB345 has those of its three genes.
[[nodiscard]] std::span<const std::uint16_t> who_first_fields(Locus locus, std::uint16_t number) noexcept;

}  // namespace allomatch
