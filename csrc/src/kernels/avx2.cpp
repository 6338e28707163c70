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

inline uint32_t pack_eight(const uint32_t* pairs, const uint8_t* bits, const uint8_t* table) {
    const __m256i low_byte = _mm256_set1_epi32(255);
    const __m256i a = _mm256_loadu_si256((const __m256i*)pairs);
    const __m256i b = _mm256_loadu_si256((const __m256i*)(pairs + 8));
    const __m256i bits_a = _mm256_and_si256(_mm256_i32gather_epi32((const int*)bits, a, 1), low_byte);
    const __m256i bits_b = _mm256_and_si256(_mm256_i32gather_epi32((const int*)bits, b, 1), low_byte);
    // Pairs lie first, second, first, second: make first * 32 + second in the even lanes of each.
    const __m256i key_a = _mm256_add_epi32(_mm256_slli_epi32(bits_a, 5), _mm256_srli_epi64(bits_a, 32));
    const __m256i key_b = _mm256_add_epi32(_mm256_slli_epi32(bits_b, 5), _mm256_srli_epi64(bits_b, 32));
    const __m256i even = _mm256_setr_epi32(0, 2, 4, 6, 0, 2, 4, 6);
    const __m256i keys =
        _mm256_blend_epi32(_mm256_permutevar8x32_epi32(key_a, even), _mm256_permutevar8x32_epi32(key_b, even), 0xf0);
    const __m256i cost = _mm256_and_si256(
        _mm256_i32gather_epi32((const int*)table, _mm256_and_si256(keys, _mm256_set1_epi32(1023)), 1), low_byte);
    const __m256i shifted = _mm256_sllv_epi32(cost, _mm256_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14));
    __m128i all = _mm_or_si128(_mm256_castsi256_si128(shifted), _mm256_extracti128_si256(shifted, 1));
    all = _mm_or_si128(all, _mm_shuffle_epi32(all, 0x4e));
    all = _mm_or_si128(all, _mm_shuffle_epi32(all, 0xb1));
    return (uint32_t)_mm_cvtsi128_si32(all);
}

void classify(const uint32_t* pairs, size_t n, const uint8_t* bits, const uint8_t* table, uint32_t* out) {
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        out[i / 16] = pack_eight(pairs + 2 * i, bits, table) | pack_eight(pairs + 2 * i + 16, bits, table) << 16;
    }
    if (i < n) kScalar.classify(pairs + 2 * i, n - i, bits, table, out + i / 16);
}

}  // namespace

const Kernels kAvx2 = {"avx2", filter_runs, filter_indexed, classify, crc32c};

}  // namespace allomatch::kernels
