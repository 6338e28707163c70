// Kernels: the few loops that a search spends its time in, once per instruction set.
//
// A kernel file includes C headers only: it is compiled with its own instruction set, and an inline function of the C++
// library compiled that way could be picked by the linker for the whole program.
//
// Costs are packed two bits a typing, sixteen to a word, so that the table of a locus stays in the first-level cache:
// 0, 1, 2 mismatches, 3 = excluded. All kernels give the same bytes.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace allomatch::kernels {

// Siblings [first, last) that were reached with `spent` mismatches; `origin` is handed on to their survivors.
struct Run {
    uint32_t first;
    uint32_t last;
    uint32_t spent;
    uint32_t origin;
};

// Survivors of a filter: what, how much is spent, and where it came from. Arrays have room for the input size plus
// kSlack.
struct Survivors {
    uint32_t* index;
    uint32_t* spent;
    uint32_t* origin;
};

enum : size_t { kSlack = 16 };

// The packed costs of a locus' typings, and its last typing: a damaged file may hold ids beyond it, which are taken for
// it.
struct Costs {
    const uint32_t* words;
    uint32_t last;
};

struct Kernels {
    const char* name;
    // For every run, in order, keeps i in [first, last) where spent + cost(ids[i]) <= limit: index = i, spent = spent +
    // cost, origin = the run's. Returns how many were kept. The runs' spent are at most `limit`.
    size_t (*filter_runs)(const uint32_t* ids, const Run* runs, size_t n_runs, Costs costs, uint32_t limit,
                          Survivors out);
    uint32_t (*crc32c)(uint32_t crc, const void* bytes, size_t n);
};

extern const Kernels kScalar;
#if defined(ALLOMATCH_HAVE_X86_KERNELS)
extern const Kernels kAvx2;
extern const Kernels kAvx512;
#endif

}  // namespace allomatch::kernels
