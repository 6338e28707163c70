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

inline __m512i load_indexed(const uint32_t* ids, __m512i index, __mmask16 lanes) {
    // Row numbers may use all 32 bits and a 32-bit gather index is signed, so they are widened.
    const __m512i low = _mm512_cvtepu32_epi64(_mm512_castsi512_si256(index));
    const __m512i high = _mm512_cvtepu32_epi64(_mm512_extracti64x4_epi64(index, 1));
    const __m256i zero = _mm256_setzero_si256();
    const __m256i id_low = _mm512_mask_i64gather_epi32(zero, (__mmask8)lanes, low, (const void*)ids, 4);
    const __m256i id_high = _mm512_mask_i64gather_epi32(zero, (__mmask8)(lanes >> 8), high, (const void*)ids, 4);
    return _mm512_inserti64x4(_mm512_castsi256_si512(id_low), id_high, 1);
}

size_t filter_indexed(const uint32_t* ids, Costs costs, uint32_t limit, Survivors s, size_t n) {
    const __m512i most = _mm512_set1_epi32((int)limit);
    size_t kept = 0;
    for (size_t i = 0; i < n; i += 16) {
        const __mmask16 lanes = first_lanes(n - i);
        const __m512i index = _mm512_maskz_loadu_epi32(lanes, (const void*)(s.index + i));
        const __m512i origin = _mm512_maskz_loadu_epi32(lanes, (const void*)(s.origin + i));
        const __m512i cost = costs_of(costs, load_indexed(ids, index, lanes));
        const __m512i spent = _mm512_add_epi32(_mm512_maskz_loadu_epi32(lanes, (const void*)(s.spent + i)), cost);
        const __mmask16 allowed = _mm512_mask_cmpneq_epu32_mask(lanes, cost, _mm512_set1_epi32(3));
        const __mmask16 mask = _mm512_mask_cmple_epu32_mask(allowed, spent, most);
        store_packed(s.index + kept, mask, index);
        store_packed(s.spent + kept, mask, spent);
        store_packed(s.origin + kept, mask, origin);
        kept += (size_t)__builtin_popcount(mask);
    }
    return kept;
}

// One word of each of sixteen rows.
struct Words {
    __m512i low, high;
};

inline Words words_at(Rows rows, uint32_t word, __m512i low, __m512i high, __mmask16 lanes) {
    const __m512i stride = _mm512_set1_epi64((long long)rows.stride);
    const __m512i zero = _mm512_setzero_si512();
    const void* base = (const void*)(rows.words + word);
    return {_mm512_mask_i64gather_epi64(zero, (__mmask8)lanes, _mm512_mullo_epi64(low, stride), base, 8),
            _mm512_mask_i64gather_epi64(zero, (__mmask8)(lanes >> 8), _mm512_mullo_epi64(high, stride), base, 8)};
}

inline Words words_from(Rows rows, uint32_t word, uint64_t first, __mmask16 lanes) {
    if (rows.stride == 1) {
        const uint64_t* from = rows.words + first;
        return {_mm512_maskz_loadu_epi64((__mmask8)lanes, (const void*)from),
                _mm512_maskz_loadu_epi64((__mmask8)(lanes >> 8), (const void*)(from + 8))};
    }
    const __m512i low =
        _mm512_add_epi64(_mm512_set1_epi64((long long)first), _mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7));
    return words_at(rows, word, low, _mm512_add_epi64(low, _mm512_set1_epi64(8)), lanes);
}

inline __m512i typings_in(Words words, RowLocus at) {
    const __m128i shift = _mm_cvtsi32_si128((int)at.shift);
    const __m256i low = _mm512_cvtepi64_epi32(_mm512_srl_epi64(words.low, shift));
    const __m256i high = _mm512_cvtepi64_epi32(_mm512_srl_epi64(words.high, shift));
    return _mm512_and_si512(_mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1), _mm512_set1_epi32((int)at.mask));
}

// Those lanes that may pay for a locus too.
inline __mmask16 pay(__m512i cost, __m512i most, __mmask16 lanes, __m512i* spent) {
    *spent = _mm512_add_epi32(*spent, cost);
    const __mmask16 allowed = _mm512_mask_cmpneq_epu32_mask(lanes, cost, _mm512_set1_epi32(3));
    return _mm512_mask_cmple_epu32_mask(allowed, *spent, most);
}

size_t filter_row_runs(Rows rows, const RowLocus* loci, size_t n_loci, const Run* runs, size_t n_runs, uint32_t limit,
                       Survivors out) {
    const __m512i most = _mm512_set1_epi32((int)limit);
    size_t kept = 0;
    for (size_t r = 0; r < n_runs; ++r) {
        const Run run = runs[r];
        for (uint64_t i = run.first; i < run.last; i += 16) {
            const __mmask16 lanes = first_lanes(run.last - i);
            __mmask16 mask = lanes;
            __m512i spent = _mm512_set1_epi32((int)run.spent);
            for (size_t l = 0; l < n_loci && mask != 0; ++l) {
                const __m512i id = typings_in(words_from(rows, loci[l].word, i, lanes), loci[l]);
                mask = pay(costs_of(loci[l].costs, id), most, mask, &spent);
            }
            if (mask == 0) continue;
            store_packed(out.index + kept, mask, _mm512_add_epi32(_mm512_set1_epi32((int)i), lane_numbers()));
            store_packed(out.spent + kept, mask, spent);
            _mm512_storeu_si512((void*)(out.origin + kept), _mm512_set1_epi32((int)run.origin));
            kept += (size_t)__builtin_popcount(mask);
        }
    }
    return kept;
}

size_t filter_rows(Rows rows, const RowLocus* loci, size_t n_loci, uint32_t limit, Survivors s, size_t n) {
    const __m512i most = _mm512_set1_epi32((int)limit);
    size_t kept = 0;
    for (size_t i = 0; i < n; i += 16) {
        __mmask16 mask = first_lanes(n - i);
        const __m512i index = _mm512_maskz_loadu_epi32(mask, (const void*)(s.index + i));
        const __m512i origin = _mm512_maskz_loadu_epi32(mask, (const void*)(s.origin + i));
        __m512i spent = _mm512_maskz_loadu_epi32(mask, (const void*)(s.spent + i));
        const __m512i low = _mm512_cvtepu32_epi64(_mm512_castsi512_si256(index));
        const __m512i high = _mm512_cvtepu32_epi64(_mm512_extracti64x4_epi64(index, 1));
        for (size_t l = 0; l < n_loci && mask != 0; ++l) {
            const __m512i id = typings_in(words_at(rows, loci[l].word, low, high, mask), loci[l]);
            mask = pay(costs_of(loci[l].costs, id), most, mask, &spent);
        }
        store_packed(s.index + kept, mask, index);
        store_packed(s.spent + kept, mask, spent);
        store_packed(s.origin + kept, mask, origin);
        kept += (size_t)__builtin_popcount(mask);
    }
    return kept;
}

}  // namespace

const Kernels kAvx512 = {"avx512", filter_runs, filter_indexed, filter_row_runs, filter_rows, crc32c};

}  // namespace allomatch::kernels
