// Columns of pairs. See detail_table.hpp.
#include "allomatch/detail_table.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <mutex>
#include <numeric>

#include "drb345_rows.hpp"
#include "text_table.hpp"
#include "typing_interner.hpp"

namespace allomatch {

// The typings of one locus: their dictionary, and the one of each row.
struct TypingColumns::Column {
    std::vector<Name> names;
    std::vector<std::uint32_t> position_offsets, position_names, typing_offsets;
    std::vector<PositionPair> pairs;
    std::vector<std::uint32_t> typings;  // of each row; empty for a single phenotype
    Locus locus;

    Column(Locus of, const TypingInterner& interner, std::vector<std::uint32_t> rows) : locus(of) {
        std::vector<std::uint32_t> counts(interner.typing_count());
        for (const std::uint32_t typing : rows) ++counts[typing];
        CanonicalDictionary dictionary = interner.canonical(counts);
        for (const std::string& name : dictionary.names) names.push_back(parse_name(locus, name));
        position_offsets = std::move(dictionary.position_offsets);
        position_names = std::move(dictionary.position_names);
        typing_offsets = std::move(dictionary.typing_offsets);
        pairs = std::move(dictionary.pairs);
        for (std::uint32_t& typing : rows) typing = dictionary.new_ids[typing];
        typings = std::move(rows);
    }

    [[nodiscard]] DictionaryView view() const noexcept {
        return {locus, names, position_offsets, position_names, typing_offsets, pairs};
    }
};

namespace {

class Errors {
  public:
    explicit Errors(std::vector<CellError>& errors) : errors_(errors) {}
    void add(Side side, std::size_t row, std::string_view field, std::string_view value, const Error& error) {
        const std::scoped_lock lock(mutex_);
        errors_.push_back({row, side, std::string(field), std::string(value), error.code(), error.what()});
    }

  private:
    std::mutex mutex_;
    std::vector<CellError>& errors_;
};

constexpr std::size_t kRowsBetweenChecks = 4096;

// Where the rows of a GL column have each of some loci. Rows are cut in slices, so that any number of threads may help;
// the texts of a locus are then for one thread to read, each distinct one once. A row that is not plain (phased, a
// locus twice, not to be read) stands alone: it is read as one phenotype, which says what is wrong.
class GlRows {
  public:
    GlRows(const TextColumn& column, std::size_t rows, std::span<const Locus> loci) : column_(column), alone_(rows) {
        for (const Locus locus : loci) cells_[index_of(locus)].resize(rows);
    }

    void cut(std::size_t begin, std::size_t end, const Cancel& cancel) {
        TextTable others;  // parts of loci that are not asked for: they too must be such that they can be read
        std::vector<bool> can_be_read;
        for (std::size_t row = begin; row < end; ++row) {
            if ((row - begin) % kRowsBetweenChecks == 0 && cancel.stopped()) return;
            const std::string_view text = column_[row];
            try {
                for (const GlPart& part : split_gl(text)) {
                    auto& cells = cells_[index_of(part.locus)];
                    if (part.phased) {
                        stands_alone(row);
                    } else if (!cells.empty()) {
                        cells[row] = {static_cast<std::uint32_t>(part.text.data() - text.data()),
                                      static_cast<std::uint32_t>(part.text.size())};
                    } else {
                        const auto [number, fresh] = others.intern_lasting(part.text);
                        if (fresh) can_be_read.push_back(reads(part));
                        if (!can_be_read[number]) stands_alone(row);
                    }
                }
            } catch (const Error&) {
                stands_alone(row);
            }
        }
    }
    // The text of a locus in a row; blank if it has none.
    [[nodiscard]] std::string_view operator()(Locus locus, std::size_t row) const noexcept {
        const Cell& cell = cells_[index_of(locus)][row];
        return column_[row].substr(cell.begin, cell.size);
    }
    // May be said by several threads of one row.
    void stands_alone(std::size_t row) noexcept { std::atomic_ref(alone_[row]).store(1, std::memory_order_relaxed); }
    // Calls visit(row) for the rows that stand alone.
    template <typename Visit>
    void for_each_alone(Visit visit) const {
        for (std::size_t row = 0; row < alone_.size(); ++row) {
            if (alone_[row] != 0) visit(row);
        }
    }

  private:
    struct Cell {
        std::uint32_t begin = 0, size = 0;
    };
    static bool reads(const GlPart& part) {
        try {
            (void)parse_typing(part.locus, part.text);
        } catch (const Error&) {
            return false;
        }
        return true;
    }

    const TextColumn& column_;
    std::array<std::vector<Cell>, kLocusCount> cells_;  // none of a locus that is not asked for
    std::vector<std::uint8_t> alone_;
};

// DRB345 and its genes are read together: a typing of one may be one of the other. Those asked for come first.
std::vector<Locus> with_drb345(std::span<const Locus> loci) {
    std::vector<Locus> all(loci.begin(), loci.end());
    if (std::none_of(loci.begin(), loci.end(), shares_drb345)) return all;
    for (const Locus locus : Drb345Rows::kLoci) {
        if (std::find(loci.begin(), loci.end(), locus) == loci.end()) all.push_back(locus);
    }
    return all;
}

void complete_drb345(const TypingCells& cells, const std::optional<GlRows>& gl, std::span<const Locus> loci, Side side,
                     std::vector<TypingInterner>& interners, std::vector<std::vector<std::uint32_t>>& typings,
                     Errors& errors) {
    constexpr auto& kLoci = Drb345Rows::kLoci;
    if (std::none_of(loci.begin(), loci.end(), shares_drb345)) return;
    std::array<std::size_t, kLoci.size()> at{};
    for (std::size_t i = 0; i < kLoci.size(); ++i)
        at[i] = static_cast<std::size_t>(std::find(loci.begin(), loci.end(), kLoci[i]) - loci.begin());
    const auto interner = [&](std::size_t i) { return std::ref(interners[at[i]]); };
    const Drb345Rows::Interners of_loci{interner(0), interner(1), interner(2), interner(3)};
    Drb345Rows memory;
    for (std::size_t row = 0; row < cells.rows; ++row) {
        Drb345Rows::Ids ids{};
        for (std::size_t i = 0; i < kLoci.size(); ++i) ids[i] = typings[at[i]][row];
        if (ids == Drb345Rows::Ids{}) continue;
        std::array<bool, kLoci.size()> both_said{};
        for (std::size_t i = 0; i < kLoci.size(); ++i) {
            if (ids[i] == 0) continue;
            both_said[i] = gl ? says_both_positions((*gl)(kLoci[i], row))
                              : !trim_blanks((*cells.loci[index_of(kLoci[i])])[1][row]).empty();
        }
        try {
            ids = memory.completed(ids, both_said, of_loci);
        } catch (const Error& error) {
            errors.add(side, row, locus_name(Locus::DRB345),
                       to_text(Locus::DRB345, of_loci.back().get().typing_of(ids.back())), error);
        }
        for (std::size_t i = 0; i < kLoci.size(); ++i) typings[at[i]][row] = ids[i];
    }
}

}  // namespace

// ---- reading
// --------------------------------------------------------------------------------------------------------------

TypingColumns::TypingColumns(const Phenotype& phenotype, std::span<const Locus> loci) : single_(true), rows_(1) {
    for (const Locus locus : loci) {
        TypingInterner interner(locus);
        columns_[index_of(locus)] =
            std::make_unique<Column>(locus, interner, std::vector<std::uint32_t>{interner.typing(phenotype[locus])});
    }
    if (!phenotype.phases().empty()) phases_[0].assign(phenotype.phases().begin(), phenotype.phases().end());
}

TypingColumns::TypingColumns(const TypingCells& cells, Side side, std::span<const Locus> asked, unsigned threads,
                             const Cancel& cancel, std::vector<CellError>& all_errors)
    : single_(false), rows_(cells.rows) {
    Errors errors(all_errors);
    const std::vector<Locus> loci = with_drb345(asked);
    std::optional<GlRows> gl;
    if (cells.gl) {
        gl.emplace(*cells.gl, rows_, loci);
        constexpr std::size_t kSlice = 16'384;
        parallel_for((rows_ + kSlice - 1) / kSlice, thread_count(threads), cancel,
                     [&](std::size_t s) { gl->cut(s * kSlice, std::min(rows_, (s + 1) * kSlice), cancel); });
    }
    std::vector<TypingInterner> interners(loci.begin(), loci.end());
    std::vector<std::vector<std::uint32_t>> typings(loci.size());
    parallel_for(loci.size(), thread_count(threads), cancel, [&](std::size_t task) {
        const Locus locus = loci[task];
        TypingInterner& interner = interners[task];
        std::vector<std::uint32_t>& rows = typings[task];
        rows.resize(rows_);
        for (std::size_t row = 0; row < rows_; ++row) {
            if (row % kRowsBetweenChecks == 0 && cancel.stopped()) return;
            if (gl) {
                const std::string_view text = (*gl)(locus, row);
                if (text.empty()) continue;
                try {
                    rows[row] = interner.gl(text);
                } catch (const Error&) {
                    gl->stands_alone(row);
                }
            } else if (cells.loci[index_of(locus)]) {
                const auto& [first, second] = *cells.loci[index_of(locus)];
                try {
                    const std::uint32_t a = interner.position_text(first[row]);
                    const std::uint32_t b = interner.position_text(second[row]);
                    rows[row] = interner.pair(a, b);
                } catch (const Error& error) {
                    std::string value(first[row]);
                    if (!second[row].empty()) value.append("+").append(second[row]);
                    errors.add(side, row, locus_name(locus), value, error);
                }
            }
        }
    });
    cancel.check();
    complete_drb345(cells, gl, loci, side, interners, typings, errors);
    if (gl) {
        gl->for_each_alone([&](std::size_t row) {
            cancel.check();
            const std::string_view text = (*cells.gl)[row];
            Phenotype read;  // nothing is typed if it cannot be read
            try {
                read = Phenotype::from_gl(text);
            } catch (const Error& error) {
                errors.add(side, row, "gl", text, error);
            }
            for (std::size_t i = 0; i < loci.size(); ++i) typings[i][row] = interners[i].typing(read[loci[i]]);
            if (!read.phases().empty()) phases_[row].assign(read.phases().begin(), read.phases().end());
        });
    }
    parallel_for(asked.size(), thread_count(threads), cancel, [&](std::size_t i) {
        columns_[index_of(loci[i])] = std::make_unique<Column>(loci[i], interners[i], std::move(typings[i]));
    });
    cancel.check();
}

TypingColumns::TypingColumns(std::span<const Chosen> loci, std::size_t rows) : single_(false), rows_(rows) {
    for (const auto& [dictionary, chosen] : loci) {
        TypingInterner interner(dictionary.locus);
        std::unordered_map<std::uint32_t, std::uint32_t> numbers;
        std::vector<std::uint32_t> typings;
        typings.reserve(rows);
        for (const TypingId id : chosen) {
            const auto [at, fresh] = numbers.try_emplace(id.value, 0);
            if (fresh && id != kUntyped) at->second = interner.typing(dictionary.typing(id));
            typings.push_back(at->second);
        }
        columns_[index_of(dictionary.locus)] = std::make_unique<Column>(dictionary.locus, interner, std::move(typings));
    }
}

TypingColumns::~TypingColumns() = default;
TypingColumns::TypingColumns(TypingColumns&&) noexcept = default;

DictionaryView TypingColumns::dictionary(Locus locus) const noexcept {
    return columns_[index_of(locus)]->view();
}

TypingId TypingColumns::typing(Locus locus, std::size_t row) const noexcept {
    return TypingId{columns_[index_of(locus)]->typings[single_ ? 0 : row]};
}

std::span<const std::uint32_t> TypingColumns::typings(Locus locus) const noexcept {
    return columns_[index_of(locus)]->typings;
}

std::span<const Phase> TypingColumns::phases(std::size_t row) const noexcept {
    const auto at = phases_.find(single_ ? 0 : row);
    return at == phases_.end() ? std::span<const Phase>() : std::span<const Phase>(at->second);
}

// ---- comparing
// ------------------------------------------------------------------------------------------------------------

namespace {

// Adds every row that has a typing of which nothing is known.
void report_unknown(const Nomenclature& nomenclature, Side who, const TypingColumns& side, Locus locus,
                    const auto& unknown_of, Errors& errors) {
    const DictionaryView dictionary = side.dictionary(locus);
    std::vector<std::optional<Error>> of_typing(dictionary.typing_count());
    bool any = false;
    for (std::uint32_t t = 1; t < dictionary.typing_count(); ++t) {
        const std::optional<PositionId> position = unknown_of(TypingId{t});
        if (!position) continue;
        if (side.single()) throw_unknown(nomenclature, dictionary, *position);
        any = true;
        try {
            throw_unknown(nomenclature, dictionary, *position);
        } catch (const Error& error) {
            of_typing[t] = error;
        }
    }
    if (!any) return;
    for (std::size_t row = 0; row < side.rows(); ++row) {
        const TypingId typing = side.typing(locus, row);
        if (of_typing[typing.value])
            errors.add(who, row, locus_name(locus), to_text(locus, dictionary.typing(typing)),
                       *of_typing[typing.value]);
    }
}

// Rows by the patient's typing, so that one patient's rows come together.
std::vector<std::uint32_t> by_patient(const TypingColumns& patients, Locus locus, std::size_t rows) {
    std::vector<std::uint32_t> order(rows);
    std::vector<std::size_t> begins(patients.dictionary(locus).typing_count() + 1);
    for (std::size_t row = 0; row < rows; ++row) ++begins[patients.typing(locus, row).value + 1];
    std::partial_sum(begins.begin(), begins.end(), begins.begin());
    for (std::size_t row = 0; row < rows; ++row)
        order[begins[patients.typing(locus, row).value]++] = static_cast<std::uint32_t>(row);
    return order;
}

class RowsOfLocus {
  public:
    RowsOfLocus(const LocusComparison& comparison, const TypingColumns& patients, const TypingColumns& donors,
                Locus locus, std::size_t rows, std::uint8_t* out)
        : comparison_(comparison), patients_(patients), donors_(donors), locus_(locus), rows_(rows), out_(out) {
        if (!patients.single()) order_ = by_patient(patients, locus, rows);
    }

    // Writes places [begin, end) of the order.
    void write(std::size_t begin, std::size_t end, const Cancel& cancel) const {
        const std::size_t donor_typings = donors_.dictionary(locus_).typing_count();
        // Details by donor typing, of the patient whose number stands beside.
        std::vector<LocusDetail> details(donor_typings);
        std::vector<std::uint32_t> whose(donor_typings);
        std::uint32_t patient_number = 0;
        TypingId patient{0};
        std::optional<Against> against;
        const std::size_t bytes = locus_ == Locus::B || locus_ == Locus::DPB1 ? kDetailBytes : kCommonBytes;
        for (std::size_t i = begin; i < end; ++i) {
            if ((i - begin) % kRowsBetweenChecks == 0 && cancel.stopped()) return;
            const std::size_t row = order_.empty() ? i : order_[i];
            const TypingId of_row = patients_.typing(locus_, row);
            if (!against || of_row != patient) {
                patient = of_row;
                ++patient_number;
                against.emplace(comparison_, patient, rows_of(i, end, patient) > kFewRows);
            }
            const TypingId donor = donors_.typing(locus_, row);
            if (whose[donor.value] != patient_number) {
                whose[donor.value] = patient_number;
                details[donor.value] = against->compare(donor);
            }
            std::array<std::uint8_t, kDetailBytes> of_detail;
            std::memcpy(of_detail.data(), &details[donor.value], kDetailBytes);
            for (std::size_t k = 0; k < bytes; ++k) out_[k * rows_ + row] = of_detail[k];
        }
    }

  private:
    // The bytes that say something at every locus; those of epitopes and markers come last.
    static constexpr std::size_t kCommonBytes = 14;
    // Remembering positions pays for a patient of more rows than this.
    static constexpr std::size_t kFewRows = 256;

    // Whether more than kFewRows rows from `i` on are of this patient.
    [[nodiscard]] std::size_t rows_of(std::size_t i, std::size_t end, TypingId patient) const noexcept {
        if (patients_.single()) return end - i;
        const std::size_t far = i + kFewRows;
        return far < end && patients_.typing(locus_, order_[far]) == patient ? kFewRows + 1 : 1;
    }

    const LocusComparison& comparison_;
    const TypingColumns& patients_;
    const TypingColumns& donors_;
    Locus locus_;
    std::size_t rows_;
    std::uint8_t* out_;
    std::vector<std::uint32_t> order_;
};

}  // namespace

std::vector<std::vector<std::uint8_t>> match_columns(const Nomenclature& nomenclature, const TypingColumns& patients,
                                                     const TypingColumns& donors, const DetailRequest& request,
                                                     const Cancel& cancel, std::vector<CellError>& all_errors) {
    const std::size_t rows = patients.single() ? donors.rows() : patients.rows();
    if (!patients.single() && !donors.single() && patients.rows() != donors.rows()) {
        throw Error(ErrorCode::InvalidArgument, "there are " + std::to_string(patients.rows()) + " patients and " +
                                                    std::to_string(donors.rows()) +
                                                    " donors; give as many of both, or one of either");
    }
    Errors errors(all_errors);
    const unsigned threads = thread_count(request.threads);
    const std::size_t loci = request.loci.size();
    std::vector<std::unique_ptr<const LocusComparison>> comparisons(loci);
    std::vector<std::unique_ptr<const RowsOfLocus>> work(loci);
    std::vector<std::vector<std::uint8_t>> tables(loci);
    parallel_for(loci, threads, cancel, [&](std::size_t i) {
        const Locus locus = request.loci[i];
        comparisons[i] = std::make_unique<const LocusComparison>(
            nomenclature, patients.dictionary(locus), donors.dictionary(locus), request.policy, request.profile);
        const LocusComparison& comparison = *comparisons[i];
        report_unknown(
            nomenclature, Side::Patient, patients, locus, [&](TypingId t) { return comparison.unknown_of_patient(t); },
            errors);
        if (request.donor_required) {
            report_unknown(
                nomenclature, Side::Donor, donors, locus, [&](TypingId t) { return comparison.unknown_of_donor(t); },
                errors);
        }
        tables[i].resize(kDetailBytes * rows);
        work[i] = std::make_unique<const RowsOfLocus>(comparison, patients, donors, locus, rows, tables[i].data());
    });
    // As few parts as there are threads: each compares the typings that its rows have anew.
    const std::size_t parts = rows < 65'536 ? 1 : threads;
    parallel_for(loci * parts, threads, cancel, [&](std::size_t task) {
        const std::size_t part = task % parts;
        work[task / parts]->write(rows * part / parts, rows * (part + 1) / parts, cancel);
    });
    cancel.check();
    std::stable_sort(all_errors.begin(), all_errors.end(),
                     [](const CellError& a, const CellError& b) { return a.row < b.row; });
    return tables;
}

}  // namespace allomatch
