"""What was reported: a GL string or pairs per locus, read into positions of written names.

What: `Phenotype` maps a locus to its `Typing`, a typing is one or more genotypes, a genotype two positions, a position
a set of `Name`s; `Block` keeps which alleles were reported on one chromosome (`~`), which matching ignores; `text` writes
all of it in one way. Invariants: reading needs no nomenclature (whether a name exists is asked later, by `match`);
every item of a typing belongs to its locus; an untyped locus has no entry; `parse_phenotype(p.text()) == p` up to the
order of what has none. Why this way: the text is taken apart by one split per delimiter of the GL grammar (Milius et
al., Tissue Antigens 2013), outermost first: `^` `|` `+` `~` `/`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .names import DRB345, GENES_OF_DRB345, KINDS, LOCI, Name, find_locus, parse_name

Position = frozenset[Name]
Genotype = tuple[Position, Position]
Haplotype = tuple[Position, ...]  # one position for each locus of a block

_SHORT_ITEM = re.compile(r"([0-9]+)([NLSCAQGP]?)")


@dataclass(frozen=True)
class Typing:
    """What was reported at one locus: genotypes of which one is true, in the order of the text."""

    locus: str
    genotypes: tuple[Genotype, ...]


@dataclass(frozen=True)
class Block:
    """Loci reported in phase: pairs of haplotypes of which one is true, in the order of the text.

    Attributes:
        loci: In the order of `LOCI`.
        pairs: Two haplotypes each, with one position for each of the loci.
    """

    loci: tuple[str, ...]
    pairs: tuple[tuple[Haplotype, Haplotype], ...]


@dataclass(frozen=True)
class Phenotype:
    """The typings of a person, by locus, and the blocks of those loci that are phased."""

    typings: Mapping[str, Typing]
    blocks: tuple[Block, ...] = ()

    def typing(self, locus: str) -> Typing | None:
        """The typing at a locus; None if untyped."""
        return self.typings.get(locus)

    def text(self) -> str:
        """The canonical GL string: sorted and without repetitions at every level, each name with its locus."""
        phased = {locus for block in self.blocks for locus in block.loci}
        parts = {min(map(LOCI.index, block.loci)): block_text(block) for block in self.blocks}
        parts |= {LOCI.index(locus): self._typing_text(locus) for locus in self.typings if locus not in phased}
        if self._drb345_is_of_one_gene():
            del parts[LOCI.index(DRB345)]  # its gene says it
        return "^".join(text for _, text in sorted(parts.items()))

    def _drb345_is_of_one_gene(self) -> bool:
        typed = self.typings.get(DRB345)
        genes = {name.locus for a, b in typed.genotypes for name in a | b} if typed else set()
        return len(genes) == 1 and DRB345 not in genes

    def _typing_text(self, locus: str) -> str:
        """Of a gene of DRB345 that both positions could be of, homozygous by one position: both would say that they are."""
        text = typing_text(self.typings[locus])
        if locus not in GENES_OF_DRB345 or DRB345 in self.typings or "absent" in _kinds(self.typings[locus]):
            return text
        others = [self.typings[gene] for gene in GENES_OF_DRB345 if gene != locus and gene in self.typings]
        if any(_kinds(other) != {"absent"} for other in others):
            return text
        pairs = [genotype.split("+") for genotype in text.split("|")]
        return "|".join(first if first == second else f"{first}+{second}" for first, second in pairs)


# --- writing --------------------------------------------------------------------------------------------------------


def name_order(name: Name) -> tuple[object, ...]:
    """By gene, then by the numbers of the fields, then by kind and suffix; codes by their letters."""
    fields = [(int(f), "") if f.isdigit() else (0, f) for f in name.fields]
    return LOCI.index(name.locus), fields, KINDS.index(name.kind), name.suffix


def position_order(position: Position) -> list[tuple[object, ...]]:
    return sorted(map(name_order, position))


def position_text(position: Position) -> str:
    return "/".join(map(str, sorted(position, key=name_order)))


def typing_text(typing: Typing) -> str:
    genotypes = {tuple(sorted(genotype, key=position_order)) for genotype in typing.genotypes}
    in_order = sorted(genotypes, key=lambda genotype: [position_order(p) for p in genotype])
    return "|".join("+".join(map(position_text, genotype)) for genotype in in_order)


def block_text(block: Block) -> str:
    def order(haplotype: Haplotype) -> list[list[tuple[object, ...]]]:
        return [position_order(position) for position in haplotype]

    pairs = {tuple(sorted(pair, key=order)) for pair in block.pairs}
    in_order = sorted(pairs, key=lambda pair: [order(haplotype) for haplotype in pair])
    return "|".join("+".join("~".join(map(position_text, h)) for h in pair) for pair in in_order)


# --- reading --------------------------------------------------------------------------------------------------------


def parse_phenotype(source: str | Mapping[str, str | Sequence[str | None]]) -> Phenotype:
    """Reads a GL string, or a mapping from locus to its two positions (or to the locus's part of a GL string).

    Args:
        source: Such as `"A*01:01+A*02:01^B*08:01+B*44:02"` or `{"A": ("01:01", "02:XX"), "B": ("08:01", "")}`. In a
            mapping None and blank text are the same. A blank second position repeats the first; both blank is untyped.

    Raises:
        ValueError: Malformed, more than two positions, a locus twice, an item of another locus, a blank first position
            beside a second one.
    """
    typings: dict[str, Typing] = {}
    blocks: list[Block] = []
    seen: set[str] = set()
    halves: set[str] = set()
    for part in _gl_parts(source) if isinstance(source, str) else _mapped_typings(source):
        loci, typed, block, whole = part
        halves |= set() if whole else set(loci)
        for locus in loci:
            if locus in seen:
                raise ValueError(f"locus {locus} is given twice")
            seen.add(locus)
        typings |= {typing.locus: typing for typing in typed}
        if block is not None:
            blocks.append(block)
    return Phenotype(_of_one_gene(typings, halves), tuple(blocks))


# The loci named, what is typed of them, their phase, and whether every genotype said both of its positions.
_Part = tuple[tuple[str, ...], tuple[Typing, ...], Block | None, bool]


def _of_one_gene(typings: dict[str, Typing], halves: set[str]) -> dict[str, Typing]:
    """Types a person whose two positions of DRB345 are of one gene at both, that gene and DRB345.

    Args:
        typings: By locus.
        halves: Loci of which a genotype said one position: it is there twice, but hides what the other chromosome has
            of the other genes.

    Raises:
        ValueError: DRB345 is of one gene, beside another typing of the gene or beside another gene.
    """
    present = {gene for gene in GENES_OF_DRB345 if gene in typings and _kinds(typings[gene]) != {"absent"}}
    together = typings.get(DRB345)
    if together is not None:
        genes = {name.locus for genotype in together.genotypes for position in genotype for name in position}
        if len(genes) > 1 or genes == {DRB345}:
            return typings
        (gene,) = genes
        beside = typings.get(gene)
        if present - {gene} or (beside is not None and typing_text(beside) != typing_text(together)):
            raise ValueError(f"DRB345 is typed as {typing_text(together)!r}, of one gene, and the genes otherwise")
        return typings | {gene: Typing(gene, together.genotypes)}
    if len(present) != 1:
        return typings
    (gene,) = present
    both_certain = gene not in halves or all(first != second for first, second in typings[gene].genotypes)
    if "absent" in _kinds(typings[gene]) or not both_certain:
        return typings
    return typings | {DRB345: Typing(DRB345, typings[gene].genotypes)}


def _kinds(typing: Typing) -> set[str]:
    return {name.kind for genotype in typing.genotypes for position in genotype for name in position}


def _gl_parts(text: str) -> list[_Part]:
    if not text.strip():
        return []
    return [_phased(part) if "~" in part else _unphased(part) for part in text.split("^")]


def _unphased(part: str) -> _Part:
    locus = _locus_of(re.split(r"[|+/]", part))
    return (locus,), (_typing(part, locus),), None, _both_said(part)


def _both_said(part: str) -> bool:
    return all("+" in genotype and genotype.split("+")[1].strip() for genotype in part.split("|"))


def _locus_of(items: Sequence[str]) -> str:
    """The locus of items of which the first one says it: DRB345 if they are of several of its genes, or say it."""
    genes = {_gene_said(item) for item in items} - {""}
    if genes <= {DRB345, *GENES_OF_DRB345} and (len(genes) > 1 or DRB345 in genes):
        return DRB345
    return parse_name(items[0]).locus


def _gene_said(item: str) -> str:
    """The gene that an item says; empty if it says none."""
    try:
        return parse_name(item).locus
    except ValueError:
        return ""


def _phased(part: str) -> _Part:
    pairs: list[tuple[dict[str, str], dict[str, str]]] = []
    # Where the genes of DRB345 differ between haplotypes, they stand at one locus.
    genes = {tuple(sorted(_genes_of_drb345(haplotype))) for haplotype in re.split(r"[|+]", part) if haplotype.strip()}
    merged = len(genes) > 1
    for alternative in part.split("|"):
        haplotypes: list[dict[str, str]] = []
        for text in _two(alternative.split("+"), "the phased loci"):
            haplotype: dict[str, str] = {}
            for position in text.split("~"):
                locus = _locus_of(position.split("/"))
                locus = DRB345 if merged and locus in GENES_OF_DRB345 else locus
                if locus in haplotype:
                    raise ValueError(f"locus {locus} is given twice in {text!r}")
                haplotype[locus] = position
            haplotypes.append(haplotype)
        pairs.append((haplotypes[0], haplotypes[1]))
    loci = tuple(sorted(pairs[0][0], key=LOCI.index))
    if any(set(haplotype) != set(loci) for pair in pairs for haplotype in pair):
        raise ValueError(f"the haplotypes of {part!r} are not of the same loci {' '.join(loci)}")

    def read(haplotype: dict[str, str]) -> Haplotype:
        return tuple(_position(haplotype[locus], locus) for locus in loci)

    block = Block(loci, tuple((read(first), read(second)) for first, second in pairs))
    typings = tuple(Typing(locus, tuple((a[i], b[i]) for a, b in block.pairs)) for i, locus in enumerate(loci))
    return loci, typings, block, True


def _genes_of_drb345(haplotype: str) -> list[str]:
    loci = [_locus_of(position.split("/")) for position in haplotype.split("~")]
    return [locus for locus in loci if locus in (DRB345, *GENES_OF_DRB345)]


def _mapped_typings(source: Mapping[str, str | Sequence[str | None]]) -> list[_Part]:
    found: list[_Part] = []
    for key, value in source.items():
        locus = find_locus(key.strip().upper().removeprefix("HLA-"))
        if isinstance(value, str):
            found.append(((locus,), (_typing(value, locus),) if value.strip() else (), None, _both_said(value)))
        elif len(value) > 2:
            raise ValueError(f"locus {locus}: more than two positions in {list(value)!r}")
        else:
            texts = [text or "" for text in value]
            typed = any(text.strip() for text in texts)
            whole = len(texts) == 2 and bool(texts[1].strip())
            found.append(((locus,), (Typing(locus, (_genotype(texts, locus),)),) if typed else (), None, whole))
    return found


def _typing(part: str, locus: str) -> Typing:
    return Typing(locus, tuple(_genotype(alternative.split("+"), locus) for alternative in part.split("|")))


def _genotype(texts: Sequence[str], locus: str) -> Genotype:
    first, second = _two(texts, f"locus {locus}")
    return _position(first, locus), _position(second, locus)


def _two(texts: Sequence[str], where: str) -> tuple[str, str]:
    """Both sides of a `+`; a blank second one repeats the first."""
    if not 1 <= len(texts) <= 2:
        raise ValueError(f"{where}: a genotype has two positions, not {len(texts)}: {'+'.join(texts)!r}")
    first = texts[0]
    second = texts[1] if len(texts) == 2 else ""
    if not first.strip():
        # A lone second position is a broken record rather than a homozygote.
        raise ValueError(f"{where}: the first position is blank in {'+'.join(texts)!r}")
    return first, second if second.strip() else first


def _position(text: str, locus: str) -> Position:
    names: list[Name] = []
    for item in text.split("/"):
        names.append(_item(item, locus, names[-1] if names else None))
    return frozenset(names)


def _item(item: str, locus: str, before: Name | None) -> Name:
    """One item; a short one inherits from the item before it: `A*01:01/02/07`, `A*0201/05`, `A2/28`."""
    short = _SHORT_ITEM.fullmatch(item.strip().upper())
    if before is None or short is None or not before.fields or before.kind == "serology":
        return parse_name(item, locus)  # where the locus is known, a number is an antigen
    if before.kind == "V2":
        digits = item.strip() if len(short.group(1)) >= 4 else before.fields[0][:2] + item.strip()
        return parse_name(f"{before.locus}*{digits}", locus)
    return parse_name(f"{before.first_field}:{item.strip()}", locus)
