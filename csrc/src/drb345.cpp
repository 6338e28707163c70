// See drb345.hpp.
#include "drb345.hpp"

#include <algorithm>

#include "allomatch/error.hpp"

namespace allomatch {
namespace {

using Typings = std::array<Typing, kLocusCount>;

constexpr std::array kGenes{Locus::DRB3, Locus::DRB4, Locus::DRB5};

template <typename Visit>
bool all_names(const Typing& typing, Visit visit) {
    return std::all_of(typing.alternatives.begin(), typing.alternatives.end(), [&](const Genotype& genotype) {
        return std::all_of(genotype.positions.begin(), genotype.positions.end(), [&](const Position& position) {
            return std::all_of(position.names.begin(), position.names.end(), visit);
        });
    });
}

bool is_absent(const Name& name) noexcept {
    return name.kind == NameKind::Absent;
}

// The order of names stays: all are of one gene.
Typing with_gene(Typing typing, std::uint16_t gene) {
    for (Genotype& genotype : typing.alternatives) {
        for (Position& position : genotype.positions) {
            for (Name& name : position.names) name.gene = gene;
        }
    }
    return typing;
}

// Neither untyped nor absent from both chromosomes.
bool has_gene(const Typing& typing) {
    return !all_names(typing, is_absent);
}

bool other_gene(const Typings& typings, Locus gene) {
    return std::any_of(kGenes.begin(), kGenes.end(),
                       [&](Locus locus) { return locus != gene && has_gene(typings[index_of(locus)]); });
}

bool homozygous_somewhere(const Typing& typing) {
    return std::any_of(typing.alternatives.begin(), typing.alternatives.end(),
                       [](const Genotype& genotype) { return genotype.positions[0] == genotype.positions[1]; });
}

// Where a chromosome lacks the gene that alone is typed, it may have another.
std::optional<Locus> gene_typed_alone(const Typings& typings) {
    for (const Locus locus : kGenes) {
        const Typing& typing = typings[index_of(locus)];
        if (typing.untyped() || other_gene(typings, locus)) continue;
        if (all_names(typing, [](const Name& name) { return !is_absent(name); })) return locus;
    }
    return std::nullopt;
}

}  // namespace

std::optional<Locus> only_gene(const Typing& drb345) {
    if (drb345.untyped()) return std::nullopt;
    const std::uint16_t gene = drb345.alternatives.front().positions[0].names.front().gene;
    if (gene == 0 || !all_names(drb345, [&](const Name& name) { return name.gene == gene; })) return std::nullopt;
    return *std::find_if(kGenes.begin(), kGenes.end(), [&](Locus locus) { return gene_of(locus) == gene; });
}

GenesAgree complete_drb345(Typings& typings, const BothSaid& both_said) {
    Typing& together = typings[index_of(Locus::DRB345)];
    if (together.untyped()) {
        const std::optional<Locus> gene = gene_typed_alone(typings);
        if (!gene) return GenesAgree::Yes;
        const Typing& typing = typings[index_of(*gene)];
        if (both_said[index_of(*gene)] || !homozygous_somewhere(typing)) together = with_gene(typing, gene_of(*gene));
        return GenesAgree::Yes;
    }
    const std::optional<Locus> gene = only_gene(together);
    if (!gene) return GenesAgree::Yes;
    Typing typing = with_gene(together, 0);
    Typing& own = typings[index_of(*gene)];
    if (other_gene(typings, *gene) || (!own.untyped() && own != typing)) return GenesAgree::No;
    own = std::move(typing);
    return GenesAgree::Yes;
}

std::optional<Locus> gene_of_drb345(const Typings& typings) {
    const Typing& together = typings[index_of(Locus::DRB345)];
    const std::optional<Locus> gene = only_gene(together);
    return gene && typings[index_of(*gene)] == with_gene(together, 0) ? gene : std::nullopt;
}

std::optional<Locus> gene_half_said(const Typings& typings) {
    return typings[index_of(Locus::DRB345)].untyped() ? gene_typed_alone(typings) : std::nullopt;
}

void throw_genes_disagree(const Typing& drb345) {
    throw Error(ErrorCode::LocusTwice,
                "locus DRB345 is given " + shown(to_text(Locus::DRB345, drb345)) +
                    ", of one gene, and that gene or another is given something else beside it; DRB3, DRB4 and DRB5 "
                    "share the two positions of DRB345, so give DRB345 alone, or the genes alone");
}

}  // namespace allomatch
