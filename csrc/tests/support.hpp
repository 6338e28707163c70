// What the tests share: small releases, donors as plain text, batches made of them, random ones, a folder that goes
// away.
#pragma once

#include <algorithm>
#include <array>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "allomatch/registry.hpp"

namespace support {

using namespace allomatch;

class Folder {
  public:
    Folder() {
        std::string name = (std::filesystem::temp_directory_path() / "allomatch-test-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make a folder " + name);
        path_ = name;
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    [[nodiscard]] std::filesystem::path operator/(std::string_view name) const { return path_ / name; }
    [[nodiscard]] std::vector<std::string> names() const {
        std::vector<std::string> found;
        for (const auto& entry : std::filesystem::directory_iterator(path_))
            found.push_back(entry.path().filename().string());
        std::sort(found.begin(), found.end());
        return found;
    }

  private:
    std::filesystem::path path_;
};

using Bytes = std::vector<char>;

inline Bytes read_bytes(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

inline void write_bytes(const std::filesystem::path& path, std::span<const char> bytes) {
    // A new file each time: some file systems wait for the disk when an old one is cut short and written again.
    std::filesystem::remove(path);
    std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

// ---- releases
// -------------------------------------------------------------------------------------------------------------

// A group file with a line of its own for every expressed allele that it does not speak of, as the official files have
// it.
inline std::string completed(std::string_view alleles, std::string_view groups) {
    std::string result(groups);
    for (std::size_t at = 0; at < alleles.size();) {
        const std::size_t end = alleles.find('\n', at);
        const std::string_view line = alleles.substr(at, end - at);
        at = end + 1;
        const std::size_t comma = line.find(',');
        const std::size_t star = line.find('*');
        if (star == std::string_view::npos || line.back() == 'N') continue;
        const std::string locus = std::string(line.substr(comma + 1, star - comma)).append(";");
        const std::string_view name = line.substr(star + 1);
        bool listed = false;
        for (std::size_t p = 0; p < groups.size() && !listed;) {
            const std::string_view group = groups.substr(p, groups.find('\n', p) - p);
            p += group.size() + 1;
            if (group.substr(0, locus.size()) != locus) continue;
            const std::string members =
                std::string("/").append(group.substr(locus.size(), group.rfind(';') - locus.size())).append("/");
            listed = members.find(std::string("/").append(name).append("/")) != std::string::npos;
        }
        if (!listed) result.append(locus).append(name).append(";\n");
    }
    return result;
}

inline std::shared_ptr<const Nomenclature> small_release(std::string_view alleles, std::string_view p = {},
                                                         std::string_view g = {}) {
    return Nomenclature::from_files("small", {alleles, completed(alleles, p), completed(alleles, g)});
}

// ---- donors
// ---------------------------------------------------------------------------------------------------------------

struct Donor {
    std::string id;
    std::array<std::string, kLocusCount> typings;         // the locus's part of a GL string; empty: untyped
    std::array<std::string, kAttributeCount> attributes;  // empty: null
};

inline std::string gl_of(const Donor& donor) {
    std::string gl;
    for (const std::string& part : donor.typings) {
        if (!part.empty()) gl.append(gl.empty() ? "" : "^").append(part);
    }
    return gl;
}

inline Phenotype phenotype_of(const Donor& donor) {
    return Phenotype::from_gl(gl_of(donor));
}

// How donors are laid out as columns; every layout must come to the same registry.
struct Layout {
    bool gl = true;  // one column of GL strings, or two a locus (then no typing may have alternatives)
    bool dictionary_encoded = false;
    bool nulls = false;  // blanks as nulls, with an offset into the validity bits
};

// Owns the columns of a batch.
class Batch {
  public:
    Batch(std::span<const Donor> donors, std::int64_t first_row, const Layout& layout) : layout_(layout) {
        view_.rows = donors.size();
        view_.first_row = first_row;
        view_.donor_id = column(donors, [](const Donor& d) { return d.id; });
        if (layout.gl) {
            view_.gl = column(donors, gl_of);
        } else {
            for (std::size_t l = 0; l < kLocusCount; ++l) {
                const auto half = [l](bool second) {
                    return [=](const Donor& d) {
                        const std::size_t plus = d.typings[l].find('+');
                        if (!second) return d.typings[l].substr(0, plus);
                        return plus == std::string::npos ? std::string() : d.typings[l].substr(plus + 1);
                    };
                };
                view_.loci[l] = {column(donors, half(false)), column(donors, half(true))};
            }
        }
        for (std::size_t a = 0; a < kAttributeCount; ++a) {
            const auto has = [a](const Donor& d) { return !d.attributes[a].empty(); };
            if (std::none_of(donors.begin(), donors.end(), has)) continue;
            view_.texts[a] = column(donors, [a](const Donor& d) { return d.attributes[a]; });
        }
    }
    [[nodiscard]] DonorBatch& view() { return view_; }

  private:
    struct Column {
        std::vector<std::int32_t> offsets{0};
        std::string bytes;
        std::vector<std::uint8_t> validity;
        std::vector<std::int32_t> indices;
    };

    template <typename Text>
    TextColumn column(std::span<const Donor> donors, Text text_of) {
        constexpr std::size_t kOffset = 3;
        Column& c = columns_.emplace_back();
        std::map<std::string, std::int32_t> entries;
        const auto append = [&](const std::string& text) {
            c.bytes += text;
            c.offsets.push_back(static_cast<std::int32_t>(c.bytes.size()));
        };
        if (layout_.nulls) c.validity.resize((donors.size() + kOffset) / 8 + 1);
        for (std::size_t row = 0; row < donors.size(); ++row) {
            const std::string text = text_of(donors[row]);
            const std::size_t bit = row + kOffset;
            if (layout_.nulls && !text.empty())
                c.validity[bit / 8] = static_cast<std::uint8_t>(c.validity[bit / 8] | 1U << (bit % 8));
            if (!layout_.dictionary_encoded) {
                append(text);
                continue;
            }
            const auto [it, fresh] = entries.try_emplace(text, static_cast<std::int32_t>(entries.size()));
            if (fresh) append(text);
            c.indices.push_back(it->second);
        }
        TextColumn view{c.offsets.data(), c.bytes.data()};
        if (layout_.nulls) {
            view.validity = c.validity.data();
            view.validity_offset = kOffset;
        }
        if (layout_.dictionary_encoded) {
            view.indices = c.indices.data();
            view.dictionary_size = entries.size();
        }
        return view;
    }

    Layout layout_;
    std::deque<Column> columns_;
    DonorBatch view_;
};

struct BuildOptions {
    Layout layout = {};
    std::size_t batch_rows = SIZE_MAX;
    unsigned threads = 1;
    bool replace = false;
};

inline void add_all(RegistryBuilder& builder, std::span<const Donor> donors, const BuildOptions& options,
                    std::vector<RowError>& errors, std::int64_t first_row = 0) {
    for (std::size_t row = 0; row < donors.size();) {
        const std::size_t count = std::min(options.batch_rows, donors.size() - row);
        Batch batch(donors.subspan(row, count), first_row + static_cast<std::int64_t>(row), options.layout);
        builder.add_batch(batch.view(), options.threads, Cancel(), errors);
        row += count;
    }
}

// Writes a registry of `donors`; returns the rows that were rejected.
inline std::vector<RowError> build(const std::filesystem::path& path, std::span<const Donor> donors,
                                   const BuildOptions& options = {}) {
    RegistryBuilder builder;
    std::vector<RowError> errors;
    std::vector<RowWarning> warnings;
    add_all(builder, donors, options, errors);
    static_cast<void>(builder.finish(path, options.replace, options.threads, Cancel(), errors, warnings));
    return errors;
}

inline std::shared_ptr<const Segment> segment_of(const Folder& folder, std::span<const Donor> donors,
                                                 std::string_view name = "segment") {
    const auto path = folder / name;
    static_cast<void>(build(path, donors));
    return Segment::open(path, Validate::Full);
}

// ---- random donors
// --------------------------------------------------------------------------------------------------------

struct Mix {
    unsigned first_fields = 4, second_fields = 4;                        // how many alleles there are
    unsigned untyped = 10, ambiguous = 20, alternatives = 5, nulls = 5;  // per cent
    std::vector<Locus> loci = {Locus::A, Locus::B, Locus::C, Locus::DRB1, Locus::DQB1};
};

// Few typings a locus: thousands of donors share the upper part of the trie, so that it gets levels of nodes.
inline Mix deep_mix() {
    Mix mix;
    mix.first_fields = mix.second_fields = 2;
    mix.ambiguous = mix.nulls = mix.alternatives = 1;
    return mix;
}

inline bool chance(std::mt19937& random, unsigned per_cent) {
    return random() % 100 < per_cent;
}

// Text and a number, without the operator + that g++ 12 warns about for no reason (its bug 105651).
inline std::string numbered(std::string_view text, std::size_t number) {
    return std::string(text).append(std::to_string(number));
}

inline std::string two_digits(unsigned value) {
    return numbered(value < 10 ? "0" : "", value);
}

// `gene`: at DRB345, the gene that the names are of.
inline std::string random_position(Locus locus, const Mix& mix, std::mt19937& random, std::string_view gene = "DRB3") {
    // The smaller of two draws: a few alleles are frequent, as among people.
    const auto draw = [&](unsigned n) { return 1 + static_cast<unsigned>(std::min(random() % n, random() % n)); };
    const std::string star = std::string(locus == Locus::DRB345 ? gene : locus_name(locus)) + "*";
    const auto allele = [&] {
        return star + two_digits(draw(mix.first_fields)) + ":" + two_digits(draw(mix.second_fields));
    };
    if (chance(random, mix.nulls)) return allele() + "N";
    if (!chance(random, mix.ambiguous)) return allele();
    switch (random() % 4) {
        case 0:
            return star + two_digits(draw(mix.first_fields)) + ":XX";
        case 1:
            return allele() + "/" + allele() + "/" + allele() + "N";
        case 2:
            return allele() + ":01G";
        default:
            return allele() + "/" + allele();
    }
}

inline std::string random_typing(Locus locus, const Mix& mix, std::mt19937& random) {
    if (chance(random, mix.untyped)) return {};
    std::string text;
    do {
        text.append(text.empty() ? "" : "|").append(random_position(locus, mix, random));
        text.append("+").append(random_position(locus, mix, random, "DRB4"));
    } while (chance(random, mix.alternatives));
    return text;
}

inline std::vector<Donor> random_donors(std::size_t count, const Mix& mix, std::mt19937& random,
                                        std::string_view prefix = "D") {
    std::vector<Donor> donors(count);
    std::vector<std::size_t> numbers(count);
    for (std::size_t i = 0; i < count; ++i) numbers[i] = i;
    std::shuffle(numbers.begin(), numbers.end(), random);
    for (std::size_t i = 0; i < count; ++i) {
        Donor& donor = donors[i];
        donor.id = numbered(prefix, numbers[i]);
        for (const Locus locus : mix.loci) donor.typings[index_of(locus)] = random_typing(locus, mix, random);
    }
    return donors;
}

inline void add_random_attributes(std::vector<Donor>& donors, std::mt19937& random) {
    const auto one_of = [&](std::initializer_list<const char*> values) {
        return std::string(std::data(values)[random() % values.size()]);
    };
    for (Donor& donor : donors) {
        auto& a = donor.attributes;
        if (chance(random, 90)) a[0] = std::to_string(1950 + random() % 60);
        if (chance(random, 90)) a[1] = one_of({"F", "M"});
        if (chance(random, 50)) a[2] = one_of({"positive", "negative", "?"});
        if (chance(random, 80)) a[3] = one_of({"A", "B", "AB", "O"});
        if (chance(random, 80)) a[4] = one_of({"P", "N"});
        if (chance(random, 80)) a[5] = std::to_string(1000 + random() % 9000);
        if (chance(random, 30)) a[6] = one_of({"EU", "AF", "caf\xc3\xa9"});
        // donor_type stays null for everyone.
        if (chance(random, 30)) a[8] = one_of({"AV", "TU", "RS"});
        if (chance(random, 20)) a[9] = std::to_string(random() % 400) + ".25";
        if (chance(random, 20)) a[10] = std::to_string(random() % 10) + ".5";
    }
}

}  // namespace support
