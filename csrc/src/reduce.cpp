// See reduce.hpp.
#include "allomatch/reduce.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <span>

#include "allomatch/error.hpp"
#include "allomatch/phenotype.hpp"
#include "reducer.hpp"
#include "release_tables.hpp"
#include "text_table.hpp"

namespace allomatch {
namespace {

// Positions at a level. In GL strings each distinct text of a locus is read once: people share positions where they
// share nothing else. Texts must outlive this.
class Positions {
  public:
    Positions(const Nomenclature& nomenclature, Level level) : nomenclature_(nomenclature), level_(level) {}

    struct Reduced {
        std::uint64_t first = 0;          // of the first name: sorts as that does
        std::size_t names = 0, text = 0;  // where they begin
        std::uint32_t name_count = 0, text_size = 0;
    };
    // Throws MalformedTyping, UnknownName.
    const Reduced& of(Locus locus, std::string_view text) {
        auto& [texts, reduced] = loci_[index_of(locus)];
        const auto [number, fresh] = texts.intern_lasting(text);
        if (fresh) reduced.emplace_back();
        Reduced& found = reduced[number];
        if (found.name_count == 0 && found.text_size == 0) {  // also one that was bad: then it is again
            const Reducer& reducer = read(locus, text);
            found.names = names_.size();
            found.text = text_.size();
            reducer.append_names(names_);
            reducer.append_text(text_);
            found.name_count = static_cast<std::uint32_t>(names_.size() - found.names);
            found.text_size = static_cast<std::uint32_t>(text_.size() - found.text);
            if (found.name_count > 0) found.first = allele_key(names_[found.names]);
        }
        return found;
    }
    // Of one that stands alone.
    void append_alone(std::string& out, Locus locus, std::string_view text) { read(locus, text).append_text(out); }

    [[nodiscard]] std::span<const Name> names(const Reduced& of) const noexcept {
        return std::span(names_).subspan(of.names, of.name_count);
    }
    [[nodiscard]] std::string_view text(const Reduced& of) const noexcept {
        return std::string_view(text_).substr(of.text, of.text_size);
    }

  private:
    const Reducer& read(Locus locus, std::string_view text) {
        parse_names(locus, text, parsed_);
        std::optional<Reducer>& reducer = reducers_[index_of(locus)];
        if (!reducer) reducer.emplace(nomenclature_, locus, level_);
        if (!reducer->read(parsed_)) {
            for (const Name& name : parsed_) {
                if (!nomenclature_.knows(locus, name)) nomenclature_.throw_unknown(locus, name);
            }
        }
        return *reducer;
    }

    struct AtLocus {
        TextTable texts;
        std::vector<Reduced> reduced;
    };
    const Nomenclature& nomenclature_;
    Level level_;
    std::array<std::optional<Reducer>, kLocusCount> reducers_;
    std::array<AtLocus, kLocusCount> loci_;
    std::vector<Name> parsed_;
    std::vector<Name> names_;
    std::string text_;
};

using Pair = std::array<Positions::Reduced, 2>;

// The genotypes of one locus of a GL string, sorted and each once.
void read_genotypes(Locus locus, std::string_view text, Positions& positions, std::vector<Pair>& pairs) {
    const auto compare = [&](const Positions::Reduced& a, const Positions::Reduced& b) {
        if (a.first != b.first) return a.first <=> b.first;
        const auto x = positions.names(a);
        const auto y = positions.names(b);
        return std::lexicographical_compare_three_way(x.begin(), x.end(), y.begin(), y.end());
    };
    pairs.clear();
    while (true) {
        const std::size_t bar = text.find('|');
        const std::string_view genotype = text.substr(0, bar);
        const std::size_t plus = genotype.find('+');
        const std::string_view first = trim_blanks(genotype.substr(0, plus));
        const std::string_view rest = plus == std::string_view::npos ? std::string_view{} : genotype.substr(plus + 1);
        const std::string_view second = trim_blanks(rest);
        // What is not one or two positions is an error, or untyped, and parse_typing says which.
        if (first.empty() || second.find('+') != std::string_view::npos) {
            if (parse_typing(locus, text).untyped()) return pairs.clear();
        }
        const Positions::Reduced a = positions.of(locus, first);
        const Positions::Reduced b = second.empty() ? a : positions.of(locus, second);
        pairs.push_back(compare(b, a) < 0 ? Pair{b, a} : Pair{a, b});
        if (bar == std::string_view::npos) break;
        text.remove_prefix(bar + 1);
    }
    if (pairs.size() > 1) {
        const auto order = [&](const Pair& x, const Pair& y) {
            const auto first = compare(x[0], y[0]);
            return first != 0 ? first : compare(x[1], y[1]);
        };
        std::sort(pairs.begin(), pairs.end(), [&](const Pair& x, const Pair& y) { return order(x, y) < 0; });
        const auto same = [&](const Pair& x, const Pair& y) { return order(x, y) == 0; };
        pairs.erase(std::unique(pairs.begin(), pairs.end(), same), pairs.end());
    }
}

void append_gl(std::string& out, std::string_view text, Positions& positions) {
    std::vector<GlPart> parts = split_gl(text);
    std::sort(parts.begin(), parts.end(), [](const GlPart& a, const GlPart& b) { return a.locus < b.locus; });
    const std::size_t begin = out.size();
    std::vector<Pair> pairs;
    for (const GlPart& part : parts) {
        read_genotypes(part.locus, part.text, positions, pairs);
        // One position of a gene says nothing of DRB345; both would.
        const bool half_said = gene_of(part.locus) != 0 && !says_both_positions(part.text);
        for (std::size_t g = 0; g < pairs.size(); ++g) {
            if (g > 0) {
                out.push_back('|');
            } else if (out.size() > begin) {
                out.push_back('^');
            }
            out += positions.text(pairs[g][0]);
            if (half_said && positions.text(pairs[g][0]) == positions.text(pairs[g][1])) continue;
            out.push_back('+');
            out += positions.text(pairs[g][1]);
        }
    }
}

void append(std::string& out, std::string_view text, const Nomenclature& nomenclature, Level level,
            Positions& positions) {
    const auto joins = [](char c) { return c == '^' || c == '+' || c == '|'; };
    if (text.find('~') != std::string_view::npos) {
        // Reductions take no notice of phase.
        Positions own(nomenclature, level);
        append_gl(out, Phenotype::from_gl(text).unphased().to_gl(), own);
    } else if (std::any_of(text.begin(), text.end(), joins)) {
        append_gl(out, text, positions);
    } else {
        // A name or an allele string stays a position.
        const auto said = locus_said(text);
        const Locus locus = said ? *said : parse_name_with_locus(text).locus;  // which says what is wrong
        positions.append_alone(out, locus, text);
    }
}

}  // namespace

void append_reduced_gl(std::string& out, const Nomenclature& nomenclature, std::string_view text, Level level) {
    Positions positions(nomenclature, level);
    append(out, text, nomenclature, level, positions);
}

ReducedColumn reduce_column(const Nomenclature& nomenclature, const TextColumn& column, std::size_t rows, Level level,
                            unsigned threads, const Cancel& cancel) {
    ReducedColumn result;
    result.indices.resize(rows);
    TextTable texts;
    // Growing costs a column without repeats a tenth of its time; more room than this would cost one of repeats its
    // cache.
    constexpr std::size_t kRoom = 65'536;
    texts.reserve(std::min(rows, kRoom));
    std::vector<std::int64_t> first_rows;
    std::vector<std::int32_t> known(column.dictionary_size, ReducedColumn::kNull);
    for (std::size_t row = 0; row < rows; ++row) {
        if (row % 65'536 == 0) cancel.check();
        std::int32_t& index = result.indices[row];
        index = ReducedColumn::kNull;
        if (!column.valid(row)) continue;
        std::int32_t* const entry =
            column.indices == nullptr ? nullptr : &known[static_cast<std::size_t>(column.indices[row])];
        if (entry != nullptr && *entry != ReducedColumn::kNull) {
            index = *entry;
            continue;
        }
        const std::string_view text = trim_blanks(column[row]);
        if (text.empty()) continue;
        const auto [number, fresh] = texts.intern_lasting(text);
        if (fresh) first_rows.push_back(static_cast<std::int64_t>(row));
        index = static_cast<std::int32_t>(number);
        if (entry != nullptr) *entry = index;
    }

    // The distinct texts in slices, each with positions and a buffer of its own; then one after the other.
    struct Slice {
        std::string text;
        std::vector<std::size_t> ends;
        std::vector<ReducedColumn::BadText> errors;
    };
    const std::size_t per_slice = std::max<std::size_t>(1024, texts.count() / thread_count(threads) + 1);
    std::vector<Slice> slices((texts.count() + per_slice - 1) / per_slice);
    parallel_for(slices.size(), thread_count(threads), cancel, [&](std::size_t s) {
        Slice& slice = slices[s];
        Positions positions(nomenclature, level);
        const std::size_t end = std::min(texts.count(), (s + 1) * per_slice);
        slice.ends.reserve(end - s * per_slice);
        for (std::size_t i = s * per_slice; i < end; ++i) {
            if (i % 1024 == 0 && cancel.stopped()) return;
            const std::size_t before = slice.text.size();
            const std::string_view text = texts[static_cast<std::uint32_t>(i)];
            try {
                append(slice.text, text, nomenclature, level, positions);
            } catch (const Error& error) {
                slice.text.resize(before);
                slice.errors.push_back({first_rows[i], 0, std::string(text), error.code(), error.what()});
            }
            slice.ends.push_back(slice.text.size());
        }
    });
    cancel.check();
    TextTable values;
    values.reserve(std::min(texts.count(), kRoom));
    std::vector<std::int32_t> entries;
    entries.reserve(texts.count());
    std::size_t longest = 0;
    for (const Slice& slice : slices) longest += slice.text.size();
    result.text.reserve(std::min<std::size_t>(longest, INT32_MAX));
    std::vector<ReducedColumn::BadText> errors;
    for (std::size_t s = 0; s < slices.size(); ++s) {
        std::size_t begin = 0;
        std::size_t bad = 0;
        for (std::size_t i = 0; i < slices[s].ends.size(); ++i) {
            const std::string_view value(slices[s].text.data() + begin, slices[s].ends[i] - begin);
            begin = slices[s].ends[i];
            if (bad < slices[s].errors.size() && slices[s].errors[bad].row == first_rows[s * per_slice + i]) {
                errors.push_back(std::move(slices[s].errors[bad++]));
                entries.push_back(-2 - static_cast<std::int32_t>(errors.size() - 1));
                continue;
            }
            const auto [number, fresh] = values.intern_lasting(value);
            if (fresh) {
                if (result.text.size() + value.size() > INT32_MAX) {
                    throw Error(ErrorCode::TooManyValues,
                                "the reduced texts are longer than 2 GiB together; reduce the column in pieces");
                }
                result.text += value;
                result.offsets.push_back(static_cast<std::int32_t>(result.text.size()));
            }
            entries.push_back(static_cast<std::int32_t>(number));
        }
    }
    for (std::int32_t& index : result.indices) {
        if (index == ReducedColumn::kNull) continue;
        index = entries[static_cast<std::size_t>(index)];
        if (index >= 0) continue;
        ++errors[static_cast<std::size_t>(-2 - index)].rows;
        index = ReducedColumn::kNull;
    }
    result.errors = std::move(errors);
    return result;
}

}  // namespace allomatch
