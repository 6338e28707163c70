// Gathering of donors: batches of columns are checked, interned and appended; bad rows are set aside with their reason.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <deque>
#include <limits>
#include <mutex>

#include "allomatch/mapped_file.hpp"
#include "allomatch/registry.hpp"
#include "donors.hpp"

namespace allomatch {

Donors::Donors() {
    for (std::size_t l = 0; l < kLocusCount; ++l) interners.emplace_back(static_cast<Locus>(l));
}

void Donors::append_id(std::string_view id) {
    constexpr std::size_t kMost = 0xfffffffe;
    if (id_text.size() + id.size() > kMost || count() >= kMost) {
        throw Error(ErrorCode::TooManyRows,
                    "a registry file holds at most 4294967294 donors and 4 GiB of donor ids; at donor " + shown(id) +
                        " split the input into several registries");
    }
    id_text.insert(id_text.end(), id.begin(), id.end());
    id_offsets.push_back(static_cast<std::uint32_t>(id_text.size()));
}

std::string cut(std::string_view text) {
    std::size_t length = std::min<std::size_t>(text.size(), 200);
    while (length < text.size() && (static_cast<unsigned char>(text[length]) & 0xc0U) == 0x80) --length;
    return std::string(text.substr(0, length)) + (length < text.size() ? "..." : "");
}

RegistryBuilder::RegistryBuilder() : donors_(std::make_unique<Donors>()) {}
RegistryBuilder::~RegistryBuilder() = default;

void RegistryBuilder::require_known(std::shared_ptr<const Nomenclature> nomenclature) {
    for (TypingInterner& interner : donors_->interners) interner.require_known(nomenclature);
}

namespace {

constexpr std::size_t kLongestId = 64;
constexpr std::size_t kLongestCategory = 64;

// The errors of one batch: the first one of each row and task, merged in the order of rows at the end.
class BatchErrors {
  public:
    explicit BatchErrors(const DonorBatch& batch) : batch_(batch), bad_(batch.rows) {}

    void add(std::size_t row, std::string_view field, std::string_view value, ErrorCode code,
             const std::string& message) {
        const std::lock_guard lock(mutex_);
        const std::string_view id = batch_.donor_id[row];
        errors_.push_back({batch_.first_row + static_cast<std::int64_t>(row), is_utf8(id) ? cut(id) : shown(id),
                           std::string(field), is_utf8(value) ? cut(value) : shown(value), code, message});
        bad_[row] = 1;
    }
    // Of a typing that cannot be read: bytes that are no text are told as that, not as names.
    void add_typing(std::size_t row, std::string_view field, std::string_view value, const Error& error) {
        if (is_utf8(value)) {
            add(row, field, value, error.code(), error.what());
        } else {
            add(row, field, value, ErrorCode::InvalidText,
                "the typing " + shown(value) + " is not UTF-8; convert the input");
        }
    }
    [[nodiscard]] bool bad(std::size_t row) const noexcept { return bad_[row] != 0; }
    [[nodiscard]] bool any() const noexcept { return !errors_.empty(); }
    void move_to(std::vector<RowError>& errors) {
        std::sort(errors_.begin(), errors_.end(), [](const RowError& a, const RowError& b) {
            return a.row != b.row ? a.row < b.row : a.field < b.field;
        });
        errors.insert(errors.end(), std::make_move_iterator(errors_.begin()), std::make_move_iterator(errors_.end()));
    }

  private:
    const DonorBatch& batch_;
    std::mutex mutex_;
    std::vector<RowError> errors_;
    std::vector<std::uint8_t> bad_;
};

void check_ids(const DonorBatch& batch, BatchErrors& errors) {
    for (std::size_t row = 0; row < batch.rows; ++row) {
        const std::string_view id = batch.donor_id[row];
        if (trim_blanks(id).empty()) {
            errors.add(row, "donor_id", id, ErrorCode::MissingValue, "the donor id is blank; every donor needs one");
        } else if (id.size() > kLongestId) {
            errors.add(
                row, "donor_id", id, ErrorCode::ValueOutOfRange,
                "the donor id " + shown(id) + " is longer than " + std::to_string(kLongestId) + " bytes; shorten it");
        } else if (!is_utf8(id)) {
            errors.add(row, "donor_id", id, ErrorCode::InvalidText,
                       "the donor id " + shown(id) + " is not UTF-8; convert the input");
        }
    }
}

using Row = std::vector<std::uint32_t>;

void intern_pairs(const DonorBatch& batch, const std::array<TextColumn, 2>& columns, Locus locus,
                  TypingInterner& interner, Row& typings, BatchErrors& errors) {
    // A dictionary-encoded column has its few texts looked up once a batch.
    std::array<std::vector<std::uint32_t>, 2> known;
    for (std::size_t side = 0; side < 2; ++side) {
        if (columns[side].indices == nullptr) continue;
        for (std::size_t i = 0; i < columns[side].dictionary_size; ++i) {
            known[side].push_back(interner.position_text(columns[side].entry(i)));
        }
    }
    const std::uint32_t blank = interner.position_text({});
    for (std::size_t row = 0; row < batch.rows; ++row) {
        std::array<std::uint32_t, 2> texts{blank, blank};
        for (std::size_t side = 0; side < 2; ++side) {
            const TextColumn& column = columns[side];
            if (!column.valid(row)) continue;
            texts[side] = column.indices != nullptr ? known[side][static_cast<std::size_t>(column.indices[row])]
                                                    : interner.position_text(column[row]);
        }
        try {
            typings[row] = interner.pair(texts[0], texts[1]);
        } catch (const Error& error) {
            errors.add_typing(row, locus_name(locus), std::string(columns[0][row]) + "+" + std::string(columns[1][row]),
                              error);
        }
    }
}

// Where each locus of each row's GL string is; `own` holds the texts of rows that are phased.
struct GlCells {
    std::array<std::vector<std::string_view>, kLocusCount> text;
    std::deque<std::string> own;
    std::vector<bool> phased;  // by row; none if there are no GL strings
};

GlCells split_rows(const DonorBatch& batch, BatchErrors& errors) {
    GlCells cells;
    for (auto& column : cells.text) column.resize(batch.rows);
    cells.phased.resize(batch.rows);
    for (std::size_t row = 0; row < batch.rows; ++row) {
        const std::string_view text = (*batch.gl)[row];
        try {
            const std::vector<GlPart> parts = split_gl(text);
            if (std::none_of(parts.begin(), parts.end(), [](const GlPart& part) { return part.phased; })) {
                for (const GlPart& part : parts) cells.text[index_of(part.locus)][row] = part.text;
                continue;
            }
            const Phenotype phenotype = Phenotype::from_gl(text);
            for (std::size_t l = 0; l < kLocusCount; ++l) {
                const auto locus = static_cast<Locus>(l);
                if (phenotype[locus].untyped()) continue;
                cells.text[l][row] = cells.own.emplace_back(to_text(locus, phenotype[locus]));
            }
            cells.phased[row] = true;
        } catch (const Error& error) {
            errors.add_typing(row, "gl", text, error);
        }
    }
    return cells;
}

void intern_gl(const DonorBatch& batch, const std::vector<std::string_view>& cells, Locus locus,
               TypingInterner& interner, Row& typings, BatchErrors& errors) {
    for (std::size_t row = 0; row < batch.rows; ++row) {
        const std::string_view text = cells[row];
        if (text.empty()) continue;
        try {
            typings[row] = interner.gl(text);
        } catch (const Error& error) {
            errors.add_typing(row, locus_name(locus), text, error);
        }
    }
}

// Types DRB345 by its genes and back. Left alone: rows of no use, and phased ones, which were read as whole phenotypes.
void complete_drb345(const DonorBatch& batch, const GlCells& cells, Donors& donors,
                     std::array<Row, kLocusCount>& typings, BatchErrors& errors) {
    constexpr auto& kLoci = Drb345Rows::kLoci;
    const auto given = [&](Locus locus) { return !typings[index_of(locus)].empty(); };
    if (std::none_of(kLoci.begin(), kLoci.end(), given)) return;
    const auto interner = [&](Locus locus) { return std::ref(donors.interners[index_of(locus)]); };
    const Drb345Rows::Interners interners{interner(kLoci[0]), interner(kLoci[1]), interner(kLoci[2]),
                                          interner(kLoci[3])};
    for (const Locus locus : kLoci) typings[index_of(locus)].resize(batch.rows);
    for (std::size_t row = 0; row < batch.rows; ++row) {
        if (errors.bad(row) || (batch.gl && cells.phased[row])) continue;
        Drb345Rows::Ids ids{};
        std::array<bool, kLoci.size()> both_said{};
        for (std::size_t i = 0; i < kLoci.size(); ++i) {
            const std::size_t l = index_of(kLoci[i]);
            ids[i] = typings[l][row];
            if (ids[i] == 0) continue;
            both_said[i] =
                batch.gl ? says_both_positions(cells.text[l][row]) : !trim_blanks((*batch.loci[l])[1][row]).empty();
        }
        try {
            ids = donors.drb345.completed(ids, both_said, interners);
        } catch (const Error& error) {
            const std::string value = to_text(Locus::DRB345, interners.back().get().typing_of(ids.back()));
            errors.add(row, locus_name(Locus::DRB345), value, error.code(), error.what());
        }
        for (std::size_t i = 0; i < kLoci.size(); ++i) typings[index_of(kLoci[i])][row] = ids[i];
    }
}

// "A B AB O": true if `value`, upper case, is one of the words.
bool is_word_of(std::string_view words, std::string_view value) noexcept {
    while (!words.empty()) {
        const std::size_t end = words.find(' ');
        if (words.substr(0, end) == value) return true;
        if (end == std::string_view::npos) return false;
        words.remove_prefix(end + 1);
    }
    return false;
}

void read_category(const DonorBatch& batch, const TextColumn& column, const AttributeSpec& spec,
                   DonorAttribute& attribute, std::vector<std::uint16_t>& codes, BatchErrors& errors) {
    std::string value;
    for (std::size_t row = 0; row < batch.rows; ++row) {
        const std::string_view given = column[row];
        const std::string_view text = trim_blanks(given);
        if (text.empty()) continue;
        value = text;
        if (!spec.allowed.empty()) {
            for (char& c : value) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
            if (!is_word_of(spec.allowed, value)) {
                errors.add(row, spec.name, given, ErrorCode::ValueOutOfRange,
                           shown(given) + " is not a value of " + std::string(spec.name) + "; use one of " +
                               std::string(spec.allowed) + " or leave it blank");
                continue;
            }
        }
        const bool long_one = value.size() > kLongestCategory;
        if (long_one || !is_utf8(value)) {
            errors.add(row, spec.name, given, long_one ? ErrorCode::ValueOutOfRange : ErrorCode::InvalidText,
                       "the value " + shown(given) + " of " + std::string(spec.name) +
                           (long_one ? " is longer than " + std::to_string(kLongestCategory) + " bytes; shorten it"
                                     : " is not UTF-8; convert the input"));
            continue;
        }
        const std::uint32_t code = attribute.categories.intern(value).number;
        if (code >= kNoCategory) {
            errors.add(row, spec.name, given, ErrorCode::TooManyValues,
                       "more than 65535 distinct values of " + std::string(spec.name) + "; group them");
            continue;
        }
        codes[row] = static_cast<std::uint16_t>(code);
    }
}

// `given`: makes the text of the value for a message.
template <typename T, typename Given>
void read_value(std::size_t row, double value, Given given, const AttributeSpec& spec, std::vector<T>& values,
                BatchErrors& errors) {
    if (value >= spec.least && value <= spec.greatest && (!std::is_integral_v<T> || value == std::floor(value))) {
        values[row] = static_cast<T>(value + 0.0);  // -0.0 is 0.0: equal donors, equal bytes
        return;
    }
    const std::string text(given());
    errors.add(row, spec.name, text, ErrorCode::ValueOutOfRange,
               shown(text) + " is not a value of " + std::string(spec.name) + " (a number from " +
                   std::to_string(static_cast<long>(spec.least)) + " to " +
                   std::to_string(static_cast<long>(spec.greatest)) + "); correct it or leave it blank");
}

template <typename T>
void read_numbers(const DonorBatch& batch, const NumberColumn& column, const AttributeSpec& spec,
                  std::vector<T>& values, BatchErrors& errors) {
    for (std::size_t row = 0; row < batch.rows; ++row) {
        const double value = column.values[row];
        // Not a number is what pandas writes for "no value".
        if (!column.valid(row) || std::isnan(value)) continue;
        const auto given = [&] {
            std::array<char, 32> digits{};
            const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
            return std::string(digits.data(), end);
        };
        read_value(row, value, given, spec, values, errors);
    }
}

// Numbers that came as text, from a CSV file for example.
template <typename T>
void read_number_texts(const DonorBatch& batch, const TextColumn& column, const AttributeSpec& spec,
                       std::vector<T>& values, BatchErrors& errors) {
    for (std::size_t row = 0; row < batch.rows; ++row) {
        const std::string_view text = trim_blanks(column[row]);
        if (text.empty()) continue;
        double value = 0;
        const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
        const bool whole = problem == std::errc() && end == text.data() + text.size();
        read_value(row, whole ? value : std::nan(""), [&] { return text; }, spec, values, errors);
    }
}

// Appends the good rows of `batch_values` to a column that is kept empty as long as all of it is `none`.
template <typename T>
void append_good(std::vector<T>& column, std::size_t donors_before, const std::vector<T>& batch_values, T none,
                 const BatchErrors& errors) {
    const auto is_none = [&](T v) { return v == none || (v != v && none != none); };
    if (column.empty() && std::all_of(batch_values.begin(), batch_values.end(), is_none)) return;
    column.resize(donors_before, none);
    for (std::size_t row = 0; row < batch_values.size(); ++row) {
        if (!errors.bad(row)) column.push_back(batch_values[row]);
    }
}

// A column that stayed empty in this batch but has entries from before.
template <typename T>
void fill_up(std::vector<T>& column, std::size_t donors, T none) {
    if (!column.empty()) column.resize(donors, none);
}

constexpr float kNoFloat = std::numeric_limits<float>::quiet_NaN();

}  // namespace

void RegistryBuilder::add_batch(const DonorBatch& batch, unsigned threads, const Cancel& cancel,
                                std::vector<RowError>& errors) {
    Donors& donors = *donors_;
    BatchErrors batch_errors(batch);
    check_ids(batch, batch_errors);
    GlCells cells;
    if (batch.gl) cells = split_rows(batch, batch_errors);

    std::array<Row, kLocusCount> typings;
    struct Values {
        std::vector<std::int16_t> ints;
        std::vector<float> floats;
        std::vector<std::uint16_t> codes;
    };
    std::array<Values, kAttributeCount> values;
    const auto specs = attribute_specs();
    parallel_for(kLocusCount + kAttributeCount, thread_count(threads), cancel, [&](std::size_t task) {
        if (task < kLocusCount) {
            const auto locus = static_cast<Locus>(task);
            if (!batch.gl && !batch.loci[task]) return;
            typings[task].resize(batch.rows);
            if (batch.gl) {
                intern_gl(batch, cells.text[task], locus, donors.interners[task], typings[task], batch_errors);
            } else {
                intern_pairs(batch, *batch.loci[task], locus, donors.interners[task], typings[task], batch_errors);
            }
            return;
        }
        const std::size_t a = task - kLocusCount;
        const auto numbers = [&](auto& column, auto none) {
            column.assign(batch.rows, none);
            if (batch.numbers[a]) read_numbers(batch, *batch.numbers[a], specs[a], column, batch_errors);
            if (batch.texts[a]) read_number_texts(batch, *batch.texts[a], specs[a], column, batch_errors);
        };
        if (!batch.texts[a] && !batch.numbers[a]) return;
        switch (specs[a].kind) {
            case AttributeKind::Int16:
                numbers(values[a].ints, kNoInt);
                break;
            case AttributeKind::Float32:
                numbers(values[a].floats, kNoFloat);
                break;
            case AttributeKind::Category:
                values[a].codes.assign(batch.rows, kNoCategory);
                read_category(batch, *batch.texts[a], specs[a], donors.attributes[a], values[a].codes, batch_errors);
                break;
        }
    });

    complete_drb345(batch, cells, donors, typings, batch_errors);

    const std::size_t before = donors.count();
    for (std::size_t row = 0; row < batch.rows; ++row) {
        if (batch_errors.bad(row)) continue;
        if (batch.gl && cells.phased[row]) donors.phased.push_back(static_cast<std::uint32_t>(donors.count()));
        donors.append_id(batch.donor_id[row]);
        donors.input_rows.push_back(batch.first_row + static_cast<std::int64_t>(row));
    }
    for (std::size_t l = 0; l < kLocusCount; ++l) {
        append_good(donors.typings[l], before, typings[l], std::uint32_t{0}, batch_errors);
        fill_up(donors.typings[l], donors.count(), std::uint32_t{0});
    }
    for (std::size_t a = 0; a < kAttributeCount; ++a) {
        append_good(donors.attributes[a].ints, before, values[a].ints, kNoInt, batch_errors);
        fill_up(donors.attributes[a].ints, donors.count(), kNoInt);
        append_good(donors.attributes[a].floats, before, values[a].floats, kNoFloat, batch_errors);
        fill_up(donors.attributes[a].floats, donors.count(), kNoFloat);
        append_good(donors.attributes[a].codes, before, values[a].codes, kNoCategory, batch_errors);
        fill_up(donors.attributes[a].codes, donors.count(), kNoCategory);
    }
    batch_errors.move_to(errors);
}

void RegistryBuilder::close() noexcept {
    lock_.reset();
}

void RegistryBuilder::extend(const std::filesystem::path& path, const Cancel& cancel) {
    lock_ = std::make_unique<FileLock>(path);
    // Every byte is checked: what is copied from a damaged file would be damaged with a good checksum.
    add_segment(*Segment::open(path, Validate::Full, cancel), cancel);
}

void RegistryBuilder::add_segment(const Segment& segment, const Cancel& cancel) {
    Donors& donors = *donors_;
    const std::size_t before = donors.count();
    const std::size_t rows = segment.donor_count();
    for (std::uint32_t row = 0; row < rows; ++row) {
        if (row % 65'536 == 0) cancel.check();
        donors.append_id(segment.donor_id(DonorRow{row}));
        donors.input_rows.push_back(-1);
    }
    const TrieView& trie = segment.trie();
    for (const Locus locus : trie.order) {
        const DictionaryView& dictionary = segment.dictionary(locus);
        std::vector<std::uint32_t> ids;
        for (std::uint32_t t = 0; t < dictionary.typing_count(); ++t) {
            ids.push_back(donors.interners[index_of(locus)].typing(dictionary.typing(TypingId{t})));
        }
        std::vector<std::uint32_t>& column = donors.typings[index_of(locus)];
        column.resize(before + rows);
        const std::vector<TypingId> typings = segment.typings_of_phenotypes(locus);
        for (std::uint32_t p = 0; p < typings.size(); ++p) {
            if (p % 65'536 == 0) cancel.check();
            const std::uint32_t id = ids[typings[p].value];
            std::fill(column.begin() + static_cast<std::ptrdiff_t>(before + trie.rows[p]),
                      column.begin() + static_cast<std::ptrdiff_t>(before + trie.rows[p + 1]), id);
        }
    }
    for (std::size_t a = 0; a < kAttributeCount; ++a) {
        const AttributeColumn& column = segment.attribute(a);
        DonorAttribute& attribute = donors.attributes[a];
        if (!column.present) continue;
        attribute.ints.resize(column.ints.empty() ? 0 : before, kNoInt);
        attribute.ints.insert(attribute.ints.end(), column.ints.begin(), column.ints.end());
        attribute.floats.resize(column.floats.empty() ? 0 : before, kNoFloat);
        attribute.floats.insert(attribute.floats.end(), column.floats.begin(), column.floats.end());
        std::vector<std::uint16_t> codes;
        for (const std::string_view value : column.categories) {
            codes.push_back(static_cast<std::uint16_t>(attribute.categories.intern(value).number));
        }
        attribute.codes.resize(column.codes8.empty() && column.codes16.empty() ? 0 : before, kNoCategory);
        for (const std::uint8_t code : column.codes8)
            attribute.codes.push_back(code == 0xff ? kNoCategory : codes[code]);
        for (const std::uint16_t code : column.codes16)
            attribute.codes.push_back(code == kNoCategory ? kNoCategory : codes[code]);
    }
    for (auto& column : donors.typings) fill_up(column, donors.count(), std::uint32_t{0});
    for (auto& attribute : donors.attributes) {
        fill_up(attribute.ints, donors.count(), kNoInt);
        fill_up(attribute.floats, donors.count(), kNoFloat);
        fill_up(attribute.codes, donors.count(), kNoCategory);
    }
}

std::size_t RegistryBuilder::finish(const std::filesystem::path& path, bool replace, unsigned threads,
                                    const Cancel& cancel, std::vector<RowError>& errors,
                                    std::vector<RowWarning>& warnings) {
    return write_segment(*donors_, path, replace, thread_count(threads), cancel, errors, warnings);
}

}  // namespace allomatch
