// The order of the hits, and the page of them that is listed.
#pragma once

#include "allomatch/search.hpp"
#include "hit_filter.hpp"

namespace allomatch {

// Counts all hits, and lists [offset, offset + limit) of them by mismatches, greatest and donor id. `result` has the
// phenotypes and their totals.
void list_page(const Segment& segment, const HitRows& hit_rows, const SearchRequest& request, Crew& crew,
               const Cancel& cancel, SearchResult& result);

}  // namespace allomatch
