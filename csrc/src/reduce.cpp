// See reduce.hpp.
#include "allomatch/reduce.hpp"

#include <algorithm>
#include <array>
#include <memory>
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
// share nothing else. They are asked for first and then looked up together, locus by locus: the texts of one locus stay
// in the cache, and looking up many at once waits less than one after the other. Texts must outlive this.
class Positions {
  public:
    Positions(const Nomenclature& nomenclature, Level level) : nomenclature_(nomenclature), level_(level) {}

    struct Reduced {
        std::uint64_t first = 0;          // of the first name: sorts as that does
        std::size_t names = 0, text = 0;  // where they begin
        std::uint32_t name_count = 0, text_size = 0;
    };
    // Asks for a position of a locus; says its place among those asked for.
    std::uint32_t ask(Locus locus, std::string_view text) {
        std::vector<std::string_view>& asked = loci_[index_of(locus)].asked;
        asked.push_back(text);
        return static_cast<std::uint32_t>(asked.size() - 1);
    }
    void read_asked() {
        for (std::size_t l = 0; l < kLocusCount; ++l) {
            AtLocus& at = loci_[l];
            at.numbers.resize(at.asked.size());
            at.texts.intern_lasting(at.asked, at.numbers);
            for (auto number = static_cast<std::uint32_t>(at.reduced.size()); number < at.texts.count(); ++number) {
                Reduced& reduced = at.reduced.emplace_back();
                try {
                    append(reduced, read(static_cast<Locus>(l), at.texts[number]));
                } catch (const Error&) {
                    // It is read again, and bad again, by whoever wants it.
                }
            }
        }
    }
    // Throws MalformedTyping, UnknownName.
    const Reduced& answer(Locus locus, std::uint32_t place) {
        const AtLocus& at = loci_[index_of(locus)];
        const Reduced& reduced = at.reduced[at.numbers[place]];
        if (reduced.name_count == 0 && reduced.text_size == 0) read(locus, at.asked[place]);
        return reduced;
    }
    // What is read stays.
    void forget_asked() noexcept {
        for (AtLocus& at : loci_) at.asked.clear();
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
    void append(Reduced& reduced, const Reducer& reducer) {
        reduced.names = names_.size();
        reduced.text = text_.size();
        reducer.append_names(names_);
        reducer.append_text(text_);
        reduced.name_count = static_cast<std::uint32_t>(names_.size() - reduced.names);
        reduced.text_size = static_cast<std::uint32_t>(text_.size() - reduced.text);
        if (reduced.name_count > 0) reduced.first = allele_key(names_[reduced.names]);
    }

    struct AtLocus {
        TextTable texts;
        std::vector<Reduced> reduced;  // of each of these
        std::vector<std::string_view> asked;
        std::vector<std::uint32_t> numbers;  // of each of these
    };
    const Nomenclature& nomenclature_;
    Level level_;
    std::array<std::optional<Reducer>, kLocusCount> reducers_;
    std::array<AtLocus, kLocusCount> loci_;
    std::vector<Name> parsed_;
    std::vector<Name> names_;
    std::string text_;
};

// A name or an allele string stays a position.
enum class Form { Alone, Unphased, Phased };

Form form_of(std::string_view text) noexcept {
    bool joined = false;
    for (const char c : text) {
        if (c == '~') return Form::Phased;
        joined = joined || c == '^' || c == '+' || c == '|';
    }
    return joined ? Form::Unphased : Form::Alone;
}

// A genotype of a GL string by the positions asked for.
struct Genotype {
    Locus locus;
    bool half_said;  // one position of a gene says nothing of DRB345; both would
    std::uint32_t first, second;
};

// Asks for the genotypes of a locus.
void ask_genotypes(const GlPart& part, Positions& positions, std::vector<Genotype>& genotypes) {
    const bool half_said = gene_of(part.locus) != 0 && !says_both_positions(part.text);
    std::string_view text = part.text;
    while (true) {
        const std::size_t bar = text.find('|');
        const std::string_view genotype = text.substr(0, bar);
        const std::size_t plus = genotype.find('+');
        const std::string_view first = trim_blanks(genotype.substr(0, plus));
        const std::string_view rest = plus == std::string_view::npos ? std::string_view{} : genotype.substr(plus + 1);
        const std::string_view second = trim_blanks(rest);
        // What is not one or two positions is an error, or untyped, and parse_typing says which.
        if (first.empty() || second.find('+') != std::string_view::npos) {
            if (parse_typing(part.locus, part.text).untyped()) return;
        }
        const std::uint32_t a = positions.ask(part.locus, first);
        genotypes.push_back({part.locus, half_said, a, second.empty() ? a : positions.ask(part.locus, second)});
        if (bar == std::string_view::npos) break;
        text.remove_prefix(bar + 1);
    }
}

// Asks for those of an unphased GL string, in the order of the loci.
void ask_gl(std::string_view text, Positions& positions, std::vector<Genotype>& genotypes) {
    std::vector<GlPart> parts = split_gl(text);
    std::sort(parts.begin(), parts.end(), [](const GlPart& a, const GlPart& b) { return a.locus < b.locus; });
    for (const GlPart& part : parts) ask_genotypes(part, positions, genotypes);
}

using Pair = std::array<const Positions::Reduced*, 2>;

// The genotypes of one locus, sorted and each once.
void sort_genotypes(std::span<const Genotype> genotypes, Positions& positions, std::vector<Pair>& pairs) {
    const auto compare = [&](const Positions::Reduced& a, const Positions::Reduced& b) {
        if (a.first != b.first) return a.first <=> b.first;
        const auto x = positions.names(a);
        const auto y = positions.names(b);
        return std::lexicographical_compare_three_way(x.begin(), x.end(), y.begin(), y.end());
    };
    pairs.clear();
    for (const Genotype& genotype : genotypes) {
        const Positions::Reduced& a = positions.answer(genotype.locus, genotype.first);
        const Positions::Reduced& b = positions.answer(genotype.locus, genotype.second);
        pairs.push_back(compare(b, a) < 0 ? Pair{&b, &a} : Pair{&a, &b});
    }
    if (pairs.size() > 1) {
        const auto order = [&](const Pair& x, const Pair& y) {
            const auto first = compare(*x[0], *y[0]);
            return first != 0 ? first : compare(*x[1], *y[1]);
        };
        std::sort(pairs.begin(), pairs.end(), [&](const Pair& x, const Pair& y) { return order(x, y) < 0; });
        const auto same = [&](const Pair& x, const Pair& y) { return order(x, y) == 0; };
        pairs.erase(std::unique(pairs.begin(), pairs.end(), same), pairs.end());
    }
}

// Those that were asked for and read.
void append_gl(std::string& out, std::span<const Genotype> genotypes, Positions& positions, std::vector<Pair>& pairs) {
    const std::size_t begin = out.size();
    while (!genotypes.empty()) {
        const Genotype first = genotypes.front();
        const auto other = std::find_if(genotypes.begin(), genotypes.end(),
                                        [&](const Genotype& genotype) { return genotype.locus != first.locus; });
        const auto count = static_cast<std::size_t>(other - genotypes.begin());
        sort_genotypes(genotypes.first(count), positions, pairs);
        genotypes = genotypes.subspan(count);
        for (std::size_t g = 0; g < pairs.size(); ++g) {
            if (g > 0) {
                out.push_back('|');
            } else if (out.size() > begin) {
                out.push_back('^');
            }
            out += positions.text(*pairs[g][0]);
            if (first.half_said && positions.text(*pairs[g][0]) == positions.text(*pairs[g][1])) continue;
            out.push_back('+');
            out += positions.text(*pairs[g][1]);
        }
    }
}

// Some texts, reduced together.
class Block {
  public:
    Block(const Nomenclature& nomenclature, Level level)
        : nomenclature_(nomenclature), level_(level), positions_(nomenclature, level) {}

    // Texts must outlive this.
    void add(std::string_view text) {
        Part part{text, form_of(text), genotypes_.size(), nullptr};
        if (part.form == Form::Unphased) {
            try {
                ask_gl(text, positions_, genotypes_);
            } catch (const Error& error) {
                part.error = std::make_unique<const Error>(error);
            }
        }
        part.end = genotypes_.size();
        parts_.push_back(std::move(part));
    }
    // After the last.
    void read() { positions_.read_asked(); }
    // Throws MalformedTyping, UnknownLocus, UnknownName and what else reading may say.
    void append(std::string& out, std::size_t i) {
        const Part& part = parts_[i];
        if (part.error) throw Error(*part.error);
        switch (part.form) {
            case Form::Alone: {
                const auto said = locus_said(part.text);
                const Locus locus = said ? *said : parse_name_with_locus(part.text).locus;  // which says what is wrong
                return positions_.append_alone(out, locus, part.text);
            }
            case Form::Unphased: {
                const std::size_t begin = i == 0 ? 0 : parts_[i - 1].end;
                return append_gl(out, std::span(genotypes_).subspan(begin, part.end - begin), positions_, pairs_);
            }
            case Form::Phased:  // reductions take no notice of phase
                return append_reduced_gl(out, nomenclature_, Phenotype::from_gl(part.text).unphased().to_gl(), level_);
        }
    }
    // Positions that were read stay so.
    void clear() noexcept {
        parts_.clear();
        genotypes_.clear();
        positions_.forget_asked();
    }

  private:
    struct Part {
        std::string_view text;
        Form form;
        std::size_t end;  // of its genotypes
        std::unique_ptr<const Error> error;
    };
    const Nomenclature& nomenclature_;
    Level level_;
    Positions positions_;
    std::vector<Part> parts_;
    std::vector<Genotype> genotypes_;
    std::vector<Pair> pairs_;
};

}  // namespace

void append_reduced_gl(std::string& out, const Nomenclature& nomenclature, std::string_view text, Level level) {
    Block block(nomenclature, level);
    block.add(text);
    block.read();
    block.append(out, 0);
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
    constexpr std::size_t kBlock = 1024;  // texts at once: what is known of them stays in the cache
    struct Slice {
        std::string text;
        std::vector<std::size_t> ends;
        std::vector<ReducedColumn::BadText> errors;
    };
    const std::size_t per_slice = std::max<std::size_t>(1024, texts.count() / thread_count(threads) + 1);
    std::vector<Slice> slices((texts.count() + per_slice - 1) / per_slice);
    parallel_for(slices.size(), thread_count(threads), cancel, [&](std::size_t s) {
        Slice& slice = slices[s];
        Block block(nomenclature, level);
        const std::size_t end = std::min(texts.count(), (s + 1) * per_slice);
        slice.ends.reserve(end - s * per_slice);
        std::size_t size = 0;
        for (std::size_t i = s * per_slice; i < end; ++i) size += texts[static_cast<std::uint32_t>(i)].size();
        slice.text.reserve(size);  // most results are shorter
        for (std::size_t begin = s * per_slice; begin < end; begin += kBlock) {
            if (cancel.stopped()) return;
            const std::size_t count = std::min(end - begin, kBlock);
            block.clear();
            for (std::size_t i = 0; i < count; ++i) block.add(texts[static_cast<std::uint32_t>(begin + i)]);
            block.read();
            for (std::size_t i = 0; i < count; ++i) {
                const std::size_t before = slice.text.size();
                try {
                    block.append(slice.text, i);
                } catch (const Error& error) {
                    const std::string_view text = texts[static_cast<std::uint32_t>(begin + i)];
                    slice.text.resize(before);
                    slice.errors.push_back({first_rows[begin + i], 0, std::string(text), error.code(), error.what()});
                }
                slice.ends.push_back(slice.text.size());
            }
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
