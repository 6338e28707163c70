// The kernels for AVX-512 (F, BW, DQ, VL): sixteen typings a step, survivors packed by the compress instruction.
#include <immintrin.h>

#include "kernels.hpp"

namespace allomatch::kernels {
namespace {

#include "crc32c_sse42.inc"

inline __m512i costs_of(Costs costs, __m512i ids) {
    ids = _mm512_min_epu32(ids, _mm512_set1_epi32((int)costs.last));
    const __m512i words = _mm512_i32gather_epi32(_mm512_srli_epi32(ids, 4), (const void*)costs.words, 4);
    const __m512i shift = _mm512_slli_epi32(_mm512_and_si512(ids, _mm512_set1_epi32(15)), 1);
    return _mm512_and_si512(_mm512_srlv_epi32(words, shift), _mm512_set1_epi32(3));
}

inline __mmask16 first_lanes(size_t n) {
    return n >= 16 ? (__mmask16)0xffff : (__mmask16)((1U << n) - 1);
}

inline __m512i lane_numbers() {
    return _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
}

// A register compress and a whole store: the compress to memory is microcoded on some machines.
inline void store_packed(uint32_t* to, __mmask16 mask, __m512i values) {
    _mm512_storeu_si512((void*)to, _mm512_maskz_compress_epi32(mask, values));
}

size_t filter_runs(const uint32_t* ids, const Run* runs, size_t n_runs, Costs costs, uint32_t limit, Survivors out) {
    size_t kept = 0;
    for (size_t r = 0; r < n_runs; ++r) {
        const Run run = runs[r];
        const uint32_t budget = limit - run.spent < 2 ? limit - run.spent : 2;
        const __m512i most = _mm512_set1_epi32((int)budget);
        for (uint64_t i = run.first; i < run.last; i += 16) {
            const __mmask16 lanes = first_lanes(run.last - i);
            const __m512i id = _mm512_maskz_loadu_epi32(lanes, (const void*)(ids + i));
            const __m512i cost = costs_of(costs, id);
            const __mmask16 mask = _mm512_mask_cmple_epu32_mask(lanes, cost, most);
            if (mask == 0) continue;
            const __m512i index = _mm512_add_epi32(_mm512_set1_epi32((int)i), lane_numbers());
            store_packed(out.index + kept, mask, index);
            store_packed(out.spent + kept, mask, _mm512_add_epi32(_mm512_set1_epi32((int)run.spent), cost));
            _mm512_storeu_si512((void*)(out.origin + kept), _mm512_set1_epi32((int)run.origin));
            kept += (size_t)__builtin_popcount(mask);
        }
    }
    return kept;
}

}  // namespace

const Kernels kAvx512 = {"avx512", filter_runs, crc32c};

}  // namespace allomatch::kernels
