// From donors in the order of input to a segment file: rank the ids, renumber the typings, sort the rows, cut the trie,
// write the columns. Everything that costs time at forty million donors is here.
//
// Why a sort of 64-bit keys and not of rows: the first loci of the order tell nearly all phenotypes apart and fit in
// one word; the few equal runs are then sorted by the rest.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <numeric>
#include <utility>

#include "allomatch/mapped_file.hpp"
#include "donors.hpp"
#include "segment_format.hpp"
#include "typing_classes.hpp"

namespace allomatch {
namespace {

using format::Element;

struct Keyed {
    std::uint64_t key;
    std::uint32_t donor;
};

// Sorts by key: partitions by splitters of a sample, then sorts the parts. Parts are small, so that threads share them
// evenly and an interruption is noticed between them. Equal keys come in no particular order.
void sort_by_key(std::vector<Keyed>& values, unsigned threads, const Cancel& cancel) {
    constexpr std::size_t kParts = 512;
    constexpr std::size_t kSample = kParts * 64;
    const auto less = [](const Keyed& a, const Keyed& b) { return a.key < b.key; };
    if (values.size() < 4 * kSample) {
        std::sort(values.begin(), values.end(), less);
        return;
    }
    std::vector<std::uint64_t> sample(kSample);
    for (std::size_t i = 0; i < kSample; ++i) sample[i] = values[values.size() / kSample * i].key;
    std::sort(sample.begin(), sample.end());
    std::array<std::uint64_t, kParts - 1> splitters{};
    for (std::size_t i = 0; i < splitters.size(); ++i) splitters[i] = sample[(i + 1) * 64];
    const auto part_of = [&](std::uint64_t key) {
        return static_cast<std::size_t>(std::upper_bound(splitters.begin(), splitters.end(), key) - splitters.begin());
    };
    const std::size_t chunks = std::size_t{threads} * 16;
    const auto begin_of = [&](std::size_t chunk) { return values.size() * chunk / chunks; };
    std::vector<std::array<std::size_t, kParts>> places(chunks);
    parallel_for(chunks, threads, cancel, [&](std::size_t chunk) {
        places[chunk].fill(0);
        for (std::size_t i = begin_of(chunk); i < begin_of(chunk + 1); ++i) ++places[chunk][part_of(values[i].key)];
    });
    std::array<std::size_t, kParts + 1> starts{};
    std::size_t sum = 0;
    for (std::size_t part = 0; part < kParts; ++part) {
        starts[part] = sum;
        for (auto& place : places) sum += std::exchange(place[part], sum);
    }
    starts[kParts] = sum;
    std::vector<Keyed> sorted(values.size());
    parallel_for(chunks, threads, cancel, [&](std::size_t chunk) {
        for (std::size_t i = begin_of(chunk); i < begin_of(chunk + 1); ++i)
            sorted[places[chunk][part_of(values[i].key)]++] = values[i];
    });
    values.swap(sorted);
    sorted = {};
    parallel_for(kParts, threads, cancel, [&](std::size_t part) {
        const auto first = values.begin() + static_cast<std::ptrdiff_t>(starts[part]);
        const auto last = values.begin() + static_cast<std::ptrdiff_t>(starts[part + 1]);
        if (!std::is_sorted(first, last, less)) std::sort(first, last, less);
    });
}

// Calls refine(first, last) for every run of two or more equal keys.
template <typename Refine>
void for_each_run(std::vector<Keyed>& values, unsigned threads, const Cancel& cancel, Refine refine) {
    const std::size_t tasks = values.size() < 100'000 ? 1 : std::size_t{threads} * 16;
    // Shares begin where a run begins, found before anyone sorts: a task looks at no other task's values.
    std::vector<std::size_t> starts(tasks + 1, values.size());
    for (std::size_t task = 0; task < tasks; ++task) {
        std::size_t i = std::max(values.size() * task / tasks, task == 0 ? 0 : starts[task - 1]);
        while (i > 0 && i < values.size() && values[i].key == values[i - 1].key) ++i;
        starts[task] = i;
    }
    parallel_for(tasks, threads, cancel, [&](std::size_t task) {
        for (std::size_t i = starts[task]; i < starts[task + 1];) {
            std::size_t j = i + 1;
            while (j < starts[task + 1] && values[j].key == values[i].key) ++j;
            if (j - i > 1) {
                refine(values.begin() + static_cast<std::ptrdiff_t>(i),
                       values.begin() + static_cast<std::ptrdiff_t>(j));
            }
            i = j;
        }
    });
}

std::uint64_t eight_bytes(std::string_view text, std::size_t from) noexcept {
    std::uint64_t word = 0;
    for (std::size_t i = from; i < from + 8; ++i) {
        word = word << 8U | (i < text.size() ? static_cast<unsigned char>(text[i]) : 0U);
    }
    return word;
}

// Donors in the order of their ids (bytewise), later ones of equal ids after earlier ones.
std::vector<Keyed> sorted_by_id(const Donors& donors, unsigned threads, const Cancel& cancel) {
    std::vector<Keyed> order(donors.count());
    // Ids of a registry share a prefix ("BE00..."): the key begins where they differ.
    std::size_t common = donors.count() == 0 ? 0 : donors.id(0).size();
    for (std::uint32_t d = 1; d < donors.count() && common > 0; ++d) {
        const std::string_view a = donors.id(0);
        const std::string_view b = donors.id(d);
        std::size_t same = 0;
        while (same < common && same < b.size() && a[same] == b[same]) ++same;
        common = same;
    }
    for (std::uint32_t d = 0; d < donors.count(); ++d) order[d] = {eight_bytes(donors.id(d), common), d};
    const auto less = [](const Keyed& a, const Keyed& b) { return a.key < b.key; };
    if (!std::is_sorted(order.begin(), order.end(), less)) sort_by_key(order, threads, cancel);
    for_each_run(order, threads, cancel, [&](auto first, auto last) {
        std::sort(first, last, [&](const Keyed& a, const Keyed& b) {
            const int compared = donors.id(a.donor).compare(donors.id(b.donor));
            return compared != 0 ? compared < 0 : a.donor < b.donor;
        });
    });
    return order;
}

// Ranks of the donors that stay, and kDuplicate for those whose id came before.
std::vector<std::uint32_t> rank_donors(const Donors& donors, unsigned threads, const Cancel& cancel,
                                       std::vector<RowError>& errors) {
    const std::vector<Keyed> order = sorted_by_id(donors, threads, cancel);
    std::vector<std::uint32_t> ranks(donors.count());
    std::vector<RowError> duplicates;
    std::uint32_t rank = 0;
    std::uint32_t first = 0;  // the donor that holds the current id
    for (std::size_t i = 0; i < order.size(); ++i) {
        const std::uint32_t donor = order[i].donor;
        if (i == 0 || donors.id(donor) != donors.id(first)) {
            ranks[donor] = rank++;
            first = donor;
            continue;
        }
        ranks[donor] = kDuplicate;
        const std::string id(donors.id(donor));
        const std::int64_t before = donors.input_rows[first];
        duplicates.push_back({donors.input_rows[donor], id, "donor_id", id, ErrorCode::DuplicateDonor,
                              "donor id " + shown(id) +
                                  (before < 0 ? " is in the registry already"
                                              : " was given in row " + std::to_string(before) + " already") +
                                  "; the first one was kept: give each donor one id and one row"});
    }
    std::sort(duplicates.begin(), duplicates.end(), [](const RowError& a, const RowError& b) { return a.row < b.row; });
    errors.insert(errors.end(), std::make_move_iterator(duplicates.begin()), std::make_move_iterator(duplicates.end()));
    return ranks;
}

// How likely it is that two donors' typings agree at the locus or one is untyped: the smaller, the more a locus tells
// apart.
double selectivity(std::span<const std::uint32_t> typing_donors, std::size_t donors) {
    const double n = static_cast<double>(std::max<std::size_t>(donors, 1));
    const double untyped = typing_donors[0] / n;
    double agree = 2 * untyped - untyped * untyped;
    for (std::size_t t = 1; t < typing_donors.size(); ++t) agree += typing_donors[t] / n * (typing_donors[t] / n);
    return agree;
}

class SegmentWriter {
  public:
    SegmentWriter(Donors& donors, NewFile& file, unsigned threads, const Cancel& cancel)
        : donors_(donors), writer_(file), threads_(threads), cancel_(cancel) {}

    std::size_t write(std::vector<RowError>& errors, std::vector<RowWarning>& warnings) {
        ranks_ = rank_donors(donors_, threads_, cancel_, errors);
        warnings = row_warnings(donors_, ranks_);
        renumber_typings();
        sort_rows();
        cut_trie();
        write_dictionaries();
        write_trie();
        write_donors();
        writer_.finish(rows_.size());
        return rows_.size();
    }

  private:
    void renumber_typings() {
        parallel_for(kLocusCount, threads_, cancel_, [&](std::size_t l) {
            std::vector<std::uint32_t>& column = donors_.typings[l];
            if (column.empty()) return;
            std::vector<std::uint32_t> counts(donors_.interners[l].typing_count());
            for (std::size_t d = 0; d < column.size(); ++d) {
                if (ranks_[d] != kDuplicate) ++counts[column[d]];
            }
            dictionaries_[l] = donors_.interners[l].canonical(counts);
            if (dictionaries_[l].typing_donors.size() == 1) {
                column = {};  // nobody is typed after all
                return;
            }
            for (std::uint32_t& typing : column) typing = dictionaries_[l].new_ids[typing];
        });
        const auto kept = static_cast<std::size_t>(
            std::count_if(ranks_.begin(), ranks_.end(), [](std::uint32_t rank) { return rank != kDuplicate; }));
        std::array<double, kLocusCount> agree{};
        for (std::size_t l = 0; l < kLocusCount; ++l) {
            if (donors_.typings[l].empty()) continue;
            order_.push_back(static_cast<Locus>(l));
            agree[l] = selectivity(dictionaries_[l].typing_donors, kept);
        }
        std::stable_sort(order_.begin(), order_.end(),
                         [&](Locus a, Locus b) { return agree[index_of(a)] < agree[index_of(b)]; });
    }

    void sort_rows() {
        // As many loci of the order as fit into one word, each with the bits that its ids need.
        std::size_t used_bits = 0;
        std::size_t in_key = 0;
        std::vector<unsigned> bits;
        for (const Locus locus : order_) {
            const auto needed =
                static_cast<unsigned>(std::bit_width(dictionaries_[index_of(locus)].typing_donors.size()));
            if (used_bits + needed > 64) break;
            used_bits += needed;
            bits.push_back(needed);
            ++in_key;
        }
        std::vector<Keyed> keyed;
        keyed.reserve(donors_.count());
        for (std::uint32_t d = 0; d < donors_.count(); ++d) {
            if (ranks_[d] == kDuplicate) continue;
            std::uint64_t key = 0;
            for (std::size_t i = 0; i < in_key; ++i) key = key << bits[i] | donors_.typings[index_of(order_[i])][d];
            keyed.push_back({key, d});
        }
        cancel_.check();
        sort_by_key(keyed, threads_, cancel_);
        for_each_run(keyed, threads_, cancel_, [&](auto first, auto last) {
            std::sort(first, last, [&](const Keyed& a, const Keyed& b) {
                for (std::size_t i = in_key; i < order_.size(); ++i) {
                    const auto& column = donors_.typings[index_of(order_[i])];
                    if (column[a.donor] != column[b.donor]) return column[a.donor] < column[b.donor];
                }
                return ranks_[a.donor] < ranks_[b.donor];
            });
        });
        rows_.resize(keyed.size());
        for (std::size_t i = 0; i < keyed.size(); ++i) rows_[i] = keyed[i].donor;
    }

    // For each row the first locus of the order in which it differs from the row before; then how deep nodes pay off.
    void cut_trie() {
        const std::size_t loci = order_.size();
        differs_.resize(rows_.size());
        const std::size_t tasks = (rows_.size() + kChunk - 1) / kChunk;
        parallel_for(tasks, threads_, cancel_, [&](std::size_t task) {
            for (std::size_t i = task * kChunk; i < std::min(rows_.size(), (task + 1) * kChunk); ++i) {
                std::size_t level = 0;
                while (i > 0 && level < loci && typing(i, level) == typing(i - 1, level)) ++level;
                differs_[i] = static_cast<std::uint8_t>(level);
            }
        });
        std::vector<std::size_t> nodes(loci + 1);
        for (const std::uint8_t level : differs_) ++nodes[level];
        for (std::size_t level = 1; level < loci; ++level) nodes[level] += nodes[level - 1];
        // Below two phenotypes a node, a level of nodes costs more bytes and more steps than a place in every row.
        // Without any typed locus all donors are one phenotype.
        const std::size_t phenotypes = loci == 0 ? std::min<std::size_t>(rows_.size(), 1) : nodes[loci - 1];
        depth_ = 0;
        while (depth_ + 1 < loci && nodes[depth_] * 2 <= phenotypes) ++depth_;
        first_rows_.reserve(phenotypes);
        for (std::size_t i = 0; i < rows_.size(); ++i) {
            if (i == 0 || differs_[i] < loci) first_rows_.push_back(static_cast<std::uint32_t>(i));
        }
    }

    [[nodiscard]] std::uint32_t typing(std::size_t row, std::size_t level) const {
        return donors_.typings[index_of(order_[level])][rows_[row]];
    }

    void write_strings(const std::string& name, const std::vector<std::string>& texts) {
        std::vector<std::uint32_t> offsets{0};
        std::string all;
        for (const std::string& text : texts) {
            all += text;
            offsets.push_back(static_cast<std::uint32_t>(all.size()));
        }
        writer_.block(name + ".offsets", Element::U32, offsets);
        writer_.block(name + ".text", Element::Text, std::vector<char>(all.begin(), all.end()));
    }

    void write_dictionaries() {
        for (const Locus locus : order_) {
            const std::string name(locus_name(locus));
            CanonicalDictionary& dictionary = dictionaries_[index_of(locus)];
            write_strings(name + ".names", dictionary.names);
            writer_.block(name + ".positions.offsets", Element::U32, dictionary.position_offsets);
            writer_.block(name + ".positions.names", Element::U32, dictionary.position_names);
            writer_.block(name + ".typings.offsets", Element::U32, dictionary.typing_offsets);
            std::vector<std::uint32_t> pairs;
            for (const PositionPair& pair : dictionary.pairs) {
                pairs.push_back(pair.first.value);
                pairs.push_back(pair.second.value);
            }
            writer_.block(name + ".typings.pairs", Element::U32, pairs);
            writer_.block(name + ".typings.donors", Element::U32, dictionary.typing_donors);
            typing_counts_[index_of(locus)] = dictionary.typing_donors.size();
            if (has_postings() && locus == order_[2]) third_classes_ = typing_classes(dictionary);
            dictionary = {};
        }
    }

    struct Level {
        std::vector<std::uint32_t> typings, children;
    };

    void write_trie() {
        std::vector<std::uint8_t> order;
        for (const Locus locus : order_) order.push_back(static_cast<std::uint8_t>(locus));
        writer_.block("trie.order", Element::U8, order);
        const std::size_t phenotypes = first_rows_.size();
        std::vector<Level> levels;
        for (std::size_t l = 0; l < depth_; ++l) {
            const std::string name = "trie." + std::string(locus_name(order_[l]));
            Level& level = levels.emplace_back();
            const std::size_t child_level = l + 1 < depth_ ? l + 1 : order_.size() - 1;
            std::uint32_t child = 0;
            for (std::size_t i = 0; i < rows_.size(); ++i) {
                if (differs_[i] <= l) {
                    level.typings.push_back(typing(i, l));
                    level.children.push_back(child);
                }
                child += differs_[i] <= child_level ? 1 : 0;
            }
            level.children.push_back(child);
            writer_.block(name + ".typings", Element::U32, level.typings);
            writer_.block(name + ".children", Element::U32, level.children);
            cancel_.check();
        }
        if (depth_ > 0) write_marks("trie.nodes", phenotypes, levels.back().children);
        differs_ = {};
        write_marks("trie.rows", rows_.size(), first_rows_);
        write_rows_below();
        if (has_postings()) {
            std::vector<std::uint32_t> third(phenotypes);
            parallel_for((phenotypes + kChunk - 1) / kChunk, threads_, cancel_, [&](std::size_t task) {
                for (std::size_t p = task * kChunk; p < std::min(phenotypes, (task + 1) * kChunk); ++p)
                    third[p] = typing(first_rows_[p], 2);
            });
            write_node_postings(levels[0], levels[1], third);
            write_phenotype_postings(levels[0], levels[1], third);
        }
        first_rows_ = {};
        for (auto& typings : donors_.typings) typings = {};
    }

    // The typings of each phenotype at the loci below the nodes.
    void write_rows_below() {
        std::vector<std::size_t> counts;
        for (std::size_t i = depth_; i < order_.size(); ++i) counts.push_back(typing_counts_[index_of(order_[i])]);
        if (counts.empty()) return;
        const RowLayout layout(counts);
        column<std::uint64_t>("trie.typings", Element::U64, first_rows_.size() * layout.words, [&](std::size_t i) {
            std::uint64_t word = 0;
            for (std::size_t l = 0; l < layout.places.size(); ++l) {
                const RowLayout::Place& at = layout.places[l];
                if (at.word == i % layout.words)
                    word |= std::uint64_t{typing(first_rows_[i / layout.words], depth_ + l)} << at.shift;
            }
            return word;
        });
    }

    // A bit for each of `things`, set where a group starts.
    void write_marks(const std::string& name, std::size_t things, std::span<const std::uint32_t> starts) {
        std::vector<std::uint64_t> words((things + 63) / 64);
        for (const std::uint32_t start : starts) {
            if (start < things) words[start / 64] |= std::uint64_t{1} << start % 64;
        }
        writer_.block(name, Element::U64, words);
    }

    // Turns counts, each one place late, into where each one's things begin.
    static void add_up(std::vector<std::uint32_t>& counts) {
        std::partial_sum(counts.begin(), counts.end(), counts.begin());
    }

    [[nodiscard]] bool has_postings() const noexcept { return depth_ == 2 && order_.size() > 2; }

    void write_node_postings(const Level& top, const Level& second, std::span<const std::uint32_t> third) {
        std::vector<std::uint32_t> offsets(typing_counts_[index_of(order_[1])] + 1);
        for (const std::uint32_t typing : second.typings) ++offsets[typing + 1];
        add_up(offsets);
        std::vector<std::uint32_t> place(offsets);
        std::vector<std::uint32_t> tops(second.typings.size());
        std::vector<std::uint32_t> nodes(second.typings.size());
        std::vector<std::uint32_t> thirds(second.typings.size());
        for (std::size_t t = 0; t < top.typings.size(); ++t) {
            for (std::uint32_t node = top.children[t]; node < top.children[t + 1]; ++node) {
                const std::uint32_t at = place[second.typings[node]]++;
                tops[at] = top.typings[t];
                nodes[at] = second.children[node];
                for (std::uint32_t p = second.children[node]; p < second.children[node + 1]; ++p) {
                    thirds[at] |= std::uint32_t{1} << third_classes_[third[p]];
                }
            }
        }
        writer_.block("postings.nodes.offsets", Element::U32, offsets);
        writer_.block("postings.nodes.tops", Element::U32, tops);
        writer_.block("postings.nodes", Element::U32, nodes);
        writer_.block("postings.nodes.thirds", Element::U32, thirds);
        writer_.block("postings.thirds", Element::U8, third_classes_);
        cancel_.check();
    }

    void write_phenotype_postings(const Level& top, const Level& second, std::span<const std::uint32_t> third) {
        const std::size_t phenotypes = third.size();
        const std::size_t typings = typing_counts_[index_of(order_[2])];
        // Phenotypes come in the order of their first typing: another one than the last begins a run.
        const auto for_each = [&](auto visit) {
            std::vector<std::uint32_t> last(typings, UINT32_MAX);
            for (std::size_t t = 0; t < top.typings.size(); ++t) {
                cancel_.check();
                for (std::uint32_t node = top.children[t]; node < top.children[t + 1]; ++node) {
                    for (std::uint32_t p = second.children[node]; p < second.children[node + 1]; ++p) {
                        const std::uint32_t typing = third[p];
                        const bool new_run = std::exchange(last[typing], top.typings[t]) != top.typings[t];
                        visit(p, typing, top.typings[t], second.typings[node], new_run);
                    }
                }
            }
        };
        std::vector<std::uint32_t> run_offsets(typings + 1);
        std::vector<std::uint32_t> place(typings + 1);
        for_each([&](std::uint32_t, std::uint32_t typing, std::uint32_t, std::uint32_t, bool new_run) {
            ++place[typing + 1];
            run_offsets[typing + 1] += new_run ? 1 : 0;
        });
        add_up(place);
        add_up(run_offsets);
        std::vector<std::uint32_t> run_place(run_offsets);
        std::vector<std::uint32_t> run_tops(run_offsets.back());
        std::vector<std::uint32_t> run_starts(run_offsets.back() + std::size_t{1});
        run_starts.back() = static_cast<std::uint32_t>(phenotypes);
        std::vector<std::size_t> counts{phenotypes, typing_counts_[index_of(order_[1])]};
        for (std::size_t i = 3; i < order_.size(); ++i) counts.push_back(typing_counts_[index_of(order_[i])]);
        const RowLayout layout = RowLayout::of_one_word(counts);
        std::vector<std::uint64_t> rows(phenotypes);
        for_each([&](std::uint32_t p, std::uint32_t typing, std::uint32_t top_typing, std::uint32_t second_typing,
                     bool new_run) {
            const std::uint32_t at = place[typing]++;
            rows[at] = p | std::uint64_t{second_typing} << layout.places[1].shift;
            for (std::size_t i = 2; i < layout.places.size(); ++i)
                rows[at] |= std::uint64_t{this->typing(first_rows_[p], i + 1)} << layout.places[i].shift;
            if (!new_run) return;
            const std::uint32_t run = run_place[typing]++;
            run_tops[run] = top_typing;
            run_starts[run] = at;
        });
        writer_.block("postings.runs.offsets", Element::U32, run_offsets);
        writer_.block("postings.runs.tops", Element::U32, run_tops);
        writer_.block("postings.runs", Element::U32, run_starts);
        writer_.block("postings.rows", Element::U64, rows);
    }

    void write_donors() {
        const std::size_t n = rows_.size();
        column<std::uint32_t>("donors.ranks", Element::U32, n, [&](std::size_t i) { return ranks_[rows_[i]]; });
        ranks_ = {};
        std::uint32_t end = 0;
        std::vector<std::uint32_t> offsets{0};
        offsets.reserve(n + 1);
        for (const std::uint32_t donor : rows_) {
            end += static_cast<std::uint32_t>(donors_.id(donor).size());
            offsets.push_back(end);
        }
        writer_.block("donors.ids.offsets", Element::U32, offsets);
        offsets = {};
        writer_.begin("donors.ids.text", Element::Text);
        std::string chunk;
        for (std::size_t i = 0; i < n; ++i) {
            chunk += donors_.id(rows_[i]);
            if (chunk.size() < kChunk && i + 1 < n) continue;
            writer_.append_values(std::span<const char>(chunk));
            chunk.clear();
            cancel_.check();
        }
        writer_.end();
        const auto specs = attribute_specs();
        for (std::size_t a = 0; a < kAttributeCount; ++a) {
            DonorAttribute& attribute = donors_.attributes[a];
            const std::string name = "donors." + std::string(specs[a].name);
            // Rows that were set aside may have been the only ones with a value.
            const auto known = [&](const auto& values, auto is_known) {
                return !values.empty() &&
                       std::any_of(rows_.begin(), rows_.end(), [&](std::uint32_t d) { return is_known(values[d]); });
            };
            if (known(attribute.ints, [](std::int16_t v) { return v != kNoInt; })) {
                column<std::int16_t>(name, Element::I16, n, [&](std::size_t i) { return attribute.ints[rows_[i]]; });
            } else if (known(attribute.floats, [](float v) { return !std::isnan(v); })) {
                column<float>(name, Element::F32, n, [&](std::size_t i) { return attribute.floats[rows_[i]]; });
            } else if (known(attribute.codes, [](std::uint16_t v) { return v != kNoCategory; })) {
                write_categories(name, attribute);
            }
            attribute = {};
        }
    }

    // Codes by content, so that they do not depend on the order in which the values came.
    void write_categories(const std::string& name, const DonorAttribute& attribute) {
        const auto count = static_cast<std::uint32_t>(attribute.categories.count());
        std::vector<bool> used(count);
        for (const std::uint32_t donor : rows_) {
            if (attribute.codes[donor] != kNoCategory) used[attribute.codes[donor]] = true;
        }
        std::vector<std::uint32_t> by_content;
        for (std::uint32_t c = 0; c < count; ++c) {
            if (used[c]) by_content.push_back(c);
        }
        std::sort(by_content.begin(), by_content.end(),
                  [&](std::uint32_t a, std::uint32_t b) { return attribute.categories[a] < attribute.categories[b]; });
        std::vector<std::uint16_t> codes(count, kNoCategory);
        std::vector<std::string> texts;
        for (const std::uint32_t c : by_content) {
            codes[c] = static_cast<std::uint16_t>(texts.size());
            texts.emplace_back(attribute.categories[c]);
        }
        const auto code = [&](std::size_t i) {
            const std::uint16_t old = attribute.codes[rows_[i]];
            return old == kNoCategory ? kNoCategory : codes[old];
        };
        if (texts.size() < 0xff) {
            column<std::uint8_t>(name, Element::U8, rows_.size(),
                                 [&](std::size_t i) { return static_cast<std::uint8_t>(code(i)); });
        } else {
            column<std::uint16_t>(name, Element::U16, rows_.size(), code);
        }
        write_strings(name + ".values", texts);
    }

    // A column of n values made by `value`, in chunks that the threads share.
    template <typename T, typename Value>
    void column(const std::string& name, Element element, std::size_t n, Value value) {
        writer_.begin(name, element);
        std::vector<T> buffer(std::min(n, kChunk * threads_));
        for (std::size_t first = 0; first < n; first += buffer.size()) {
            const std::size_t count = std::min(buffer.size(), n - first);
            const std::size_t tasks = (count + kChunk - 1) / kChunk;
            parallel_for(tasks, threads_, cancel_, [&](std::size_t task) {
                for (std::size_t i = task * kChunk; i < std::min(count, (task + 1) * kChunk); ++i)
                    buffer[i] = value(first + i);
            });
            writer_.append_values(std::span<const T>(buffer).first(count));
        }
        writer_.end();
    }

    static constexpr std::size_t kChunk = std::size_t{1} << 20U;

    Donors& donors_;
    format::Writer writer_;
    unsigned threads_;
    const Cancel& cancel_;
    std::array<CanonicalDictionary, kLocusCount> dictionaries_;
    std::array<std::size_t, kLocusCount> typing_counts_{};
    std::vector<std::uint8_t> third_classes_;  // of the third locus' typings, for the postings
    std::vector<std::uint32_t> ranks_;         // of each donor
    std::vector<Locus> order_;
    std::vector<std::uint32_t> rows_;    // donor of each row
    std::vector<std::uint8_t> differs_;  // of each row
    std::size_t depth_ = 0;
    std::vector<std::uint32_t> first_rows_;  // of each phenotype
};

}  // namespace

std::size_t write_segment(Donors& donors, const std::filesystem::path& path, bool replace, unsigned threads,
                          const Cancel& cancel, std::vector<RowError>& errors, std::vector<RowWarning>& warnings) {
    NewFile file(path);
    const std::size_t count = SegmentWriter(donors, file, threads, cancel).write(errors, warnings);
    cancel.check();
    file.commit(replace);
    return count;
}

}  // namespace allomatch
