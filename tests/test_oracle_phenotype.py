"""The core reads a typing as the oracle reads it, and writes it in one way for each meaning.

What: the canonical text means what was written, is a fixed point, and is the same for every other way to write the same;
GL strings and pairs of positions agree; texts with small damage are refused by both sides or read alike by both.
Why: a typing read wrongly is matched wrongly without a sign, and donors are interned by their canonical text.
"""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import allomatch
from allomatch import Phenotype
from reference.names import DRB345, GENES_OF_DRB345, Name
from reference.nomenclature import LOCI
from reference.phenotype import Phenotype as OraclePhenotype
from reference.phenotype import parse_phenotype, typing_text
from strategies import (
    Chooser,
    Drawn,
    Seeded,
    Typing,
    TypingDraw,
    gl_string,
    gl_text,
    says_its_locus,
    two_field_vocabulary,
    with_genes_once,
    written,
)

Names = tuple[Name, ...]
Meaning = dict[str, frozenset[tuple[tuple[Names, ...], ...]]]
REFUSED = "refused"


def meaning(text: str) -> Meaning:
    """What a text says, without its order: by locus, and by the loci of a block that is in phase.

    Sets of genotypes or pairs of haplotypes, each two in either order; a position is a set of names.
    """
    return meaning_of(parse_phenotype(text))


def meaning_of(read: OraclePhenotype) -> Meaning:
    def names(position: frozenset[Name]) -> Names:
        return tuple(sorted(position))

    found: Meaning = {
        locus: frozenset(tuple(sorted((names(p),) for p in genotype)) for genotype in typing.genotypes)
        for locus, typing in read.typings.items()
    }
    for block in read.blocks:
        found["~".join(block.loci)] = frozenset(
            tuple(sorted(tuple(map(names, h)) for h in pair)) for pair in block.pairs
        )
    return found


def draw_person(chooser: Chooser, most: int = 3) -> dict[str, Typing]:
    loci = {chooser.pick(LOCI) for _ in range(chooser.number(1, most))}
    drawn = {locus: TypingDraw(two_field_vocabulary(locus)).typing(chooser) for locus in sorted(loci)}
    return {locus: typing for locus, typing in with_genes_once(drawn).items() if typing}


def shuffled(chooser: Chooser, items: list[str]) -> list[str]:
    rest = list(items)
    return [rest.pop(chooser.number(0, len(rest) - 1)) for _ in items]


def written_otherwise(chooser: Chooser, canonical: str) -> str:
    """A canonical text in another order, with repetitions, prefixes, blanks, another case."""

    def item(text: str, is_first: bool) -> str:
        gene, _, rest = text.partition("*")
        # A name without its locus where that is known; the genes of DRB345 are always said, and digits alone behind a '/'
        # are a short item.
        bare = rest and not is_first and gene not in (*GENES_OF_DRB345, "DRBX", DRB345) and not rest[:4].isdigit()
        text = chooser.pick([text, rest, f"HLA-{text}"] if bare else [f"HLA-{text}", text])
        if gene in ("C", "DRBX") and rest:
            text = text.replace("C*", "Cw*").replace("DRBX*NNNN", chooser.pick(["DRBX*NE", "DRB345*NNNN", "DRBX*NNNN"]))
        if chooser.number(0, 3) == 0:
            text = text.lower()
        return chooser.pick(["", "", " ", "\t"]) + text + chooser.pick(["", "", " ", "\r\n"])

    def genotype(text: str, is_first: bool) -> str:
        positions = shuffled(chooser, text.split("+"))
        # Of DRB3, DRB4 and DRB5 it matters whether a second position was said.
        short = len(set(positions)) == 1 and not positions[0].startswith(("DRB3", "DRB4", "DRB5", "DR5"))
        positions = positions[:1] if short and chooser.number(0, 1) else positions
        written = []
        for position in positions:
            names = position.split("/")
            names = shuffled(chooser, [*names, chooser.pick(names)] if chooser.number(0, 3) == 0 else names)
            written.append("/".join(item(n, is_first and not (i or written)) for i, n in enumerate(names)))
        if len(written) == 1 and chooser.number(0, 1):
            written.append(chooser.pick(["", " "]))
        return "+".join(written)

    loci = []
    for locus in shuffled(chooser, canonical.split("^")):
        alternatives = locus.split("|")
        if chooser.number(0, 3) == 0:
            alternatives.append(chooser.pick(alternatives))
        loci.append("|".join(genotype(a, i == 0) for i, a in enumerate(shuffled(chooser, alternatives))))
    return "^".join(loci)


@st.composite
def people_and_choosers(draw: st.DrawFn) -> tuple[dict[str, Typing], Chooser]:
    return draw_person(Drawn(draw)), Seeded(draw(st.integers(0, 10_000)))


@settings(max_examples=500)
@given(people_and_choosers())
def test_one_canonical_text_a_meaning(drawn: tuple[dict[str, Typing], Chooser]) -> None:
    person, chooser = drawn
    text = gl_string(person)
    read = Phenotype(text)
    assert meaning(read.gl) == meaning(text)
    again = Phenotype(read.gl)
    assert (again.gl, [again[locus] for locus in LOCI]) == (read.gl, [read[locus] for locus in LOCI])
    assert set(person) - {DRB345} <= set(read.loci) <= {*person, *GENES_OF_DRB345, DRB345}
    assert read.loci == tuple(locus for locus in LOCI if locus in parse_phenotype(text).typings)
    assert same_but_for_order(read.gl, parse_phenotype(text).text())
    if not set(read.loci) & {*GENES_OF_DRB345}:
        assert read.gl == "^".join(read[locus] for locus in read.loci)
    if not person:
        assert read.gl == ""
        return
    other = written_otherwise(chooser, read.gl)
    assert meaning(other) == meaning(text), other
    assert (Phenotype(other), Phenotype(other).gl, hash(Phenotype(other))) == (read, read.gl, hash(read)), other


@settings(max_examples=400)
@given(st.integers(0, 10_000_000))
def test_texts_are_equal_if_and_only_if_their_meanings_are(seed: int) -> None:
    # Few names, so that two typings are often nearly the same, and sometimes the same.
    chooser = Seeded(seed)
    names = ["01:01", "01:01N", "01:01:01", "01:01:01G", "01:01P", "01:XX", "01:02"]
    few = names[: chooser.number(1, len(names))]

    def position() -> str:
        return "/".join("A*" + chooser.pick(few) for _ in range(chooser.pick([1, 1, 1, 2])))

    def typing() -> str:
        return "|".join(f"{position()}+{position()}" for _ in range(chooser.pick([1, 1, 2])))

    a, b = typing(), typing()
    assert (Phenotype(a) == Phenotype(b)) == (Phenotype(a).gl == Phenotype(b).gl) == (meaning(a) == meaning(b)), (a, b)


@settings(max_examples=200)
@given(people_and_choosers())
def test_pairs_are_read_as_gl_strings_are(drawn: tuple[dict[str, Typing], Chooser]) -> None:
    person, chooser = drawn
    # Cut first: of two genotypes the first may be of one gene of DRB345 and both together not.
    single = with_genes_once({locus: typing[:1] for locus, typing in person.items()})
    pairs: dict[str, tuple[str | None, str | None]] = {}
    for locus, ((first, second),) in single.items():
        style = chooser.number(0, 3)
        pairs[chooser.pick(["DRBX", "drb3/4/5"] if locus == DRB345 else [locus, locus.lower()])] = (
            f" {said(locus, first, style)}\t",
            said(locus, second, style) if second else chooser.pick(["", " ", None]),
        )
    for locus in LOCI:
        if locus not in single and chooser.number(0, 1):
            pairs[locus] = chooser.pick([("", ""), (None, None), (" ", "\t")])
    read = Phenotype(pairs)
    assert read == Phenotype(gl_string(single))
    assert meaning(read.gl) == meaning(gl_string(single))
    assert read.loci == tuple(locus for locus in LOCI if locus in parse_phenotype(pairs).typings)
    assert [Phenotype(read.gl)[locus] for locus in LOCI] == [read[locus] for locus in LOCI]


def said(locus: str, position: str, style: int) -> str:
    """A position with or without its locus, in capitals or not."""
    if says_its_locus(position.split("/")[0]):
        return f"HLA-{position}" if style == 1 else position
    return ["", f"{locus}*", f"HLA-{locus}*", f"hla-{locus.lower()}*"][style] + position


def same_but_for_order(a: str, b: str) -> bool:
    """Whether two GL strings have the same names, positions, genotypes and loci, all written the same."""

    def parts(text: str) -> list[list[list[list[str]]]]:
        return [
            sorted(sorted(sorted(p.split("/")) for p in genotype.split("+")) for genotype in locus.split("|"))
            for locus in text.split("^")
        ]

    return parts(a) == parts(b)


# ---- DRB3, DRB4 and DRB5 -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "loci"),
    [
        # Both positions are of one gene: said twice, or unlike each other.
        ("DRB3*01:01+DRB3*02:02", "DRB3 DRB345"),
        ("DRB3*01:01+DRB3*01:01", "DRB3 DRB345"),
        ("DRB3*01:01+DRB3*02:02|DRB3*01:01+DRB3*01:01", "DRB3 DRB345"),
        ("DR52+DR52", "DRB3 DRB345"),
        ("DRB4*01:03+DRB4*01:03^DRB3*NNNN+DRB3*NNNN", "DRB4 DRB3 DRB345"),
        ("DRB1*03:01~DRB3*01:01+DRB1*11:01~DRB3*02:02", "DRB1 DRB3 DRB345"),
        ({"DRB3": ("01:01", "02:02")}, "DRB3 DRB345"),
        ({"DRB345": ("DRB3*01:01", "DRB3*02:02")}, "DRB345 DRB3"),
        ({"DRB345": ("DRB3*01:01", "")}, "DRB345 DRB3"),
        (
            {"DRB345": ("DRB3*01:01", "DRB3*02:02"), "DRB3": ("02:02", "01:01"), "DRB5": ("NNNN", "")},
            "DRB345 DRB3 DRB5",
        ),
        # One position of a gene may stand beside another gene, or beside none.
        ("DRB3*01:01", "DRB3"),
        ("DRB3*01:01+", "DRB3"),
        ("DRB3*01:01+DRB3*02:02|DRB3*01:01", "DRB3"),
        ({"DRB3": ("01:01", "")}, "DRB3"),
        ("DRB3*01:01+DRB3*NNNN", "DRB3"),
        ("DRB3*01:01+DRB3*02:02^DRB4*01:03", "DRB3 DRB4"),
        ({"DRB345": ("DRB3*01:01", "DRB4*01:03")}, "DRB345"),
        ({"DRB345": ("DRB3*01:01", "NNNN")}, "DRB345"),
        ({"DRB345": ("DRBX*NEW", "DRBX*NEW")}, "DRB345"),
    ],
)
def test_one_gene_at_both_positions_of_drb345(source: str | dict[str, tuple[str, str]], loci: str) -> None:
    found = parse_phenotype(source)
    assert set(found.typings) == set(loci.split())
    again = parse_phenotype(found.text())
    assert {locus: canonical(again, locus) for locus in again.typings} == {
        locus: canonical(found, locus) for locus in found.typings
    }
    read = Phenotype(source)
    assert set(read.loci) == set(found.typings)
    assert all(same_but_for_order(read[locus], canonical(found, locus)) for locus in read.loci)
    assert [Phenotype(read.gl)[locus] for locus in LOCI] == [read[locus] for locus in LOCI]


def canonical(phenotype: OraclePhenotype, locus: str) -> str:
    return typing_text(phenotype.typings[locus])


@pytest.mark.parametrize(
    ("text", "reduced"),
    [
        ("A*01:01~DRB3*01:01+A*02:01~DRB3*02:02", "A*01:01+A*02:01^DRB3*01:01+DRB3*02:02"),
        ("DRB3*01:01^A*02:01", "A*02:01+A*02:01^DRB3*01:01"),
        ("A*01:01~B*07:02^DRB3*01:01", "A*01:01+A*01:01^B*07:02+B*07:02^DRB3*01:01"),
        ("DRB3*01:01+DRB3*01:01:02^A*02:01", "A*02:01+A*02:01^DRB3*01:01+DRB3*01:01"),
        ("DRB3*01:01|DRB3*02:02+DRB3*01:01", "DRB3*01:01|DRB3*01:01+DRB3*02:02"),
    ],
)
def test_a_reduced_text_says_of_drb345_what_the_text_says(text: str, reduced: str) -> None:
    found = allomatch.Nomenclature.two_field().reduce(text, "two-field")
    assert found == reduced
    assert Phenotype(found).loci == Phenotype(text).loci


@pytest.mark.parametrize(
    "beside",
    [{"DRB3": ("01:01", "")}, {"DRB3": ("NNNN", "")}, {"DRB4": ("01:03", "")}, {"DRB5": ("01:01", "NNNN")}],
)
def test_drb345_and_its_genes_may_not_disagree(beside: dict[str, tuple[str, str]]) -> None:
    source = {"DRB345": ("DRB3*01:01", "DRB3*02:02"), **beside}
    with pytest.raises(ValueError, match="DRB345"):
        parse_phenotype(source)
    with pytest.raises(allomatch.TypingError, match=r"'DRB3.01:01.DRB3.02:02'.*give DRB345 alone, or the genes alone"):
        Phenotype(source)


# ---- phase ------------------------------------------------------------------------------------------------------------------


@st.composite
def phased_texts(draw: st.DrawFn) -> tuple[str, Chooser]:
    """A person some of whose loci are in phase: the GL string, and chance to write it otherwise."""
    chooser = Drawn(draw)
    loci = shuffled(chooser, [*LOCI])[: chooser.number(2, 5)]
    drawing = {locus: TypingDraw(two_field_vocabulary(locus)) for locus in loci if locus != DRB345}
    pairs = []
    for _ in range(chooser.pick([1, 1, 2, 3])):
        drawn = {locus: one.genotype(chooser) for locus, one in drawing.items()}
        first = "~".join(first_of(locus, genotype[0]) for locus, genotype in drawn.items())
        second = "~".join(first_of(locus, genotype[1] or genotype[0]) for locus, genotype in drawn.items())
        pairs.append(chooser.pick([f"{first}+{second}", f"{second}+{first}", first]))
    others = {
        locus: ((chooser.pick(["01:01", "02:01"]), ""),) for locus in LOCI if locus not in loci and locus != DRB345
    }
    apart = {locus: typing for locus, typing in others.items() if chooser.number(0, 3) == 0}
    parts = ["|".join(pairs), *(gl_text(locus, typing) for locus, typing in apart.items())]
    return "^".join(shuffled(chooser, parts)), Seeded(draw(st.integers(0, 10_000)))


def first_of(locus: str, position: str) -> str:
    """A position with the locus of its first name."""
    first, slash, rest = position.partition("/")
    return written(locus, first) + slash + rest


@settings(max_examples=300)
@given(phased_texts())
@example(("DRB1*03:01~DRB3*01:01+DRB1*04:01~DRB4*01:03", Seeded(0)))
@example(("DRB3*01:01~DRB4*01:01+DRB3*02:02~DRB4*01:03", Seeded(0)))
@example(("DRB1*01:01~DRBX*NNNN+DRB1*04:01~DRB4*01:03", Seeded(0)))
@example(("A*01:01~B*08:01+A*02:01~B*07:02|A*01:01~B*07:02+A*02:01~B*08:01", Seeded(0)))
@example(("DRB1*03:01~DRB3*01:01+DRB1*11:01~DRB3*02:02|DRB1*03:01~DRB3*01:01+DRB1*04:01~DRB4*01:03", Seeded(0)))
def test_phase_is_kept_and_written_in_one_way(drawn: tuple[str, Chooser]) -> None:
    text, chooser = drawn
    read = Phenotype(text)
    assert meaning(read.gl) == meaning(text)
    assert Phenotype(read.gl).gl == read.gl
    # The order of alternatives, of haplotypes, and that of loci on all, says nothing.
    parts = []
    for part in text.split("^"):
        order = shuffled(chooser, list(map(str, range(part.partition("+")[0].partition("|")[0].count("~") + 1))))
        pairs = [shuffled(chooser, pair.split("+")) for pair in shuffled(chooser, part.split("|"))]
        written = [["~".join(h.split("~")[int(i)] for i in order) for h in pair] for pair in pairs]
        parts.append("|".join(map("+".join, written)) if "~" in part else part)
    other = "^".join(shuffled(chooser, parts))
    assert Phenotype(other).gl == read.gl, other
    # Each locus reads as the same genotype would without its phase.
    for locus in read.loci:
        assert meaning(read[locus])[locus] == meaning(text)[locus]


# ---- damaged texts ----------------------------------------------------------------------------------------------------------

ALPHABET = "00129 +/|^~:*-()NGPXLEWQCgnxABaDRHLA\t\n"


def damaged(chooser: Chooser, text: str) -> str:
    for _ in range(chooser.pick([1, 1, 1, 2])):
        at = chooser.number(0, len(text))
        end = min(len(text), at + chooser.number(1, 6))
        text = chooser.pick(
            [
                text[:at] + text[at + 1 :],
                text[:at] + chooser.pick(ALPHABET) + text[at:],
                text[:at] + chooser.pick(ALPHABET) + text[at + 1 :],
                text[:end] + text[at:end] + text[end:],
                text[:at] + text[at:end].swapcase() + text[end:],
                text[:at] + text[at + 1 : at + 2] + text[at : at + 1] + text[at + 2 :],
                text[:at] + text[end:],
            ]
        )
    return text


def core_reads(text: str) -> Meaning | str:
    try:
        canonical = Phenotype(text).gl
    except (allomatch.TypingError, allomatch.ArgumentError):  # an unknown locus is an ArgumentError
        return REFUSED
    return meaning(canonical)


def oracle_reads(text: str) -> Meaning | str:
    try:
        return meaning(text)
    except ValueError:
        return REFUSED


def agree(text: str) -> bool:
    """Whether both sides read the same, or both refuse; true if so."""
    core, oracle = core_reads(text), oracle_reads(text)
    assert core == oracle, text
    return core != REFUSED


@st.composite
def damaged_texts(draw: st.DrawFn) -> str:
    chooser = Drawn(draw)
    return damaged(chooser, gl_string(draw_person(chooser, most=2)))


@settings(max_examples=400)
@given(damaged_texts())
@example("A*01:01+")
@example("+A*01:01")
@example("A*01:01|")
@example("A*01:01^")
@example("A*01:01^A*02:01")
@example("A*01:01+B*01:01")
@example("A*01:01+A*01:02+A*01:03")
@example("A*01:01/")
@example("A*01:XX/02")
@example("A*01:01P/02P/03N")
@example("A*1:01")
@example("A*001:01")
@example("A*10000:01")
@example("A*01:01:01:01:01")
@example("A*01:01:01P")
@example("A*01:01:01:01G")
@example("A*01")
@example("A*01:01NN")
@example("A*01:XXN")
@example("A*01:01:XX")
@example("Q*01:01")
@example("01:01+A*02:01")
@example("A*01:01~B*07:02")
@example("A*01:01~B*07:02|A*01:01~B*07:02+")
@example("A*01:01~B*07:02|A*01:01~C*07:02")
@example("A*01:01~B*07:02|A*01:01")
@example("A*01:01~B*07:02|")
@example("A*01:01~B*07:02+|A*02:01~B*07:02+A*03:01~B*07:02+A*01:01~B*07:02")
@example("A*02:NEW")
@example("A*02:GFJM")
@example("A*NEW/02")
@example("A*NEW/2")
@example("NNNN/52")
@example("DRB3*01:01+NNNN")
@example("DRB3*01:01+NE^DRB4*01:01")
@example("NNNN")
@example("DRBX*NNNN/01:01")
@example("DRB3*01:01/01:02+DRB4*01:01")
@example("DRB3*01:01/02+DRB4*01:01")
@example("DR52/53")
@example("DR4/52")
@example("A2/28")
@example("A2/28N")
@example("A2/B28")
@example("A*0201/05/0203")
@example("A*02011/051")
@example("A0201/A2")
@example("DRB11404")
@example("DRB30101+DRB40101")
@example("DR0401+DR4")
@example("DPw4")
@example("A23(9)+A24(9)")
@example("A23(9")
@example("A*02:XXN")
@example("A*02:NNNN")
@example("A*00:01")
@example("A*01:00")
@example("HLA-HLA-A*01:01")
@example("A 01:01")
@example("A*\u0661\u0661:01")
@example("A*01:01\0")
@example(" \n")
def test_damaged_texts(text: str) -> None:
    agree(text)


def test_many_damaged_texts() -> None:
    read = 0
    for seed in range(15_000):
        chooser = Seeded(seed)
        read += agree(damaged(chooser, gl_string(draw_person(chooser, most=2))))
    assert read > 2000


@settings(max_examples=300)
@given(st.data())
def test_damaged_pairs(data: st.DataObject) -> None:
    chooser = Drawn(data.draw)
    draw = TypingDraw(two_field_vocabulary("A"))
    first, second = (chooser.pick([draw.position(chooser), "", " "]) for _ in range(2))
    pair = (damaged(chooser, first), second) if chooser.number(0, 1) else (first, damaged(chooser, second))
    try:
        core: Meaning | str = meaning(Phenotype({"A": pair}).gl)
    except allomatch.TypingError:
        core = REFUSED
    try:
        oracle: Meaning | str = meaning_of(parse_phenotype({"A": pair}))
    except ValueError:
        oracle = REFUSED
    assert core == oracle


def test_a_locus_twice_in_a_mapping() -> None:
    with pytest.raises(allomatch.TypingError):
        Phenotype({"A": ("01:01", "02:01"), "a": ("03:01", "")})


def test_a_g_group_in_lower_case() -> None:
    assert Phenotype("a*02:01:01g").gl == Phenotype("A*02:01:01G").gl


def test_a_g_of_two_fields_is_small() -> None:
    assert Phenotype("A*02:01G").gl == Phenotype("a*02:01g").gl == "A*02:01g+A*02:01g"
