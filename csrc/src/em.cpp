// The course of an estimation: alleles, blocks that grow, convergence, what is left out. See em.hpp.
#include "allomatch/em.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <optional>

#include "allomatch/error.hpp"
#include "em_step.hpp"
#include "haplotype_rows.hpp"

namespace allomatch {

namespace {

// After one iteration from equilibrium, and when a block has settled, haplotypes are left out that are rarer than these
// parts of the least frequency asked for: a haplotype's frequency in a block is never less than in a larger one, but
// early estimates are rough.
constexpr double kPartAtFirst = 0.01;
constexpr double kPartOfBlock = 0.1;
// Blocks need not converge: the next one goes on.
constexpr std::uint32_t kBlockIterations = 8;
constexpr std::uint32_t kAlleleIterations = 30;
// A block that would have more gives up its rarest haplotypes instead: memory stays bounded.
constexpr std::size_t kMostHaplotypes = std::size_t{1} << 24U;

double squares(std::span<const double> frequencies) {
    double sum = 0;
    for (const double f : frequencies) sum += f * f;
    return sum;
}

// Rows in another order, or some of them.
EmHaplotypes picked(const EmHaplotypes& from, std::span<const std::uint32_t> rows) {
    EmHaplotypes result{from.columns, {}, {}};
    for (const auto& column : from.classes) {
        auto& out = result.classes.emplace_back();
        out.reserve(rows.size());
        for (const std::uint32_t row : rows) out.push_back(column[row]);
    }
    result.frequencies.reserve(rows.size());
    for (const std::uint32_t row : rows) result.frequencies.push_back(from.frequencies[row]);
    return result;
}

void normalise(std::vector<double>& frequencies) {
    const double total = std::accumulate(frequencies.begin(), frequencies.end(), 0.0);
    for (double& f : frequencies) f /= total;
}

}  // namespace

struct Estimation::Work {
    EmTrie trie;
    // The people stay while haplotypes are left out.
    std::uint32_t block;
    EmRows rows;
    bool stale = false;  // the trie
};

Estimation::Estimation(std::shared_ptr<const EmPeople> people, EmOptions options)
    : people_(std::move(people)), options_(options), weights_(people_->weights().begin(), people_->weights().end()) {
    state_.alleles.resize(people_->loci().size());
    begin_block(0);
}

Estimation::Estimation(std::shared_ptr<const EmPeople> people, EmOptions options, EmHaplotypes start,
                       std::vector<double> weights)
    : people_(std::move(people)), options_(options), weights_(std::move(weights)) {
    if (weights_.empty()) weights_.assign(people_->weights().begin(), people_->weights().end());
    const std::size_t columns = people_->loci().size();
    if (start.columns.size() != columns || start.size() == 0 || weights_.size() != people_->size())
        throw Error(ErrorCode::InvalidArgument,
                    "an estimation starts from haplotypes of all its loci and a weight for each person");
    normalise(start.frequencies);
    state_.alleles.resize(columns);
    for (std::size_t c = 0; c < columns; ++c) {
        std::vector<double>& alleles = state_.alleles[start.columns[c]];
        alleles.assign(people_->classes(start.columns[c]).size(), 0);
        for (std::size_t row = 0; row < start.size(); ++row) alleles[start.classes[c][row]] += start.frequencies[row];
    }
    state_.block = static_cast<std::uint32_t>(columns == 1 ? 0 : 2 * columns - 2);
    next_stage(EmState::Kind::Converging);
    state_.haplotypes = std::move(start);
    sort_haplotypes();
}

Estimation::~Estimation() = default;
Estimation::Estimation(Estimation&&) noexcept = default;

// ---- blocks
// -----------------------------------------------------------------------------------------------------------

bool Estimation::whole() const noexcept {
    const std::size_t columns = people_->loci().size();
    return columns == 1 || state_.block == 2 * columns - 2;
}

// Puts the columns in the order of a trie, the most diverse first, and the haplotypes in the order of its leaves.
void Estimation::sort_haplotypes() {
    EmHaplotypes& haplotypes = state_.haplotypes;
    std::vector<std::size_t> order(haplotypes.columns.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return squares(state_.alleles[haplotypes.columns[a]]) < squares(state_.alleles[haplotypes.columns[b]]);
    });
    EmHaplotypes ordered;
    for (const std::size_t c : order) {
        ordered.columns.push_back(haplotypes.columns[c]);
        ordered.classes.push_back(std::move(haplotypes.classes[c]));
    }
    ordered.frequencies = std::move(haplotypes.frequencies);
    haplotypes = picked(ordered, sorted_rows(ordered.classes, ordered.size()));
}

// Single columns come first: all alleles alike. What they become multiplies into the blocks.
void Estimation::begin_block(std::uint32_t block) {
    const std::size_t columns = people_->loci().size();
    state_.block = block;
    if (block < columns) {
        const std::size_t classes = people_->classes(block).size();
        std::vector<std::uint16_t> all(classes);
        std::iota(all.begin(), all.end(), std::uint16_t{0});
        state_.haplotypes = {
            {block}, {std::move(all)}, std::vector<double>(classes, 1.0 / static_cast<double>(classes))};
        next_stage(columns == 1 ? EmState::Kind::Converging : EmState::Kind::Settling);
        return;
    }
    const std::size_t last = block - columns + 1;
    if (last == 1) {
        EmHaplotypes first{{0}, {{}}, {}};
        append_alleles(0, first);
        state_.haplotypes = std::move(first);
    }
    grow(last);
    next_stage(EmState::Kind::First);
}

void Estimation::append_alleles(std::size_t column, EmHaplotypes& to) const {
    for (std::size_t c = 0; c < state_.alleles[column].size(); ++c) {
        if (!(state_.alleles[column][c] > 0)) continue;
        to.classes[0].push_back(static_cast<std::uint16_t>(c));
        to.frequencies.push_back(state_.alleles[column][c]);
    }
}

// Every haplotype with every allele of one more column, at the product of their frequencies.
void Estimation::grow(std::size_t column) {
    EmHaplotypes alleles{{column}, {{}}, {}};
    append_alleles(column, alleles);
    const std::size_t most = std::max<std::size_t>(1, kMostHaplotypes / alleles.size());
    if (state_.haplotypes.size() > most) {
        std::vector<double> sorted = state_.haplotypes.frequencies;
        std::nth_element(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(most), sorted.end(),
                         std::greater<>());
        (void)prune(std::nextafter(sorted[most], 1.0));
    }
    const EmHaplotypes& from = state_.haplotypes;
    EmHaplotypes grown;
    grown.columns = from.columns;
    grown.columns.push_back(column);
    grown.classes.resize(grown.columns.size());
    const std::size_t size = from.size() * alleles.size();
    for (auto& classes : grown.classes) classes.reserve(size);
    grown.frequencies.reserve(size);
    for (std::size_t row = 0; row < from.size(); ++row) {
        for (std::size_t a = 0; a < alleles.size(); ++a) {
            for (std::size_t c = 0; c < from.columns.size(); ++c) grown.classes[c].push_back(from.classes[c][row]);
            grown.classes.back().push_back(alleles.classes[0][a]);
            grown.frequencies.push_back(from.frequencies[row] * alleles.frequencies[a]);
        }
    }
    state_.haplotypes = std::move(grown);
    sort_haplotypes();
}

// Leaves out what is rarer than `least`; false if there is nothing of the kind.
bool Estimation::prune(double least) {
    std::vector<std::uint32_t> kept;
    const std::vector<double>& f = state_.haplotypes.frequencies;
    for (std::uint32_t row = 0; row < f.size(); ++row) {
        if (f[row] > 0 && f[row] >= least) kept.push_back(row);
    }
    if (kept.size() == f.size()) return false;
    if (kept.empty())
        throw Error(ErrorCode::ValueOutOfRange, "no haplotype has a frequency of " + std::to_string(least) +
                                                    " or more; ask for a smaller least frequency");
    state_.haplotypes = picked(state_.haplotypes, kept);
    normalise(state_.haplotypes.frequencies);
    if (work_) work_->stale = true;
    return true;
}

void Estimation::next_stage(EmState::Kind kind) {
    state_.kind = kind;
    ++state_.stage;
    state_.iteration = 0;
}

// ---- iterations
// -------------------------------------------------------------------------------------------------------

void Estimation::prepare(const Cancel& cancel) {
    const EmHaplotypes& haplotypes = state_.haplotypes;
    const std::size_t top_classes = people_->classes(haplotypes.columns.front()).size();
    if (!work_ || work_->block != state_.block) {
        work_.reset();
        work_.reset(new Work{EmTrie(haplotypes, top_classes), state_.block,
                             EmRows(*people_, haplotypes.columns, weights_, cancel)});
    } else if (work_->stale) {
        work_->trie = EmTrie(haplotypes, top_classes);
        work_->stale = false;
    }
}

std::uint32_t Estimation::most_settling() const noexcept {
    if (state_.haplotypes.columns.size() == 1) return kAlleleIterations;
    if (!whole()) return kBlockIterations;
    const std::uint32_t before = state_.iterations - state_.iteration;  // before this stage
    return std::min(kBlockIterations, options_.max_iterations - std::min(before, options_.max_iterations));
}

EmIteration Estimation::step(const Cancel& cancel) {
    if (finished())
        throw Error(ErrorCode::InvalidArgument, "the estimation is finished; there is no further iteration");
    prepare(cancel);
    EmExpectation found =
        expect(work_->trie, state_.haplotypes.frequencies, *people_, work_->rows, options_.threads, cancel);
    if (!(found.represented > 0))
        throw Error(ErrorCode::InvalidArgument,
                    "no two of the haplotypes explain any of the people; start from others, or from none");
    const EmIteration result{
        state_.stage,         state_.iteration,   state_.haplotypes.columns, state_.haplotypes.size(),
        found.log_likelihood, found.unrepresented};
    const double rise = found.log_likelihood - state_.log_likelihood;
    const bool steady = state_.iteration > 0 && rise <= options_.tolerance * std::abs(found.log_likelihood);
    state_.log_likelihood = found.log_likelihood;
    const auto update = [&] {
        for (std::size_t h = 0; h < found.shares.size(); ++h)
            state_.haplotypes.frequencies[h] *= found.shares[h] / found.represented;
        ++state_.iteration;
        if (whole()) ++state_.iterations;
    };
    switch (state_.kind) {
        case EmState::Kind::First:
            update();
            (void)prune(options_.min_frequency * kPartAtFirst);
            next_stage(EmState::Kind::Settling);
            break;
        case EmState::Kind::Settling:
            if (!steady && state_.iteration < most_settling()) {
                update();
            } else {
                (void)prune(options_.min_frequency * kPartOfBlock);
                if (whole()) {
                    next_stage(EmState::Kind::Converging);
                } else {
                    end_block();
                }
            }
            break;
        case EmState::Kind::Converging:
        case EmState::Kind::Trimmed:
            if (!steady && state_.iterations < options_.max_iterations) {
                update();
                break;
            }
            state_.converged = steady;
            if (!prune(options_.min_frequency)) {
                state_.kind = EmState::Kind::Done;
            } else {
                // What the rest becomes may fall below the least again: once it is worth iterating, then little is
                // left.
                next_stage(state_.kind == EmState::Kind::Converging ? EmState::Kind::Trimmed : EmState::Kind::Closing);
            }
            break;
        case EmState::Kind::Closing:
            state_.kind = EmState::Kind::Done;
            break;
        case EmState::Kind::Done:
            break;
    }
    return result;
}

void Estimation::end_block() {
    const EmHaplotypes& haplotypes = state_.haplotypes;
    if (haplotypes.columns.size() == 1) {
        std::vector<double>& alleles = state_.alleles[haplotypes.columns[0]];
        alleles.assign(people_->classes(haplotypes.columns[0]).size(), 0);
        for (std::size_t row = 0; row < haplotypes.size(); ++row)
            alleles[haplotypes.classes[0][row]] = haplotypes.frequencies[row];
    }
    begin_block(state_.block + 1);
}

void Estimation::restore(EmState state) {
    const auto refuse = [] {
        throw Error(ErrorCode::InvalidArgument, "this is no state of an estimation of these people; start a new one");
    };
    const std::size_t columns = people_->loci().size();
    const EmHaplotypes& haplotypes = state.haplotypes;
    if (state.block > 2 * columns - 2 || state.alleles.size() != columns || haplotypes.size() == 0) refuse();
    if (haplotypes.columns.empty() || haplotypes.columns.size() != haplotypes.classes.size()) refuse();
    for (std::size_t c = 0; c < haplotypes.columns.size(); ++c) {
        if (haplotypes.columns[c] >= columns || haplotypes.classes[c].size() != haplotypes.size()) refuse();
        for (const std::uint16_t k : haplotypes.classes[c]) {
            if (k >= people_->classes(haplotypes.columns[c]).size()) refuse();
        }
    }
    for (std::size_t c = 0; c < columns; ++c) {
        if (!state.alleles[c].empty() && state.alleles[c].size() != people_->classes(c).size()) refuse();
    }
    work_.reset();
    state_ = std::move(state);
}

}  // namespace allomatch
