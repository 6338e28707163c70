// See epitopes.hpp.
#include "allomatch/epitopes.hpp"

#include <bit>

namespace allomatch {
namespace {

constexpr std::uint32_t kOwnGroup = 0x80000000U;  // an allele outside any P group is one with its protein

std::uint32_t group_of(const AlleleFacts& allele) noexcept {
    return allele.p_group ? *allele.p_group : allele.protein | kOwnGroup;
}

}  // namespace

Epitopes::Epitopes(const Nomenclature& nomenclature, Locus locus) : nomenclature_(nomenclature), locus_(locus) {
    if (!nomenclature.has_data() || locus != Locus::DPB1) return;
    for (std::uint32_t i = 0; i < nomenclature.allele_count(locus); ++i) {
        const AlleleFacts allele = nomenclature.allele(locus, AlleleId{i});
        if (!allele.null() && allele.tce != 0) of_group_.emplace(group_of(allele), allele.tce);
    }
}

std::uint8_t Epitopes::of(const AlleleFacts& allele) const noexcept {
    const auto found = of_group_.find(group_of(allele));
    return found == of_group_.end() ? std::uint8_t{0} : found->second;
}

std::uint8_t Epitopes::of(const Name& name) const {
    if (of_group_.empty()) return 0;
    unsigned groups = 0;
    for (const AlleleId id : nomenclature_.members(locus_, name)) {
        const AlleleFacts allele = nomenclature_.allele(locus_, id);
        if (!allele.null()) groups |= 1U << of(allele);
    }
    return std::has_single_bit(groups) ? static_cast<std::uint8_t>(std::countr_zero(groups)) : std::uint8_t{0};
}

}  // namespace allomatch
