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

size_t filter_indexed(const uint32_t* ids, Costs costs, uint32_t limit, Survivors s, size_t n) {
    const __m256i most = _mm256_set1_epi32((int)limit);
    const __m256i excluded = _mm256_set1_epi32(3);
    size_t kept = 0;
    for (size_t i = 0; i < n; i += 8) {
        const __m256i lanes = first_lanes(n - i < 8 ? n - i : 8);
        const __m256i index = _mm256_maskload_epi32((const int*)s.index + i, lanes);
        const __m256i spent_before = _mm256_maskload_epi32((const int*)s.spent + i, lanes);
        const __m256i origin = _mm256_maskload_epi32((const int*)s.origin + i, lanes);
        // Row numbers may use all 32 bits, a gather's index is signed: hence the eight plain loads.
        alignas(32) uint32_t at[8];
        alignas(32) uint32_t id[8] = {0, 0, 0, 0, 0, 0, 0, 0};
        _mm256_store_si256((__m256i*)at, index);
        const size_t count = n - i < 8 ? n - i : 8;
        for (size_t k = 0; k < count; ++k) id[k] = ids[at[k]];
        const __m256i cost = costs_of(costs, _mm256_load_si256((const __m256i*)id));
        const __m256i spent = _mm256_add_epi32(spent_before, cost);
        const __m256i out = _mm256_or_si256(_mm256_cmpgt_epi32(spent, most), _mm256_cmpeq_epi32(cost, excluded));
        const uint32_t mask = mask_of(_mm256_andnot_si256(out, lanes));
        store(s.index + kept, pack_front(index, mask));
        store(s.spent + kept, pack_front(spent, mask));
        store(s.origin + kept, pack_front(origin, mask));
        kept += (size_t)__builtin_popcount(mask);
    }
    return kept;
}

// One word of each of eight rows.
struct Words {
    __m256i low, high;
};

// Of rows at[0] ... at[n - 1]; zeros beyond them.
inline Words words_at(Rows rows, uint32_t word, const uint64_t* at, size_t n) {
    alignas(32) uint64_t words[8] = {0, 0, 0, 0, 0, 0, 0, 0};
    for (size_t k = 0; k < n; ++k) words[k] = rows.words[at[k] * rows.stride + word];
    return {_mm256_load_si256((const __m256i*)words), _mm256_load_si256((const __m256i*)(words + 4))};
}

inline Words words_from(Rows rows, uint32_t word, uint64_t first, size_t n) {
    if (rows.stride == 1) {
        const long long* from = (const long long*)rows.words + first;
        const __m256i count = _mm256_set1_epi64x((long long)n);
        return {_mm256_maskload_epi64(from, _mm256_cmpgt_epi64(count, _mm256_setr_epi64x(0, 1, 2, 3))),
                _mm256_maskload_epi64(from + 4, _mm256_cmpgt_epi64(count, _mm256_setr_epi64x(4, 5, 6, 7)))};
    }
    uint64_t at[8];
    for (size_t k = 0; k < n; ++k) at[k] = first + k;
    return words_at(rows, word, at, n);
}

inline __m256i typings_in(Words words, RowLocus at) {
    const __m128i shift = _mm_cvtsi32_si128((int)at.shift);
    const __m256 low = _mm256_castsi256_ps(_mm256_srl_epi64(words.low, shift));
    const __m256 high = _mm256_castsi256_ps(_mm256_srl_epi64(words.high, shift));
    // The lower halves of all eight, two of each at a time, then in order.
    const __m256i mixed = _mm256_castps_si256(_mm256_shuffle_ps(low, high, 0x88));
    return _mm256_and_si256(_mm256_permute4x64_epi64(mixed, 0xd8), _mm256_set1_epi32((int)at.mask));
}

// Those lanes that may pay for a locus too.
inline __m256i pay(__m256i cost, __m256i most, __m256i lanes, __m256i* spent) {
    *spent = _mm256_add_epi32(*spent, cost);
    const __m256i out =
        _mm256_or_si256(_mm256_cmpgt_epi32(*spent, most), _mm256_cmpeq_epi32(cost, _mm256_set1_epi32(3)));
    return _mm256_andnot_si256(out, lanes);
}

size_t filter_row_runs(Rows rows, const RowLocus* loci, size_t n_loci, const Run* runs, size_t n_runs, uint32_t limit,
                       Survivors out) {
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    const __m256i most = _mm256_set1_epi32((int)limit);
    size_t kept = 0;
    for (size_t r = 0; r < n_runs; ++r) {
        const Run run = runs[r];
        for (uint64_t i = run.first; i < run.last; i += 8) {
            const size_t n = run.last - i < 8 ? run.last - i : 8;
            __m256i lanes = first_lanes(n);
            __m256i spent = _mm256_set1_epi32((int)run.spent);
            for (size_t l = 0; l < n_loci && mask_of(lanes) != 0; ++l) {
                const __m256i id = typings_in(words_from(rows, loci[l].word, i, n), loci[l]);
                lanes = pay(costs_of(loci[l].costs, id), most, lanes, &spent);
            }
            const uint32_t mask = mask_of(lanes);
            if (mask == 0) continue;
            store(out.index + kept, pack_front(_mm256_add_epi32(_mm256_set1_epi32((int)i), lane), mask));
            store(out.spent + kept, pack_front(spent, mask));
            store(out.origin + kept, _mm256_set1_epi32((int)run.origin));
            kept += (size_t)__builtin_popcount(mask);
        }
    }
    return kept;
}

size_t filter_rows(Rows rows, const RowLocus* loci, size_t n_loci, uint32_t limit, Survivors s, size_t n) {
    const __m256i most = _mm256_set1_epi32((int)limit);
    size_t kept = 0;
    for (size_t i = 0; i < n; i += 8) {
        const size_t count = n - i < 8 ? n - i : 8;
        __m256i lanes = first_lanes(count);
        const __m256i index = _mm256_maskload_epi32((const int*)s.index + i, lanes);
        const __m256i origin = _mm256_maskload_epi32((const int*)s.origin + i, lanes);
        __m256i spent = _mm256_maskload_epi32((const int*)s.spent + i, lanes);
        uint64_t at[8];
        for (size_t k = 0; k < count; ++k) at[k] = s.index[i + k];
        for (size_t l = 0; l < n_loci && mask_of(lanes) != 0; ++l) {
            const __m256i id = typings_in(words_at(rows, loci[l].word, at, count), loci[l]);
            lanes = pay(costs_of(loci[l].costs, id), most, lanes, &spent);
        }
        const uint32_t mask = mask_of(lanes);
        store(s.index + kept, pack_front(index, mask));
        store(s.spent + kept, pack_front(spent, mask));
        store(s.origin + kept, pack_front(origin, mask));
        kept += (size_t)__builtin_popcount(mask);
    }
    return kept;
}

}  // namespace

const Kernels kAvx2 = {"avx2", filter_runs, filter_indexed, filter_row_runs, filter_rows, crc32c};

}  // namespace allomatch::kernels
