// What listed hits are like at loci that were not searched.
#pragma once

#include <vector>

#include "allomatch/search.hpp"

namespace allomatch {

// Fills `result.reported` for `result.rows`. Throws UnknownName if the nomenclature does not know a typing of the
// patient.
void report_unsearched(const SearchIndex& index, const Phenotype& patient, const SearchRequest& request, Crew& crew,
                       const Cancel& cancel, SearchResult& result);

// Flags the listed hits whose typing at a locus, searched or reported, the nomenclature cannot read.
void flag_unread(const SearchIndex& index, const SearchRequest& request, const Cancel& cancel, SearchResult& result);

}  // namespace allomatch
