// See reduce.hpp.
#include "allomatch/reduce.hpp"

#include <algorithm>
#include <memory>

#include "allomatch/error.hpp"
#include "allomatch/phenotype.hpp"
#include "text_table.hpp"

namespace allomatch {
namespace {

Position reduced(const Nomenclature& nomenclature, Locus locus, const Position& position, Level level) {
    Position result;
    if (nomenclature.reduce_names(locus, position.names, level, result.names)) return result;
    for (const Name& name : position.names) {
        if (!nomenclature.knows(locus, name)) nomenclature.throw_unknown(locus, name);
    }
    return result;
}

void append_position(std::string& out, Locus locus, const Position& position, Level level) {
    for (std::size_t i = 0; i < position.names.size(); ++i) {
        if (i > 0) out.push_back('/');
        append_reduced_text(out, locus, position.names[i], level);
    }
}

}  // namespace

void append_reduced_gl(std::string& out, const Nomenclature& nomenclature, std::string_view text, Level level) {
    if (text.find_first_of("^+|~") == std::string_view::npos) {
        // A name or an allele string stays a position.
        const auto said = locus_said(text);
        const Locus locus = said ? *said : parse_name_with_locus(text).locus;  // which says what is wrong
        append_position(out, locus, reduced(nomenclature, locus, parse_position(locus, text), level), level);
        return;
    }
    const Phenotype phenotype = Phenotype::from_gl(text);
    bool first_locus = true;
    for (std::size_t l = 0; l < kLocusCount; ++l) {
        const auto locus = static_cast<Locus>(l);
        Typing typing = phenotype[locus];
        if (typing.untyped()) continue;
        for (Genotype& genotype : typing.alternatives) {
            for (Position& position : genotype.positions) position = reduced(nomenclature, locus, position, level);
            if (genotype.positions[1] < genotype.positions[0]) std::swap(genotype.positions[0], genotype.positions[1]);
        }
        std::sort(typing.alternatives.begin(), typing.alternatives.end());
        const auto end = std::unique(typing.alternatives.begin(), typing.alternatives.end());
        typing.alternatives.erase(end, typing.alternatives.end());
        if (!first_locus) out.push_back('^');
        first_locus = false;
        for (std::size_t g = 0; g < typing.alternatives.size(); ++g) {
            if (g > 0) out.push_back('|');
            append_position(out, locus, typing.alternatives[g].positions[0], level);
            out.push_back('+');
            append_position(out, locus, typing.alternatives[g].positions[1], level);
        }
    }
}

ReducedColumn reduce_column(const Nomenclature& nomenclature, const TextColumn& column, std::size_t rows, Level level,
                            unsigned threads, const Cancel& cancel) {
    ReducedColumn result;
    result.indices.resize(rows);
    TextTable texts;
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
        const auto [number, fresh] = texts.intern(text);
        if (fresh) first_rows.push_back(static_cast<std::int64_t>(row));
        index = static_cast<std::int32_t>(number);
        if (entry != nullptr) *entry = index;
    }

    // The distinct texts in slices, each with a buffer of its own; then one after the other.
    struct Slice {
        std::string text;
        std::vector<std::size_t> ends;
        std::vector<ReducedColumn::BadText> errors;
    };
    constexpr std::size_t kSlice = 1024;
    std::vector<Slice> slices((texts.count() + kSlice - 1) / kSlice);
    parallel_for(slices.size(), thread_count(threads), cancel, [&](std::size_t s) {
        Slice& slice = slices[s];
        for (std::size_t i = s * kSlice; i < std::min(texts.count(), (s + 1) * kSlice); ++i) {
            const std::size_t before = slice.text.size();
            const std::string_view text = texts[static_cast<std::uint32_t>(i)];
            try {
                append_reduced_gl(slice.text, nomenclature, text, level);
            } catch (const Error& error) {
                slice.text.resize(before);
                slice.errors.push_back({first_rows[i], 0, std::string(text), error.code(), error.what()});
            }
            slice.ends.push_back(slice.text.size());
        }
    });
    TextTable values;
    std::vector<std::int32_t> entries;
    std::vector<ReducedColumn::BadText> errors;
    for (std::size_t s = 0; s < slices.size(); ++s) {
        std::size_t begin = 0;
        std::size_t bad = 0;
        for (std::size_t i = 0; i < slices[s].ends.size(); ++i) {
            const std::string_view value(slices[s].text.data() + begin, slices[s].ends[i] - begin);
            begin = slices[s].ends[i];
            if (bad < slices[s].errors.size() && slices[s].errors[bad].row == first_rows[s * kSlice + i]) {
                errors.push_back(std::move(slices[s].errors[bad++]));
                entries.push_back(-2 - static_cast<std::int32_t>(errors.size() - 1));
                continue;
            }
            const auto [number, fresh] = values.intern(value);
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
