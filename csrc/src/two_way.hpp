// Two published two-way splits, by the first two fields of a protein: the leader of HLA-B and the expression of DPB1.
//
// Leader: methionine or threonine at position -21 (Petersdorf et al., Lancet Haematology 2020;7:e50 and Blood
// 2020;136:362). Which protein has which was read off the protein alignments of B of IPD-IMGT/HLA 3.24 to 3.51: every
// first field has one residue, but for the exceptions listed.
// Expression: rs9277534 G goes with high, A with low expression (Petersdorf et al., New England Journal of Medicine
// 2015;373:599); seven positions of exon 3 tell which (Schoene et al., Human Immunology 2018;79:20). Read off the
// genomic alignment of DPB1 of IPD-IMGT/HLA 3.51.
#pragma once

#include "allomatch/detail.hpp"

namespace allomatch {

// Unknown at loci that have no such split, and where the sources do not say.
[[nodiscard]] Marker two_way_marker(Locus locus, const Name& allele) noexcept;

}  // namespace allomatch
