// The kernels in plain C: what the others are held against, and what runs where nothing better is supported.
#include "kernels.hpp"

namespace allomatch::kernels {
namespace {

uint32_t cost_of(Costs costs, uint32_t id) {
    if (id > costs.last) id = costs.last;
    return costs.words[id >> 4] >> ((id & 15) * 2) & 3;
}

size_t filter_runs(const uint32_t* ids, const Run* runs, size_t n_runs, Costs costs, uint32_t limit, Survivors out) {
    size_t kept = 0;
    for (size_t r = 0; r < n_runs; ++r) {
        const Run run = runs[r];
        for (uint32_t i = run.first; i < run.last; ++i) {
            const uint32_t cost = cost_of(costs, ids[i]);
            out.index[kept] = i;
            out.spent[kept] = run.spent + cost;
            out.origin[kept] = run.origin;
            kept += cost != 3 && run.spent + cost <= limit;
        }
    }
    return kept;
}

// CRC-32C (Castagnoli, reflected 0x82f63b78; RFC 3720 B.4), eight bytes a step by eight tables.
struct CrcTables {
    uint32_t t[8][256];
    constexpr CrcTables() : t() {
        for (uint32_t i = 0; i < 256; ++i) {
            uint32_t crc = i;
            for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78U : 0);
            t[0][i] = crc;
        }
        for (int k = 1; k < 8; ++k) {
            for (uint32_t i = 0; i < 256; ++i) t[k][i] = t[k - 1][i] >> 8 ^ t[0][t[k - 1][i] & 255];
        }
    }
};
constexpr CrcTables kCrc;

uint32_t crc32c(uint32_t crc, const void* bytes, size_t n) {
    const uint8_t* p = (const uint8_t*)bytes;
    crc = ~crc;
    for (; n >= 8; n -= 8, p += 8) {
        crc = kCrc.t[7][(crc ^ p[0]) & 255] ^ kCrc.t[6][(crc >> 8 ^ p[1]) & 255] ^ kCrc.t[5][(crc >> 16 ^ p[2]) & 255] ^
              kCrc.t[4][(crc >> 24 ^ p[3]) & 255] ^ kCrc.t[3][p[4]] ^ kCrc.t[2][p[5]] ^ kCrc.t[1][p[6]] ^
              kCrc.t[0][p[7]];
    }
    for (; n > 0; --n, ++p) crc = crc >> 8 ^ kCrc.t[0][(crc ^ *p) & 255];
    return ~crc;
}

}  // namespace

const Kernels kScalar = {"scalar", filter_runs, crc32c};

}  // namespace allomatch::kernels
