"""How well two typings of a locus match, position by position: grades, confidence, antigens, epitopes, leaders.

What: `match_detail` turns two typings into a `LocusDetail`. A `Side` is one position as far as a comparison can see it;
`grade`, `confidence` and `antigen_match` compare two sides; `pair_up` finds the better of the two orientations.
Invariants: everything is said at the patient's positions; a null position has the grade of a null and the confidence
and antigens of the locus' other position, for which it makes the locus homozygous. Why this way: sides can be
made up without any release, so that the rules can be held against the bare facts of other engines. One long file: what is
said of a locus is one value, and each part of it rests on the same sides.

Source: SEMANTICS section 3; T-cell epitopes: Zino et al., Blood 2004;103:1417, Fleischhauer et al., Lancet Oncology
2012;13:366, groups as in `tce/dpb_tce.csv` version 2; leaders and expression: `dimorphism`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from itertools import product
from pathlib import Path
from typing import Literal, TypeVar

from . import dimorphism
from .match import NEW, Counts, NullPolicy, Profile, known_names, match_locus, named_groups, position_choices
from .names import Name, parse_name
from .nomenclature import Release, TwoField
from .phenotype import Genotype, Position, Typing
from .serology import LETTERS, Relations, Serology, lines

T = TypeVar("T")
Known = TwoField | Release
Grade = Literal[
    "gDNA",
    "cDNA",
    "protein",
    "G group",
    "P group",
    "null vs null",
    "associated",
    "split",
    "broad",
    "unknown",
    "expressed vs null",
    "mismatch",
    "permissive",
    "non-permissive",
]
Confidence = Literal["definite", "exact", "potential", "mismatch"]
Orientation = Literal["direct", "crossed"]
Verdict = Literal["matched", "permissive", "non-permissive GvH", "non-permissive HvG", "unknown"]

# Best first. The two of DPB1 take the place of a mismatch once the orientation is chosen.
GRADES: tuple[Grade, ...] = (
    "gDNA",
    "cDNA",
    "protein",
    "G group",
    "P group",
    "null vs null",
    "associated",
    "split",
    "broad",
    "unknown",
    "expressed vs null",
    "mismatch",
)
CONFIDENCES: tuple[Confidence, ...] = ("definite", "exact", "potential", "mismatch")


def grade_rank(grade: Grade) -> int:
    """0 for a mismatch, more for better grades."""
    return len(GRADES) - 1 - GRADES.index(grade)


def confidence_rank(confidence: Confidence) -> int:
    """0 for a mismatch, 3 for definite."""
    return len(CONFIDENCES) - 1 - CONFIDENCES.index(confidence)


@dataclass(frozen=True)
class Allele:
    """What grades ask of one allele.

    Attributes:
        name: As listed, with its suffix.
        fields: Its 2-4 fields, the first one with the locus, as in `A*02`.
        listed: Whether the name is a whole allele of a release, rather than a name that may be cut.
        full_gdna: Whether its whole genomic sequence is known.
    """

    name: str
    fields: tuple[str, ...]
    listed: bool = True
    full_gdna: bool = False


@dataclass(frozen=True)
class Side:
    """One position as far as a comparison can see it.

    Attributes:
        alleles: The expressed alleles it may be, if it was written as one allele name (perhaps cut); otherwise none.
        ards: ARD groups it may be, those of alleles that are not yet named among them.
        named: Those of them that its names say; of NEW, and of an antigen without data, nothing is said.
        gs: G groups it may be; an allele outside any G group counts as one of its own.
        antigens: What it types as: the antigens of its alleles, or the antigen that was reported.
        serology: Whether it was reported as an antigen.
        null: Whether it certainly has no protein.
        may_be_null: Whether it may have none, where the null policy counts that.
        untyped: Whether nothing is known of it.
    """

    alleles: tuple[Allele, ...] = ()
    ards: frozenset[str] = frozenset()
    named: frozenset[str] = frozenset()
    gs: frozenset[str] = frozenset()
    antigens: frozenset[str] = frozenset()
    serology: bool = False
    null: bool = False
    may_be_null: bool = False
    untyped: bool = False

    @property
    def single(self) -> bool:
        """Whether it is one allele and no other."""
        return len(self.alleles) == 1 and self.alleles[0].listed


Sides = tuple[Side, Side]
NULL = Side(null=True, may_be_null=True)
UNTYPED = Side(untyped=True)


def allele_grade(a: Side, b: Side) -> Grade | None:
    """The best of `gDNA`, `cDNA` and `protein` that two allele names allow, None if they are of unlike proteins."""
    same = {x for x in a.alleles if x.listed} & {y for y in b.alleles if y.listed}
    if any(x.full_gdna for x in same):
        return "gDNA"
    coding, protein = ({x.fields[:n] for x in a.alleles} & {y.fields[:n] for y in b.alleles} for n in (3, 2))
    if same or any(len(fields) == 3 for fields in coding):
        return "cDNA"
    return "protein" if protein else None


def serology_grade(a: Side, b: Side, relations: Relations) -> Grade:
    """The best grade of two sides' antigens: the same one, or one that is a broad or an associated one of the other."""
    found: list[Grade] = ["mismatch"]
    for x, y in product(a.antigens, b.antigens):
        kinds = {relations.subtype(x), relations.subtype(y)}
        if x == y and kinds == {"associated"}:
            found.append("associated")
        elif x == y or y in relations.relatives(x):
            found.append("broad" if "broad" in kinds else "split")
    return max(found, key=grade_rank)


def expressed_grade(a: Side, b: Side, relations: Relations) -> Grade:
    """The best grade that two positions may have if both are expressed."""
    if a.untyped or b.untyped:
        return "unknown"
    if a.serology or b.serology:
        return serology_grade(a, b, relations)
    found: list[Grade] = ["mismatch"]
    if (named := allele_grade(a, b)) is not None:
        found.append(named)
    if a.gs & b.gs:
        found.append("G group")
    if a.ards & b.ards:
        found.append("P group" if a.named & b.named else "unknown")
    return max(found, key=grade_rank)


def grade(a: Side, b: Side, relations: Relations) -> Grade:
    """The best grade that two positions may have."""
    found: list[Grade] = []
    if not a.null and not b.null:
        found.append(expressed_grade(a, b, relations))
    if (a.may_be_null and not b.null) or (b.may_be_null and not a.null):
        found.append("expressed vs null")
    if a.may_be_null and b.may_be_null:
        found.append("null vs null")
    return max(found, key=grade_rank)


@dataclass(frozen=True)
class Effective:
    """What a position shows once a null has made its locus homozygous.

    Attributes:
        side: What is expressed; the null if nothing is.
        certain: False where a null is only possible, so that other things may be expressed too.
        may_be_nothing: Whether nothing may be expressed at the whole locus.
    """

    side: Side
    certain: bool = True
    may_be_nothing: bool = False


def effective(side: Side, other: Side) -> Effective:
    """What a position shows, given the other position of its locus."""
    nothing = side.may_be_null and other.may_be_null
    if side.null:
        return Effective(other, certain=other.null or not other.may_be_null, may_be_nothing=nothing)
    if not side.may_be_null or other.null:
        return Effective(side, certain=not side.may_be_null, may_be_nothing=nothing)
    both = Side(
        ards=side.ards | other.ards,
        named=side.named | other.named,
        gs=side.gs | other.gs,
        antigens=side.antigens | other.antigens,
        serology=side.serology or other.serology,
        untyped=side.untyped or other.untyped,
    )
    return Effective(both, certain=False, may_be_nothing=nothing)


def confidence(a: Effective, b: Effective, relations: Relations) -> Confidence:
    """How sure it is that two positions match."""
    x, y = a.side, b.side
    if x.untyped or y.untyped:
        return "potential"
    if x.null and y.null:
        return "definite"
    if x.null or y.null:
        return "potential" if a.may_be_nothing and b.may_be_nothing else "mismatch"
    reported = x.serology or y.serology
    meet = serology_grade(x, y, relations) != "mismatch" if reported else bool(x.ards & y.ards)
    if not meet:
        return "potential" if a.may_be_nothing and b.may_be_nothing else "mismatch"
    if reported or not a.certain or not b.certain:
        return "potential"
    if x.single and y.single:
        return "definite"
    return "exact" if len(x.ards) == len(y.ards) == 1 else "potential"


def antigen_match(a: Effective, b: Effective, relations: Relations) -> bool | None:
    """Whether two positions share an antigen, as far as can be said; None if nothing can."""
    x, y = a.side, b.side
    if x.untyped or y.untyped:
        return None
    if x.named & y.named and not (x.serology or y.serology):
        return True
    if (a.may_be_nothing and b.may_be_nothing) or serology_grade(x, y, relations) != "mismatch":
        return True
    return None if x.ards != x.named or y.ards != y.named else False


@dataclass(frozen=True)
class PairedUp:
    """Two genotypes in their better orientation; everything at the patient's two positions.

    Attributes:
        orientation: `direct`: the patient's first position beside the donor's first.
        grades: Grades.
        confidences: Confidences.
        antigens: Antigen matches.
    """

    orientation: Orientation
    grades: tuple[Grade, Grade]
    confidences: tuple[Confidence, Confidence]
    antigens: tuple[bool | None, bool | None]

    @property
    def worth(self) -> tuple[int, int, int, int]:
        """What the better orientation has more of: matches, then grades, then confidence, then antigen matches."""
        return (
            sum(c != "mismatch" for c in self.confidences),
            sum(grade_rank(g) for g in self.grades),
            sum(confidence_rank(c) for c in self.confidences),
            sum(a is True for a in self.antigens),
        )

    def at_donor(self, pair: tuple[T, T]) -> tuple[T, T]:
        """A pair of the patient's positions in the order of the donor's."""
        return pair if self.orientation == "direct" else (pair[1], pair[0])


def pair_up(patient: Sides, donor: Sides, relations: Relations) -> PairedUp:
    """The better orientation of two genotypes; direct if both are as good."""

    def compared(orientation: Orientation) -> PairedUp:
        d = donor if orientation == "direct" else (donor[1], donor[0])
        shown = [(effective(patient[i], patient[1 - i]), effective(d[i], d[1 - i])) for i in (0, 1)]
        return PairedUp(
            orientation,
            (grade(patient[0], d[0], relations), grade(patient[1], d[1], relations)),
            (confidence(*shown[0], relations), confidence(*shown[1], relations)),
            (antigen_match(*shown[0], relations), antigen_match(*shown[1], relations)),
        )

    direct, crossed = compared("direct"), compared("crossed")
    return crossed if crossed.worth > direct.worth else direct


# --- from typings ---------------------------------------------------------------------------------------------------


@dataclass(eq=False)
class Facts:
    """What a release knows of alleles besides their names and groups; nothing without a release.

    Attributes:
        full_gdna: Alleles whose whole genomic sequence is known (`Allele_status.txt`).
        tce: T-cell epitope groups 1-3 of DPB1 alleles (`tce/dpb_tce.csv`, version 2).
        serology: Antigens and their relations.
    """

    full_gdna: frozenset[str] = frozenset()
    tce: dict[str, int] = field(default_factory=dict)
    serology: Serology = field(default_factory=lambda: Serology([], []))

    @classmethod
    def of_release(cls, folder: Path, release: Release) -> Facts:
        """Reads the files of `folder/imgt/<release>`.

        Args:
            folder: The folder laid out `imgt/<release>/...`.
            release: The same release.
        """
        home = folder / "imgt" / release.label
        # Allele,Cells,Groups,Confirmed,Start,End,Partial,Type; older releases have fewer columns before the last two.
        rows = [line.split(",") for line in lines(home / "Allele_status.txt")]
        full = frozenset(row[0] for row in rows if row[-2:] == ["Full", "gDNA"])
        assigned = {}
        for line in lines(home / "tce" / "dpb_tce.csv"):
            allele, _, _, version_2, *_ = line.split(",")
            if version_2[:1] in ("1", "2", "3"):  # markers follow, as in 3$ and 2a; 0 is a null
                assigned[allele] = int(version_2[0])
        return cls(
            full,
            _same_protein_same_epitope(assigned, release),
            release.serology,
        )


def _same_protein_same_epitope(assigned: dict[str, int], release: Release) -> dict[str, int]:
    """Adds alleles that the file leaves out or blank, by the others of their ARD group: the epitope lies in the ARD.

    Nowhere do two alleles of one ARD group have unlike epitope groups (3.33.0, 3.50.0, 3.58.0).
    """
    by_ard = {ard: group for allele, group in assigned.items() if (ard := release.ard(allele)) is not None}
    expressed = [a for a in release.alleles if a.startswith("DPB1*") and not a.endswith("N")]
    return {a: by_ard[ard] for a in expressed if (ard := release.ard(a)) in by_ard and ard is not None}


@lru_cache(maxsize=512)  # only a cache, as in `nomenclature`; a side may hold all groups of a locus
def side_of(
    position: Position,
    nom: Known,
    facts: Facts,
    policy: NullPolicy,
    named: frozenset[str],
    new_of: str | None = None,
) -> Side:
    """A position as a comparison sees it.

    Args:
        position: The written names.
        nom: The nomenclature.
        facts: What it knows besides.
        policy: Whether nulls count that are only possible.
        named: As in `match.position_choices`.

        new_of: As in `match.position_choices`.

    Raises:
        ValueError: None of the names is known.
    """
    names = known_names(position, nom)
    choices = position_choices(position, nom, policy, named, new_of)
    if not choices.groups:
        return NULL
    reported = [name for name in names if name.kind == "serology"]
    if reported and isinstance(nom, TwoField):
        return Side(ards=choices.groups, may_be_null=choices.null)  # without data antigens have no relations
    telling = [name for name in names if name.kind != "NEW"]
    members = [m for name in telling for m in nom.members(name) if nom.ard(m) is not None]
    return Side(
        alleles=_alleles(names, nom, facts),
        ards=choices.groups,
        named=position_choices(frozenset(telling), nom, policy, named).groups if telling else frozenset(),
        gs=_g_groups(names, members, nom),
        antigens=frozenset(
            antigen
            for name in telling
            for antigen in ([str(name)] if name.kind == "serology" else antigens_of_members(name, nom, facts))
        ),
        serology=bool(reported),
        may_be_null=choices.null,
    )


def _alleles(names: Sequence[Name], nom: Known, facts: Facts) -> tuple[Allele, ...]:
    """The alleles of one allele name, perhaps an old one; none of any other form, and of several names."""
    if len(names) != 1 or names[0].kind not in ("allele", "V2"):
        return ()
    if isinstance(nom, TwoField):
        now = parse_name(nom.current_name(names[0]))
        return (Allele(str(now), _fields(now), listed=False),)
    expressed = [m for m in nom.members(names[0]) if nom.ard(m) is not None]
    return tuple(Allele(m, _fields(parse_name(m)), full_gdna=m in facts.full_gdna) for m in expressed)


def _fields(name: Name) -> tuple[str, ...]:
    return (name.first_field, *name.fields[1:])


def _g_groups(names: Iterable[Name], members: Iterable[str], nom: Known) -> frozenset[str]:
    if isinstance(nom, TwoField):
        return frozenset(str(name) for name in names if name.kind == "G")
    return frozenset(nom.reduce(member, "G") for member in members)


def antigens_of_members(name: Name, nom: Known, facts: Facts) -> frozenset[str]:
    """The antigens of the expressed alleles of a name, and of the first fields that it leaves open."""
    members = [parse_name(m) for m in nom.members(name) if nom.ard(m) is not None]
    fields = {beginning.removesuffix(":") for beginning in nom.meaning(name).open_fields}
    return frozenset(a for m in members for a in antigens_of(m, facts)) | {pseudo_antigen(field) for field in fields}


def antigens_of(allele: Name, facts: Facts) -> frozenset[str]:
    """The antigens of an expressed allele; its first field is one where the files give none."""
    return facts.serology.antigens(str(allele)) or frozenset({pseudo_antigen(allele.first_field)})


def pseudo_antigen(first_field: str) -> str:
    """`A2` of `A*02`; where antigens are not numbered by first fields, the first field itself."""
    locus, number = first_field.split("*")
    return LETTERS[locus] + number.lstrip("0") if locus in ("A", "B", "C", "DRB1", "DQB1") else first_field


@dataclass(frozen=True)
class Epitopes:
    """DPB1: the T-cell epitope groups of both persons, 1 to 3, None if unknown; and what a mismatch is."""

    patient: int | None
    donor: int | None
    verdict: Verdict


@dataclass(frozen=True)
class Dimorphism:
    """HLA-B leaders or DPB1 expression of both persons.

    Attributes:
        patient: The patient's two values, sorted; None if one is unknown or a null is there.
        donor: The donor's.
        mismatched: With one mismatch at the locus, the values of the two mismatched alleles.
        matched: Whether these two are the same.
    """

    patient: tuple[str, str] | None
    donor: tuple[str, str] | None
    mismatched: tuple[str | None, str | None] | None

    @property
    def matched(self) -> bool | None:
        if self.mismatched is None or None in self.mismatched:
            return None
        return self.mismatched[0] == self.mismatched[1]


@dataclass(frozen=True)
class LocusDetail:
    """All that is said of one locus."""

    counts: Counts
    paired: PairedUp
    epitopes: Epitopes | None
    dimorphism: Dimorphism | None

    @property
    def category(self) -> str:
        """As in the counts; at DPB1 the epitopes' verdict on a mismatch, where there is one."""
        if self.epitopes is None or self.counts.category != "mismatch" or self.epitopes.verdict == "unknown":
            return self.counts.category
        return "permissive mismatch" if self.epitopes.verdict == "permissive" else self.epitopes.verdict

    @property
    def grades(self) -> tuple[Grade, Grade]:
        """The grades, with a mismatch at DPB1 called by the epitopes' verdict."""

        def called(grade: Grade) -> Grade:
            if grade != "mismatch" or self.epitopes is None or self.epitopes.verdict in ("unknown", "matched"):
                return grade
            return "permissive" if self.epitopes.verdict == "permissive" else "non-permissive"

        return called(self.paired.grades[0]), called(self.paired.grades[1])


def match_detail(
    patient: Typing | None,
    donor: Typing | None,
    locus: str,
    nom: Known,
    facts: Facts,
    policy: NullPolicy = "explicit",
    profile: Profile = "standard",
) -> LocusDetail:
    """Compares two typings of a locus in detail; None is untyped.

    Of genotype lists, the pair of genotypes is shown that is worth most (the first of equals), and no confidence is
    more than `potential`.

    Raises:
        ValueError: Of a position, the nomenclature knows no name.
    """
    counts = match_locus(patient, donor, nom, policy, profile=profile)
    genotypes = [[], []] if patient is None or donor is None else [list(patient.genotypes), list(donor.genotypes)]
    positions = [position for genotype in genotypes[0] + genotypes[1] for position in genotype]
    named = frozenset[str]().union(*(named_groups(position, nom) for position in positions))

    if isinstance(nom, Release):
        named = frozenset(group for group in named if NEW in group)  # all others are known; so sides are cached

    def sides(genotype: Genotype, whose: str) -> Sides:
        new_of = whose if profile == "atlas" else None
        a, b = (side_of(position, nom, facts, policy, named, new_of) for position in genotype)
        return a, b

    best = PairedUp("direct", ("unknown", "unknown"), ("potential", "potential"), (None, None))
    shown: tuple[Genotype, Genotype] | None = None
    for p, d in product(*genotypes):
        found = pair_up(sides(p, "patient"), sides(d, "donor"), facts.serology.relations)
        if shown is None or found.worth > best.worth:
            best, shown = found, (p, d)
    ambiguous = any(len(side) > 1 for side in genotypes)
    if ambiguous:
        a, b = (min(c, "potential", key=confidence_rank) for c in best.confidences)
        best = replace(best, confidences=(a, b))
    epitopes, two_way = None, None
    if locus == "DPB1":
        groups = [person_epitope(typing, nom, facts, policy) for typing in (patient, donor)]
        epitopes = Epitopes(groups[0], groups[1], epitope_verdict(groups[0], groups[1], counts))
    if locus in VALUES:
        pairs = [person_values(typing, locus, nom, policy) for typing in (patient, donor)]
        mismatched = None
        if shown is not None and not ambiguous and best.confidences.count("mismatch") == 1:
            at = best.confidences.index("mismatch")
            there = at if best.orientation == "direct" else 1 - at
            mismatched = (
                genotype_values(shown[0], locus, nom, policy)[at],
                genotype_values(shown[1], locus, nom, policy)[there],
            )
        two_way = Dimorphism(pairs[0], pairs[1], mismatched)
    return LocusDetail(counts, best, epitopes, two_way)


def leaves_open(position: Position, nom: Known) -> bool:
    """Whether a position may be an allele that nobody can list: it is NEW, or without data a code or an antigen."""
    meanings = [nom.meaning(name) for name in known_names(position, nom)]
    return any(meaning.open_fields or meaning.new for meaning in meanings)


# --- DPB1 T-cell epitopes -------------------------------------------------------------------------------------------


@cache
def position_epitope(position: Position, nom: Known, facts: Facts) -> int | None:
    """The epitope group of a position: that of all its expressed alleles; None if they disagree or one has none."""
    if leaves_open(position, nom):
        return None
    members = {m for name in known_names(position, nom) for m in nom.members(name) if nom.ard(m) is not None}
    groups = {facts.tce.get(m) for m in members}
    return groups.pop() if len(groups) == 1 else None


def person_epitope(typing: Typing | None, nom: Known, facts: Facts, policy: NullPolicy) -> int | None:
    """The most immunogenic group of a person (1 before 2 before 3); None if a position, or the whole, is not certain.

    A null makes the locus homozygous for the other position; of a locus that expresses nothing there is no group.
    """
    if typing is None:
        return None
    found: set[int | None] = set()
    for genotype in typing.genotypes:
        options: list[list[int | Literal["null"] | None]] = []
        for position in genotype:
            choices = position_choices(position, nom, policy, frozenset())
            expressed = [] if not choices.groups else [position_epitope(position, nom, facts)]
            options.append([*expressed, *(["null"] if choices.null else [])])  # type: ignore[list-item]
        for a, b in product(*options):
            groups = [g for g in (a, b) if g != "null"]
            found.add(None if not groups or None in groups else min(g for g in groups if g is not None))
    return found.pop() if len(found) == 1 else None


def epitope_verdict(patient: int | None, donor: int | None, counts: Counts) -> Verdict:
    """What a mismatch at DPB1 is: in the direction of the person whose group is the more immunogenic one."""
    if counts.greatest == 0:
        return "matched"
    if patient is None or donor is None:
        return "unknown"
    if patient == donor:
        return "permissive"
    return "non-permissive GvH" if patient < donor else "non-permissive HvG"


# --- leaders and expression -----------------------------------------------------------------------------------------

VALUES: dict[str, Callable[[tuple[str, ...]], str | None]] = {
    "B": dimorphism.leader,
    "DPB1": dimorphism.expression,
}


@cache
def position_value(
    position: Position, value: Callable[[tuple[str, ...]], str | None], nom: Known, policy: NullPolicy
) -> str | None:
    """The leader or expression of a position; None if its alleles disagree, one is unknown, or it may be null."""
    choices = position_choices(position, nom, policy, frozenset())
    if choices.null or leaves_open(position, nom):
        return None
    members = {m for name in known_names(position, nom) for m in nom.members(name) if nom.ard(m) is not None}
    found = {value(parse_name(m).fields) for m in members}
    return found.pop() if len(found) == 1 else None


def genotype_values(genotype: Genotype, locus: str, nom: Known, policy: NullPolicy) -> tuple[str | None, str | None]:
    """The values of both positions. At DPB1 beside exactly one null the locus is homozygous; a null of B may have a leader."""
    a, b = (position_value(position, VALUES[locus], nom, policy) for position in genotype)
    if locus == "DPB1":
        nulls = [position_choices(position, nom, policy, frozenset()).all() == [None] for position in genotype]
        a, b = b if nulls[0] else a, a if nulls[1] else b
    return a, b


def person_values(typing: Typing | None, locus: str, nom: Known, policy: NullPolicy) -> tuple[str, str] | None:
    """The two values of a person, sorted; None if a position's is unknown or genotype alternatives disagree."""
    if typing is None:
        return None
    found: set[tuple[str, str] | None] = set()
    for first, second in typing.genotypes:
        a, b = genotype_values((first, second), locus, nom, policy)
        found.add(None if a is None or b is None else (min(a, b), max(a, b)))
    return found.pop() if len(found) == 1 else None
