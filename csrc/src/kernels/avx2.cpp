// The kernels for AVX2: eight typings a step, survivors packed to the front by a table of permutations.
#include <immintrin.h>

#include "kernels.hpp"

namespace allomatch::kernels {
namespace {

#include "crc32c_sse42.inc"

struct Permutations {
    alignas(32) uint32_t lane[256][8];
    constexpr Permutations() : lane() {
        for (uint32_t mask = 0; mask < 256; ++mask) {
            uint32_t kept = 0;
            for (uint32_t bit = 0; bit < 8; ++bit) {
                if (mask >> bit & 1) lane[mask][kept++] = bit;
            }
        }
    }
};
constexpr Permutations kPermutations;

inline __m256i pack_front(__m256i values, uint32_t mask) {
    return _mm256_permutevar8x32_epi32(values, _mm256_load_si256((const __m256i*)kPermutations.lane[mask]));
}

inline __m256i costs_of(Costs costs, __m256i ids) {
    ids = _mm256_min_epu32(ids, _mm256_set1_epi32((int)costs.last));
    const __m256i words = _mm256_i32gather_epi32((const int*)costs.words, _mm256_srli_epi32(ids, 4), 4);
    const __m256i shift = _mm256_slli_epi32(_mm256_and_si256(ids, _mm256_set1_epi32(15)), 1);
    return _mm256_and_si256(_mm256_srlv_epi32(words, shift), _mm256_set1_epi32(3));
}

// All ones in the first `n` (0..8) lanes.
inline __m256i first_lanes(size_t n) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

inline uint32_t mask_of(__m256i lanes) {
    return (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(lanes));
}

inline void store(uint32_t* to, __m256i values) {
    _mm256_storeu_si256((__m256i*)to, values);
}

size_t filter_runs(const uint32_t* ids, const Run* runs, size_t n_runs, Costs costs, uint32_t limit, Survivors out) {
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    size_t kept = 0;
    for (size_t r = 0; r < n_runs; ++r) {
        const Run run = runs[r];
        const uint32_t budget = limit - run.spent < 2 ? limit - run.spent : 2;
        const __m256i most = _mm256_set1_epi32((int)budget);
        const __m256i spent_before = _mm256_set1_epi32((int)run.spent);
        const __m256i origins = _mm256_set1_epi32((int)run.origin);
        for (uint64_t i = run.first; i < run.last; i += 8) {
            const __m256i lanes = first_lanes(run.last - i < 8 ? run.last - i : 8);
            const __m256i id = _mm256_maskload_epi32((const int*)ids + i, lanes);
            const __m256i cost = costs_of(costs, id);
            const uint32_t mask = mask_of(_mm256_andnot_si256(_mm256_cmpgt_epi32(cost, most), lanes));
            if (mask == 0) continue;
            store(out.index + kept, pack_front(_mm256_add_epi32(_mm256_set1_epi32((int)i), lane), mask));
            store(out.spent + kept, pack_front(_mm256_add_epi32(spent_before, cost), mask));
            store(out.origin + kept, origins);
            kept += (size_t)__builtin_popcount(mask);
        }
    }
    return kept;
}

}  // namespace

const Kernels kAvx2 = {"avx2", filter_runs, crc32c};

}  // namespace allomatch::kernels
