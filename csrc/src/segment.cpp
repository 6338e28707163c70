// Opening a segment: the views over a mapped file, and the checks that make them safe to use.
#include <algorithm>
#include <map>

#include "allomatch/mapped_file.hpp"
#include "allomatch/registry.hpp"
#include "segment_format.hpp"
#include "typing_classes.hpp"

namespace allomatch {

namespace {

constexpr std::array<AttributeSpec, kAttributeCount> kAttributes = {{
    {"birth_year", AttributeKind::Int16, 1900, 2100, {}},
    {"sex", AttributeKind::Category, 0, 0, "F M"},
    {"cmv", AttributeKind::Category, 0, 0, {}},
    {"abo", AttributeKind::Category, 0, 0, "A B AB O"},
    {"rh", AttributeKind::Category, 0, 0, "P N"},
    {"ion", AttributeKind::Int16, 1000, 9999, {}},
    {"ethnicity", AttributeKind::Category, 0, 0, {}},
    {"donor_type", AttributeKind::Category, 0, 0, {}},
    {"status", AttributeKind::Category, 0, 0, {}},
    {"tnc_e7", AttributeKind::Float32, 0, 1e6, {}},
    {"cd34_e6", AttributeKind::Float32, 0, 1e6, {}},
    // Antigens that were reported beside DNA.
    {"serology_A", AttributeKind::Category, 0, 0, {}},
    {"serology_B", AttributeKind::Category, 0, 0, {}},
    {"serology_C", AttributeKind::Category, 0, 0, {}},
    {"serology_DRB1", AttributeKind::Category, 0, 0, {}},
    {"serology_DQB1", AttributeKind::Category, 0, 0, {}},
}};

constexpr std::array<std::uint32_t, 2> kNoTypings{0, 0};
constexpr std::array<std::uint32_t, 1> kNoPositions{0};

bool strictly_ascending(std::span<const std::uint32_t> offsets) noexcept {
    return std::adjacent_find(offsets.begin(), offsets.end(), [](auto a, auto b) { return a >= b; }) == offsets.end();
}

// The typing ids of a phenotype's last levels and the rows are trusted after a Full check, or by choice after a Header
// one.
bool ascending(std::span<const std::uint32_t> offsets, std::size_t end) noexcept {
    return !offsets.empty() && offsets.front() == 0 && offsets.back() == end &&
           std::is_sorted(offsets.begin(), offsets.end());
}

bool all_below(std::span<const std::uint32_t> values, std::size_t limit) noexcept {
    return std::all_of(values.begin(), values.end(), [=](std::uint32_t v) { return v < limit; });
}

}  // namespace

std::span<const AttributeSpec, kAttributeCount> attribute_specs() noexcept {
    return kAttributes;
}

// Blocks by name, typed and with the path for messages.
struct Segment::Directory {
    std::string path;
    std::span<const std::byte> bytes;
    format::Parsed parsed;
    std::map<std::string_view, const format::Entry*> by_name;

    [[noreturn]] void corrupt(const std::string& what) const {
        throw Error(ErrorCode::CorruptFile, "corrupt registry file " + shown_path(path) + ": " + what +
                                                "; restore it from a copy, or index the donors again");
    }
    [[nodiscard]] const format::Entry* find(const std::string& name) const {
        const auto it = by_name.find(name);
        return it == by_name.end() ? nullptr : it->second;
    }
    template <typename T>
    [[nodiscard]] std::span<const T> get(const std::string& name, format::Element element) const {
        const format::Entry* entry = find(name);
        if (entry == nullptr) corrupt("block " + shown(name) + " is missing");
        if (entry->element != element) corrupt("block " + shown(name) + " holds another type of element");
        // Blocks begin at multiples of 64 in a page-aligned mapping, so the cast meets any T's alignment.
        return {reinterpret_cast<const T*>(bytes.data() + entry->offset), entry->bytes / sizeof(T)};
    }
    [[nodiscard]] std::span<const std::uint32_t> u32(const std::string& name) const {
        return get<std::uint32_t>(name, format::Element::U32);
    }
    // Marks over `things`, which are checked as they are counted: what is found by them is there.
    [[nodiscard]] Marks marks(const std::string& name, std::size_t things) const {
        const auto words = get<std::uint64_t>(name, format::Element::U64);
        if (words.size() != (things + 63) / 64) corrupt("block " + shown(name) + " has another length than its column");
        Marks result(words, things);
        if (!result.sound()) corrupt("block " + shown(name) + " contradicts itself");
        return result;
    }
    [[nodiscard]] std::string_view text(const std::string& name) const {
        const auto chars = get<char>(name, format::Element::Text);
        return {chars.data(), chars.size()};
    }
    // A small block that is read at open: its checksum is always checked, so that what we parse is what was written.
    void check(const std::string& name) const {
        if (const format::Entry* entry = find(name)) format::check_block(bytes, *entry, path);
    }
    [[nodiscard]] std::vector<std::string_view> strings(const std::string& name) const {
        check(name + ".offsets");
        check(name + ".text");
        const auto offsets = u32(name + ".offsets");
        const std::string_view all = text(name + ".text");
        if (!ascending(offsets, all.size())) corrupt("block " + shown(name + ".offsets") + " is not ascending");
        std::vector<std::string_view> result;
        for (std::size_t i = 0; i + 1 < offsets.size(); ++i) {
            result.push_back(all.substr(offsets[i], offsets[i + 1] - offsets[i]));
            if (!is_utf8(result.back())) corrupt("block " + shown(name + ".text") + " is not UTF-8");
        }
        return result;
    }
};

std::shared_ptr<const Segment> Segment::open(const std::filesystem::path& path, Validate validate,
                                             const Cancel& cancel) {
    return std::shared_ptr<const Segment>(new Segment(path, validate, cancel));
}

Segment::~Segment() = default;

Segment::Segment(const std::filesystem::path& path, Validate validate, const Cancel& cancel)
    : file_(std::make_unique<MappedFile>(path)), directory_(std::make_unique<Directory>()) {
    Directory& directory = *directory_;
    directory.path = path.string();
    directory.bytes = file_->bytes();
    directory.parsed = format::parse(directory.bytes, directory.path);
    for (const format::Entry& entry : directory.parsed.entries) {
        cancel.check();
        if (validate == Validate::Full) format::check_block(directory.bytes, entry, directory.path);
        if (!directory.by_name.emplace(format::entry_name(entry), &entry).second) {
            directory.corrupt("block " + shown(format::entry_name(entry)) + " is there twice");
        }
    }
    donor_offsets_ = directory.u32("donors.ids.offsets");
    donor_text_ = directory.text("donors.ids.text");
    donor_ranks_ = directory.u32("donors.ranks");
    const std::size_t donors = directory.parsed.head.donor_count;
    if (donor_ranks_.size() != donors || donor_offsets_.size() != donors + 1) {
        directory.corrupt("the donor columns differ in length from the head's count of donors");
    }
    read_trie(directory);
    for (std::size_t l = 0; l < kLocusCount; ++l) read_dictionary(directory, static_cast<Locus>(l));
    read_rows_below(directory);
    read_postings(directory);
    read_attributes(directory);
    if (validate == Validate::Full) {
        format::check_padding(directory.bytes, directory.parsed, directory.path);
        check_contents(cancel);
    }
}

void Segment::read_dictionary(const Directory& directory, Locus locus) {
    const std::size_t l = index_of(locus);
    DictionaryView& view = dictionaries_[l];
    view.locus = locus;
    view.position_offsets = kNoPositions;
    view.typing_offsets = kNoTypings;
    singles_[l] = 1;
    if (std::find(trie_.order.begin(), trie_.order.end(), locus) == trie_.order.end()) return;
    const std::string prefix(locus_name(locus));
    for (const std::string_view text : directory.strings(prefix + ".names")) {
        try {
            names_[l].push_back(parse_name(locus, text));
        } catch (const Error& error) {
            directory.corrupt(error.what());
        }
    }
    for (const char* part : {".positions.offsets", ".positions.names", ".typings.offsets", ".typings.pairs"}) {
        directory.check(prefix + part);
    }
    view.names = names_[l];
    view.position_offsets = directory.u32(prefix + ".positions.offsets");
    view.position_names = directory.u32(prefix + ".positions.names");
    view.typing_offsets = directory.u32(prefix + ".typings.offsets");
    const auto pairs = directory.u32(prefix + ".typings.pairs");
    static_assert(sizeof(PositionPair) == 8 && std::is_trivially_copyable_v<PositionPair>);
    view.pairs = {reinterpret_cast<const PositionPair*>(pairs.data()), pairs.size() / 2};
    typing_donors_[l] = directory.u32(prefix + ".typings.donors");
    const bool sound = ascending(view.position_offsets, view.position_names.size()) &&
                       ascending(view.typing_offsets, view.pairs.size()) && view.typing_offsets.size() >= 2 &&
                       view.typing_offsets[1] == 0 && strictly_ascending(view.position_offsets) &&
                       strictly_ascending(view.typing_offsets.subspan(1)) &&
                       all_below(view.position_names, view.names.size()) && all_below(pairs, view.position_count()) &&
                       typing_donors_[l].size() == view.typing_count();
    if (!sound) directory.corrupt("the dictionary of locus " + prefix + " contradicts itself");
    // Typing t in [1, n) has one genotype exactly as long as offsets[t + 1] == t.
    std::size_t low = 1;
    std::size_t high = view.typing_count();
    while (low < high) {
        const std::size_t middle = (low + high) / 2;
        if (view.typing_offsets[middle + 1] == middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    singles_[l] = low;
}

void Segment::read_trie(const Directory& directory) {
    directory.check("trie.order");
    const auto order = directory.get<std::uint8_t>("trie.order", format::Element::U8);
    for (const std::uint8_t locus : order) {
        if (locus >= kLocusCount) directory.corrupt("the trie names an unknown locus");
        trie_.order.push_back(static_cast<Locus>(locus));
    }
    trie_.rows = directory.marks("trie.rows", donor_count());
    for (std::size_t i = 0; i < order.size(); ++i) {
        const std::string name = "trie." + std::string(locus_name(trie_.order[i]));
        if (directory.find(name + ".children") == nullptr) continue;
        if (trie_.levels.size() != i)
            directory.corrupt("block " + shown(name + ".children") + " is below a locus without nodes");
        trie_.levels.push_back({directory.u32(name + ".typings"), directory.u32(name + ".children")});
        if (trie_.levels.back().children.size() != trie_.levels.back().typings.size() + 1) {
            directory.corrupt("block " + shown(name + ".children") + " has another length than its level");
        }
    }
    for (std::size_t i = 0; i < trie_.levels.size(); ++i) {
        const std::size_t next = i + 1 < trie_.levels.size() ? trie_.levels[i + 1].typings.size() : phenotype_count();
        if (trie_.levels[i].children.back() != next)
            directory.corrupt("a level of the trie does not end at its last child");
    }
    if (trie_.levels.empty()) return;
    trie_.nodes = directory.marks("trie.nodes", phenotype_count());
    if (trie_.nodes.groups() != trie_.levels.back().typings.size())
        directory.corrupt("the nodes of the trie differ from their marks");
}

void Segment::read_rows_below(const Directory& directory) {
    std::vector<std::size_t> counts;
    for (std::size_t i = trie_.levels.size(); i < trie_.order.size(); ++i)
        counts.push_back(dictionary(trie_.order[i]).typing_count());
    if (counts.empty()) return;
    RowLayout layout(counts);
    const auto words = directory.get<std::uint64_t>("trie.typings", format::Element::U64);
    if (words.size() != phenotype_count() * layout.words)
        directory.corrupt("block 'trie.typings' has another length than its phenotypes");
    trie_.below = PackedRows(std::move(layout), words);
}

void Segment::read_postings(const Directory& directory) {
    if (trie_.levels.size() != 2 || trie_.below.loci() == 0) return;
    const auto u32 = [&](const char* name) { return directory.u32("postings." + std::string(name)); };
    directory.check("postings.thirds");
    std::vector<std::size_t> counts{phenotype_count()};
    for (std::size_t i = 1; i < trie_.order.size(); ++i) {
        if (i != 2) counts.push_back(dictionary(trie_.order[i]).typing_count());
    }
    const auto rows = directory.get<std::uint64_t>("postings.rows", format::Element::U64);
    const TrieView::Postings p{u32("nodes.offsets"),
                               u32("nodes.tops"),
                               u32("nodes"),
                               u32("nodes.thirds"),
                               directory.get<std::uint8_t>("postings.thirds", format::Element::U8),
                               u32("runs.offsets"),
                               u32("runs.tops"),
                               u32("runs"),
                               PackedRows(RowLayout::of_one_word(counts), rows)};
    const auto offsets = [&](std::span<const std::uint32_t> values, std::size_t place, std::size_t end) {
        return values.size() == dictionary(trie_.order[place]).typing_count() + 1 && values.back() == end;
    };
    const bool sound = p.nodes.size() == trie_.levels[1].typings.size() && p.node_tops.size() == p.nodes.size() &&
                       offsets(p.node_offsets, 1, p.nodes.size()) && offsets(p.run_offsets, 2, p.run_tops.size()) &&
                       p.run_starts.size() == p.run_tops.size() + 1 && p.run_starts.back() == phenotype_count() &&
                       rows.size() == phenotype_count() && p.node_thirds.size() == p.nodes.size() &&
                       p.third_classes.size() == dictionary(trie_.order[2]).typing_count();
    if (!sound) directory.corrupt("the postings differ in length from the trie");
    if (std::any_of(p.third_classes.begin(), p.third_classes.end(), [](auto c) { return c >= kTypingClasses; }))
        directory.corrupt("a class of typings is unknown");
    trie_.postings = p;
}

void Segment::read_attributes(const Directory& directory) {
    for (std::size_t a = 0; a < kAttributeCount; ++a) {
        const std::string name = "donors." + std::string(kAttributes[a].name);
        const format::Entry* entry = directory.find(name);
        if (entry == nullptr) continue;
        AttributeColumn& column = attributes_[a];
        column.present = true;
        switch (kAttributes[a].kind) {
            case AttributeKind::Int16:
                column.ints = directory.get<std::int16_t>(name, format::Element::I16);
                break;
            case AttributeKind::Float32:
                column.floats = directory.get<float>(name, format::Element::F32);
                break;
            case AttributeKind::Category:
                if (entry->element == format::Element::U8) {
                    column.codes8 = directory.get<std::uint8_t>(name, format::Element::U8);
                } else {
                    column.codes16 = directory.get<std::uint16_t>(name, format::Element::U16);
                }
                column.categories = directory.strings(name + ".values");
                break;
        }
        if (column.ints.size() + column.floats.size() + column.codes8.size() + column.codes16.size() != donor_count()) {
            directory.corrupt("block " + shown(name) + " has another length than there are donors");
        }
    }
}

void Segment::throw_corrupt(const std::string& what) const {
    directory_->corrupt(what);
}

void Segment::check_contents(const Cancel& cancel) const {
    const Directory& directory = *directory_;
    const std::size_t donors = donor_count();
    if (!ascending(donor_offsets_, donor_text_.size()))
        directory.corrupt("block 'donors.ids.offsets' is not ascending");
    std::vector<bool> seen(donors);
    for (const std::uint32_t rank : donor_ranks_) {
        if (rank % 4096 == 0) cancel.check();
        if (rank >= donors || seen[rank]) directory.corrupt("block 'donors.ranks' is not a permutation");
        seen[rank] = true;
    }
    for (std::size_t i = 0; i < trie_.order.size(); ++i) {
        const bool node = i < trie_.levels.size();
        const std::string name(locus_name(trie_.order[i]));
        const std::size_t typings = dictionary(trie_.order[i]).typing_count();
        cancel.check();
        bool known = true;
        if (node) {
            known = all_below(trie_.levels[i].typings, typings);
        } else {
            for (std::uint32_t p = 0; known && p < phenotype_count(); ++p)
                known = trie_.below.typing(i - trie_.levels.size(), p) < typings;
        }
        if (!known) directory.corrupt("a typing of " + name + " is unknown");
        if (node && !ascending(trie_.levels[i].children, trie_.levels[i].children.back())) {
            directory.corrupt("the children of " + name + " are not ascending");
        }
    }
    for (std::size_t node = 0; !trie_.levels.empty() && node < trie_.nodes.groups(); ++node) {
        if (trie_.levels.back().children[node] != trie_.nodes[node])
            directory.corrupt("the nodes of the trie differ from their marks");
    }
    if (trie_.postings) check_postings(cancel);
    for (std::size_t a = 0; a < kAttributeCount; ++a) {
        const AttributeColumn& column = attributes_[a];
        const auto bad = [&](std::uint16_t code, std::uint16_t none) {
            return code != none && code >= column.categories.size();
        };
        const bool sound =
            std::none_of(column.codes8.begin(), column.codes8.end(), [&](auto c) { return bad(c, 0xff); }) &&
            std::none_of(column.codes16.begin(), column.codes16.end(), [&](auto c) { return bad(c, kNoCategory); });
        if (!sound) directory.corrupt("a code of " + std::string(kAttributes[a].name) + " is unknown");
    }
}

// Every node and every phenotype stands exactly once, under its own typings: as many as there are, strictly ascending.
void Segment::check_postings(const Cancel& cancel) const {
    const TrieView::Postings& p = *trie_.postings;
    const TrieView::Level& top = trie_.levels[0];
    const TrieView::Level& second = trie_.levels[1];
    std::vector<std::uint32_t> top_of(second.typings.size());
    for (std::size_t t = 0; t < top.typings.size(); ++t) {
        std::fill(top_of.begin() + top.children[t], top_of.begin() + top.children[t + 1], top.typings[t]);
    }
    const auto thirds_below = [&](std::uint32_t node) {
        std::uint32_t bits = 0;
        for (std::uint32_t i = second.children[node]; i < second.children[node + 1]; ++i) {
            bits |= std::uint32_t{1} << p.third_classes[trie_.below.typing(0, i)];
        }
        return bits;
    };
    bool sound = ascending(p.node_offsets, p.nodes.size()) && ascending(p.run_offsets, p.run_tops.size()) &&
                 ascending(p.run_starts, phenotype_count());
    for (std::uint32_t typing = 0; sound && typing + 1 < p.node_offsets.size(); ++typing) {
        for (std::uint32_t i = p.node_offsets[typing]; sound && i < p.node_offsets[typing + 1]; ++i) {
            const std::uint32_t first = p.nodes[i];
            if (first >= phenotype_count()) throw_corrupt("the postings differ from the trie");
            const std::uint32_t node = trie_.nodes.group_of(first);
            sound = second.children[node] == first && second.typings[node] == typing &&
                    p.node_tops[i] == top_of[node] && (i == p.node_offsets[typing] || first > p.nodes[i - 1]) &&
                    p.node_thirds[i] == thirds_below(node);
        }
    }
    for (std::uint32_t typing = 0; sound && typing + 1 < p.run_offsets.size(); ++typing) {
        cancel.check();
        const std::uint32_t first = p.run_offsets[typing];
        for (std::uint32_t run = first; sound && run < p.run_offsets[typing + 1]; ++run) {
            sound = run == first || p.run_tops[run] > p.run_tops[run - 1];
            for (std::uint32_t i = p.run_starts[run]; sound && i < p.run_starts[run + 1]; ++i) {
                const std::uint32_t phenotype = p.rows.typing(0, i);
                sound = phenotype < phenotype_count() && trie_.below.typing(0, phenotype) == typing &&
                        top_of[trie_.nodes.group_of(phenotype)] == p.run_tops[run] &&
                        second.typings[trie_.nodes.group_of(phenotype)] == p.rows.typing(1, i) &&
                        (i == p.run_starts[first] || phenotype > p.rows.typing(0, i - 1));
                for (std::size_t l = 2; sound && l < p.rows.loci(); ++l)
                    sound = p.rows.typing(l, i) == trie_.below.typing(l - 1, phenotype);
            }
        }
    }
    if (!sound) throw_corrupt("the postings differ from the trie");
}

std::string_view Segment::donor_id(DonorRow row) const {
    const std::uint32_t first = donor_offsets_[row.value];
    const std::uint32_t last = donor_offsets_[row.value + 1];
    if (first > last || last > donor_text_.size()) throw_corrupt("the donor id of row " + std::to_string(row.value));
    return donor_text_.substr(first, last - first);
}

Segment::Rows Segment::rows_of(PhenotypeId phenotype) const {
    const std::uint32_t first = trie_.rows[phenotype.value];
    return {first, trie_.rows.after(first)};
}

std::vector<TypingId> Segment::typings_of_phenotypes(Locus locus) const {
    const auto level =
        static_cast<std::size_t>(std::find(trie_.order.begin(), trie_.order.end(), locus) - trie_.order.begin());
    std::vector<TypingId> typings(phenotype_count());
    if (level >= trie_.levels.size()) {
        for (std::uint32_t p = 0; p < typings.size(); ++p)
            typings[p] = TypingId{trie_.below.typing(level - trie_.levels.size(), p)};
        return typings;
    }
    const auto& nodes = trie_.levels[level].typings;
    const auto first_phenotype = [&](std::size_t node) {
        for (std::size_t l = level; l < trie_.levels.size(); ++l) node = trie_.levels[l].children[node];
        return static_cast<std::ptrdiff_t>(node);
    };
    for (std::size_t node = 0; node < nodes.size(); ++node) {
        std::fill(typings.begin() + first_phenotype(node), typings.begin() + first_phenotype(node + 1),
                  TypingId{nodes[node]});
    }
    return typings;
}

PhenotypeId Segment::phenotype_of(DonorRow row) const noexcept {
    return {trie_.rows.group_of(row.value)};
}

TypingId Segment::typing_of(PhenotypeId phenotype, Locus locus) const {
    const auto checked = [&](std::uint32_t typing) {
        if (typing >= dictionary(locus).typing_count()) {
            throw_corrupt("a typing of phenotype " + std::to_string(phenotype.value));
        }
        return TypingId{typing};
    };
    const auto at = std::find(trie_.order.begin(), trie_.order.end(), locus);
    if (at == trie_.order.end()) return kUntyped;
    const auto level = static_cast<std::size_t>(at - trie_.order.begin());
    if (level >= trie_.levels.size()) return checked(trie_.below.typing(level - trie_.levels.size(), phenotype.value));
    std::uint32_t node = phenotype.value;
    for (std::size_t i = trie_.levels.size(); i-- > level;) {
        const auto& children = trie_.levels[i].children;
        node =
            static_cast<std::uint32_t>(std::upper_bound(children.begin(), children.end(), node) - children.begin() - 1);
    }
    return checked(trie_.levels[level].typings[node]);
}

std::vector<BlockInfo> Segment::blocks() const {
    std::vector<BlockInfo> result;
    for (const format::Entry& entry : directory_->parsed.entries) {
        result.push_back({format::entry_name(entry), entry.offset, entry.bytes});
    }
    return result;
}

std::uint64_t Segment::file_bytes() const noexcept {
    return directory_->parsed.head.file_bytes;
}

}  // namespace allomatch
