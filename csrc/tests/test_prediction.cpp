// Prediction: sums over pairs of cells are those over each with each.
#include <random>

#include "cell_pairs.hpp"
#include "check.hpp"

using namespace allomatch;

namespace {

// Cells of small whole masses, so that sums are exact in any order.
Cells draw_cells(std::mt19937& random, std::size_t count, std::size_t width, std::size_t places, unsigned symbols) {
    Cells cells;
    cells.clear(width);
    for (std::size_t c = 0; c < count; ++c) {
        Cells::Symbols of_cell{};
        for (std::size_t place = 0; place < places; ++place) {
            const auto symbol = static_cast<unsigned>(random() % (symbols - 4));
            // No symbol lies between null and the named ones.
            of_cell[place] = static_cast<std::uint16_t>(symbol <= kNull ? symbol : symbol - kNull - 1 + kNamed);
        }
        cells.append(of_cell);
        for (std::size_t p = 0; p < width; ++p)
            cells.masses[c * width + p] = {static_cast<double>(random() % 4), static_cast<double>(random() % 4)};
    }
    return cells;
}

std::vector<double> each_with_each(const Cells& cells, std::span<const ComparedLocus> loci, CellPairs::Range a,
                                   CellPairs::Range b, bool one_group, std::size_t most) {
    std::vector<double> sums(most);
    for (std::size_t x = a.begin; x < a.end; ++x) {
        for (std::size_t y = b.begin; y < b.end; ++y) {
            std::size_t together = 0;
            for (const auto& [place, table, symbols] : loci)
                together += mismatches(*table, cells.symbols[x][place], cells.symbols[y][place]);
            for (std::size_t p = 0; p < cells.width; ++p) {
                for (std::size_t q = 0; q < cells.width; ++q)
                    sums[together + p + q] +=
                        product(cells.masses[x * cells.width + p], cells.masses[y * cells.width + q], one_group);
            }
        }
    }
    return sums;
}

}  // namespace

TEST(pairs_of_cells_are_each_with_each) {
    std::mt19937 random(1);
    CellPairs pairs;
    for (int round = 0; round < 200; ++round) {
        const std::size_t width = 1 + random() % 3;
        const std::size_t loci = random() % 4;
        const unsigned symbols = kNamed + (random() % 3 == 0 ? 0U : static_cast<unsigned>(1 + random() % 40));
        const Cells cells = draw_cells(random, 1 + random() % 150, width, 5, std::max(symbols, kNamed));
        std::vector<SymbolTable> tables(loci);
        std::vector<ComparedLocus> compared;
        for (std::size_t l = 0; l < loci; ++l) {
            for (std::uint8_t& count : tables[l]) count = static_cast<std::uint8_t>(random() % 3);
            compared.push_back({(l * 2) % 5, &tables[l], symbols});
        }
        pairs.compare(cells, compared);
        const std::size_t middle = random() % cells.count();
        const std::size_t most = 2 * loci + 2 * width;
        for (const bool one_group : {false, true}) {
            const CellPairs::Range a{0, one_group ? cells.count() : middle};
            const CellPairs::Range b{one_group ? 0 : middle, cells.count()};
            std::vector<double> sums(most);
            pairs.add(a, b, one_group, sums);
            CHECK_EQ(sums, each_with_each(cells, compared, a, b, one_group, most));
        }
    }
}
