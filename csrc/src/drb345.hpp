// DRB3, DRB4 and DRB5 share the two positions of DRB345 (SEMANTICS 1), so a person both of whose positions are known to
// be of one gene is typed twice, at that gene and at DRB345: "DRB3*01:01+DRB3*02:02" is both.
#pragma once

#include <array>
#include <optional>

#include "allomatch/phenotype.hpp"

namespace allomatch {

// Of every locus whether both positions of each genotype were said. A blank second position is the first one again, but
// at a gene it may stand for another gene or for absence on the other chromosome: it says nothing of DRB345.
using BothSaid = std::array<bool, kLocusCount>;

enum class GenesAgree : bool { No, Yes };

// Types DRB345 by the gene of both its positions, and that gene by DRB345. `No`, and nothing is typed, if DRB345 is of
// one gene beside another typing of that gene or beside another gene.
[[nodiscard]] GenesAgree complete_drb345(std::array<Typing, kLocusCount>& typings, const BothSaid& both_said);

// The gene that all names of a typing at DRB345 are of.
[[nodiscard]] std::optional<Locus> only_gene(const Typing& drb345);
// The gene whose typing is that of DRB345 too.
[[nodiscard]] std::optional<Locus> gene_of_drb345(const std::array<Typing, kLocusCount>& typings);
// The gene whose typing would be that of DRB345 too, had both positions been said.
[[nodiscard]] std::optional<Locus> gene_half_said(const std::array<Typing, kLocusCount>& typings);

[[noreturn]] void throw_genes_disagree(const Typing& drb345);

}  // namespace allomatch
