"""Match: how one donor's phenotype compares with a patient's, locus by locus.

The counting rules are the core's (SEMANTICS section 2; WMDA framework, Bochtler et al., Bone Marrow Transplantation 2011):
two alleles match when their ARD groups are equal, a locus has 0 to 2 mismatches, and where typings are ambiguous there is a
least (potential) and a greatest (definite) number of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from allomatch import _core
from allomatch.detail import Category, Confidence, Epitopes, Grade, LocusDetail, Orientation, TwoWay
from allomatch.errors import problem
from allomatch.nomenclature import LOCI, Nomenclature
from allomatch.notebook import Cell, shown, span, table
from allomatch.phenotype import Phenotype

__all__ = ["PRESETS", "LocusMatch", "Match", "MatchLevel", "levels_of", "loci_of", "match"]

NullPolicy = Literal["explicit", "possible"]
Profile = Literal["standard", "atlas"]
# What is compared: ARD groups, proteins (two fields), antigens.
MatchLevel = Literal["ard", "allele", "antigen"]

# WMDA's names for the number of positions that are compared.
PRESETS: dict[str, tuple[str, ...]] = {
    "6/6": ("A", "B", "DRB1"),
    "8/8": ("A", "B", "C", "DRB1"),
    "10/10": ("A", "B", "C", "DRB1", "DQB1"),
    "12/12": ("A", "B", "C", "DRB1", "DQB1", "DPB1"),
}


def loci_of(loci: str | Sequence[str]) -> tuple[str, ...]:
    """Return the loci of a preset, or check a list of loci.

    Args:
        loci: ``"6/6"``, ``"8/8"``, ``"10/10"``, ``"12/12"``, or names of loci.

    Raises:
        ArgumentError: The preset is unknown, no locus is named, or one twice. Unknown loci are reported when they are used.

    Example:
        >>> loci_of("6/6")
        ('A', 'B', 'DRB1')
    """
    if isinstance(loci, str):
        if loci not in PRESETS:
            raise problem(
                "InvalidArgument",
                f"unknown set of loci {loci!r}; known are {', '.join(PRESETS)}, or give a list such as ['A', 'B']",
            )
        return PRESETS[loci]
    if not isinstance(loci, Sequence) or not all(isinstance(locus, str) for locus in loci):
        raise problem("WrongType", f"loci are {loci!r}; give a preset such as '10/10' or a list such as ['A', 'B']")
    if not loci:
        raise problem("InvalidArgument", "no locus is named; give at least one")
    # Under their own names, so that answers can be asked for by them.
    known = {locus.upper(): locus.upper() for locus in LOCI}
    named = tuple(known.get(locus.upper(), locus) for locus in loci)
    for locus in named:
        if named.count(locus) > 1:  # its mismatches would count twice
            raise problem("InvalidArgument", f"locus {locus} is asked for twice; name it once")
    return named


def levels_of(
    level: MatchLevel | Mapping[str, MatchLevel] | None,
    loci: Sequence[str],
    otherwise: Mapping[str, MatchLevel] | None = None,
) -> tuple[MatchLevel, ...]:
    """Return what is compared at each locus.

    Args:
        level: One for all loci, or by locus.
        loci: The loci that are compared.
        otherwise: The levels of loci that ``level`` does not name; ``"ard"`` at the rest.

    Raises:
        ArgumentError: A level at a locus that is not compared, or no level. Unknown ones are reported when they are used.

    Example:
        >>> levels_of({"A": "antigen"}, ["A", "DRB1"])
        ('antigen', 'ard')
    """
    if isinstance(level, str):
        return (level,) * len(loci)
    if level is not None and not isinstance(level, Mapping):
        raise problem(
            "WrongType", f"level is {level!r}; give 'ard', 'allele', 'antigen', or a mapping such as {{'A': 'antigen'}}"
        )
    chosen = dict(otherwise or {})
    for locus, each in (level or {}).items():
        (name,) = loci_of([locus])
        if name not in loci:
            raise problem(
                "InvalidArgument", f"level is of locus {locus!r}, which is not compared; compared are {', '.join(loci)}"
            )
        check_choice(f"level[{locus!r}]", each, str)
        chosen[name] = each
    return tuple(chosen.get(locus, "ard") for locus in loci)


def check_choice(name: str, value: object, kind: type) -> None:
    """Raise ArgumentError if an argument is not of the type that is needed."""
    if not isinstance(value, kind):
        example = {Nomenclature: "Nomenclature.load('3.58.0')", str: "'explicit'"}.get(kind, kind.__name__)
        raise problem("WrongType", f"{name} is {value!r}; a {kind.__name__} is needed, for example {example}")


def _category(least: int, greatest: int) -> Category:
    if greatest == 0:
        return "match"
    return "potential" if least == 0 else "mismatch"


def _shown(typing: str) -> str:
    """Cut a long typing, so that a reason stays a line."""
    return typing if len(typing) <= 40 else typing[:37] + "..."


def _span(least: int, greatest: int) -> str:
    return str(least) if least == greatest else f"{least} to {greatest}"


@dataclass(frozen=True, slots=True)
class LocusMatch:
    """The comparison at one locus; every count is 0..2.

    Attributes:
        locus: Its name.
        patient: The patient's canonical typing; empty if untyped.
        donor: The donor's.
        mismatches: Fewest mismatches over all resolutions of both typings.
        greatest: Most mismatches.
        gvh: Fewest patient antigens that the donor lacks (graft versus host).
        gvh_greatest: Most of them.
        hvg: Fewest donor antigens that the patient lacks (host versus graft).
        hvg_greatest: Most of them.
        detail: Grades and the like, which do not depend on the level; its parts are properties here too.
        level: What was compared: ``"ard"``, ``"allele"`` or ``"antigen"``.
    """

    locus: str
    patient: str
    donor: str
    mismatches: int
    greatest: int
    gvh: int
    gvh_greatest: int
    hvg: int
    hvg_greatest: int
    detail: LocusDetail
    level: MatchLevel = "ard"

    @property
    def category(self) -> Category:
        """``"match"`` (none possible), ``"potential"`` (0 to some) or ``"mismatch"`` (at least one).

        A mismatch at DPB1 that the T-cell epitopes decide is a ``"permissive mismatch"``, ``"non-permissive GvH"`` or
        ``"non-permissive HvG"``.
        """
        found = _category(self.mismatches, self.greatest)
        if found != "mismatch" or self.tce is None:
            return found
        verdict = self.tce.verdict
        if verdict == "non-permissive GvH" or verdict == "non-permissive HvG":
            return verdict
        return "permissive mismatch" if verdict == "permissive" else found

    @property
    def grades(self) -> tuple[Grade, Grade]:
        """The best grade possible at each of the patient's positions, in the order of the canonical typing."""
        return self.detail.grades

    @property
    def confidences(self) -> tuple[Confidence, Confidence]:
        """How sure it is that the patient's positions match: ``"definite"``, ``"exact"``, ``"potential"`` or ``"mismatch"``."""
        return self.detail.confidences

    @property
    def antigen_matches(self) -> tuple[bool | None, bool | None]:
        """Whether the patient's positions share an antigen with the donor's; None if it cannot be said."""
        return self.detail.antigen_matches

    @property
    def orientation(self) -> Orientation:
        """``"direct"`` if the first positions are paired, else ``"crossed"``."""
        return self.detail.orientation

    @property
    def tce(self) -> Epitopes | None:
        """T-cell epitope groups, at DPB1."""
        return self.detail.tce

    @property
    def leader(self) -> TwoWay | None:
        """Leader genotypes, at B."""
        return self.detail.leader

    @property
    def expression(self) -> TwoWay | None:
        """Expression, at DPB1."""
        return self.detail.expression

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values, for JSON."""
        plain = asdict(self)
        detail = plain.pop("detail")
        return {**plain, "category": self.category, **detail}

    def explain(self) -> str:
        """Return one line in words."""
        by = "" if self.level == "ard" else f" by {self.level}"
        words = f"{self.locus}: {self.category}{by}, {_span(self.mismatches, self.greatest)} mismatches"
        if self.greatest:
            words += f" (GvH {_span(self.gvh, self.gvh_greatest)}, HvG {_span(self.hvg, self.hvg_greatest)})"
        words += f"; patient {self.patient or 'untyped'}, donor {self.donor or 'untyped'}"
        if not self.patient or not self.donor:
            words += " - an untyped locus may match or not"
        elif self.category == "potential":
            words += " - the typings allow a match, they do not prove it"
        return words + "; " + self.detail.explain()


@dataclass(frozen=True, slots=True)
class Match:
    """The comparison over all loci asked for; every count is the sum over the loci.

    Attributes:
        loci: One entry a locus, in the order asked for.
        nomenclature: The release that the names were read under.
        null_policy: What possible null alleles count as.
    """

    loci: tuple[LocusMatch, ...]
    nomenclature: str
    null_policy: NullPolicy

    def __getitem__(self, locus: str) -> LocusMatch:
        for each in self.loci:
            if each.locus == locus:
                return each
        raise KeyError(f"locus {locus!r} was not compared; compared were {', '.join(e.locus for e in self.loci)}")

    @property
    def mismatches(self) -> int:
        """Fewest mismatches."""
        return sum(each.mismatches for each in self.loci)

    @property
    def greatest(self) -> int:
        """Most mismatches."""
        return sum(each.greatest for each in self.loci)

    @property
    def gvh(self) -> int:
        """Fewest mismatches in graft-versus-host direction."""
        return sum(each.gvh for each in self.loci)

    @property
    def gvh_greatest(self) -> int:
        """Most mismatches in graft-versus-host direction."""
        return sum(each.gvh_greatest for each in self.loci)

    @property
    def hvg(self) -> int:
        """Fewest mismatches in host-versus-graft direction."""
        return sum(each.hvg for each in self.loci)

    @property
    def hvg_greatest(self) -> int:
        """Most mismatches in host-versus-graft direction."""
        return sum(each.hvg_greatest for each in self.loci)

    @property
    def category(self) -> Category:
        """``"match"``, ``"potential"`` or ``"mismatch"`` over all loci."""
        return _category(self.mismatches, self.greatest)

    def summary(self) -> str:
        """Return the reason in a few words: which loci are not certain matches, and why."""
        unsure = [each for each in self.loci if each.category != "match"]
        if not unsure:
            return f"all {2 * len(self.loci)} positions matched"
        words = []
        for each in unsure:
            if not each.patient or not each.donor:
                words.append(f"{each.locus} untyped")
            elif each.category == "potential":
                words.append(f"{each.locus} possible ({_shown(each.donor)})")
            else:
                words.append(f"{each.locus} {_span(each.mismatches, each.greatest)} mismatched ({_shown(each.donor)})")
        return "; ".join(words)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values, for JSON."""
        return {
            "nomenclature": self.nomenclature,
            "null_policy": self.null_policy,
            "category": self.category,
            "mismatches": self.mismatches,
            "greatest": self.greatest,
            "gvh": self.gvh,
            "gvh_greatest": self.gvh_greatest,
            "hvg": self.hvg,
            "hvg_greatest": self.hvg_greatest,
            "loci": {each.locus: each.to_dict() for each in self.loci},
        }

    def explain(self) -> str:
        """Return the comparison in words: a line of the whole, then a line a locus."""
        positions = 2 * len(self.loci)
        matched = _span(positions - self.greatest, positions - self.mismatches)
        head = (
            f"{self.category}: {matched} of {positions} positions matched, {_span(self.mismatches, self.greatest)} mismatches "
            f"(nomenclature {self.nomenclature}, null policy {self.null_policy})"
        )
        return "\n".join([head, *("  " + each.explain() for each in self.loci)])

    def _repr_html_(self) -> str:
        """Return a table for notebooks: a row a locus, then the whole."""
        rows: list[list[str | Cell]] = [
            [
                each.locus,
                shown(each.patient),
                shown(each.donor),
                Cell(each.category),
                span(each.mismatches, each.greatest),
                span(each.gvh, each.gvh_greatest),
                span(each.hvg, each.hvg_greatest),
            ]
            for each in self.loci
        ]
        whole = [
            span(self.mismatches, self.greatest),
            span(self.gvh, self.gvh_greatest),
            span(self.hvg, self.hvg_greatest),
        ]
        rows.append(["all", "", "", Cell(self.category), *whole])
        return table(
            "Match of a patient and a donor",
            ["locus", "patient", "donor", "category", "mismatches", "GvH", "HvG"],
            rows,
            f"Nomenclature {self.nomenclature}, null policy {self.null_policy}. Decision support, never a decision.",
        )


def match(
    patient: Phenotype | str,
    donor: Phenotype | str,
    nomenclature: Nomenclature,
    loci: str | Sequence[str] = "10/10",
    *,
    null_policy: NullPolicy = "explicit",
    profile: Profile = "standard",
    level: MatchLevel | Mapping[str, MatchLevel] = "ard",
    donor_required: bool = True,
) -> Match:
    """Compare a donor with a patient.

    Args:
        patient: A phenotype or a GL string.
        donor: A phenotype or a GL string.
        nomenclature: What the names stand for.
        loci: A preset or a list of loci; an untyped locus counts 0 to 2 mismatches.
        null_policy: ``"explicit"``: a null allele counts only where it is certain. ``"possible"``: wherever it is possible.
        profile: ``"atlas"``: the search engine Atlas's rules where they differ (NEW matches nothing; one unknown member makes a
            string or code unknown).
        level: What is compared, at all loci or by locus: ``"ard"`` (proteins alike where they bind peptides), ``"allele"`` (whole
            proteins, two fields) or ``"antigen"`` (what serology tells apart, split or better).
        donor_required: If false, a donor's typing of which the nomenclature knows no name counts as untyped, as in a search.

    Raises:
        ArgumentError: Unknown preset, locus or policy.
        TypingError: A typing is malformed, or the nomenclature knows none of its names.

    Example:
        >>> m = match("A*01:01+A*02:01", "A*01:01+A*02:XX", Nomenclature.two_field(), loci=["A"])
        >>> m.mismatches, m.greatest, m["A"].category
        (0, 1, 'potential')
        >>> m["A"].grades, m["A"].confidences
        (('protein', 'P group'), ('exact', 'potential'))
    """
    patient = patient if isinstance(patient, Phenotype) else Phenotype(patient)
    donor = donor if isinstance(donor, Phenotype) else Phenotype(donor)
    check_choice("nomenclature", nomenclature, Nomenclature)
    check_choice("null_policy", null_policy, str)
    check_choice("profile", profile, str)
    compared = []
    names = loci_of(loci)
    for locus, each in zip(names, levels_of(level, names), strict=True):
        pair = (patient._core, donor._core, locus, nomenclature._core, null_policy, donor_required, profile)
        counts, detail = _core.match_detail(*pair)
        if each != "ard":
            counts = _core.match_locus(*pair, each)
        compared.append(
            LocusMatch(locus, patient[locus], donor[locus], *counts, LocusDetail.of(locus, detail), level=each)
        )
    return Match(tuple(compared), nomenclature.release, null_policy)
