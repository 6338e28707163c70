"""Words of the family step: labels of haplotypes, each member's reasons and warnings, whom to type first.

What: the numbers of `sharing` and the likeliest inheritance as :class:`MemberAnswer` and :class:`TypingAdvice`. Invariants: `a` is
the patient's paternal haplotype, `b` the maternal one; a side is named only where it is settled; no name of a person is used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Literal

from allomatch.roadmap.descent import Component, Descent, Family, Labels
from allomatch.roadmap.family_answer import FamilyPolicy, MemberAnswer, TypingAdvice
from allomatch.roadmap.family_matches import Matches
from allomatch.roadmap.family_typings import UNKNOWN, FamilyTypings, Pattern
from allomatch.roadmap.leaves import placed
from allomatch.roadmap.pedigree import PATIENT, Pedigree, Person
from allomatch.roadmap.relations import RELATIONS
from allomatch.roadmap.sharing import Sharing

__all__ = ["Findings", "Haplotypes", "label_haplotypes", "member_answers", "typing_advice"]

Category = Literal["identical", "haploidentical", "other"]
# Children of both parents, as relations say it.
_SIBLINGS = tuple(
    name for name, one in RELATIONS.items() if one.places == ("mother", "father") and one.kind == "child of"
)
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Haplotypes:
    """The likeliest haplotypes.

    Attributes:
        best: The likeliest way of descent with the likeliest pair.
        label: By founder chromosome.
        text: By label.
        pair: The patient's, a and b; None if nothing is known.
        probability: Of the pair, whichever is paternal.
        settled: Whether it is known which of the two is paternal.
    """

    best: Descent
    label: dict[int, str]
    text: dict[str, str]
    pair: tuple[str, str] | None
    probability: float | None
    settled: bool


@dataclass(frozen=True, slots=True)
class Findings:
    """All that was found of a family."""

    pedigree: Pedigree
    sharing: Sharing
    haplotypes: Haplotypes
    typed: frozenset[str]
    matches: Matches
    notes: Mapping[str, tuple[str, ...]]
    usable: frozenset[str]
    frequencies_in_words: str

    def odds(self, person: Person) -> Odds:
        """Return what someone shares, the sum and the typing taken together."""
        name = person.id
        shares = self.sharing.people.get(name)
        if person.genes == PATIENT or shares is None:
            return Odds(1.0, 0.0, 0.0, 0.0)
        identical, haploidentical, other, chance = (
            shares.identical,
            shares.haploidentical,
            shares.other,
            shares.by_chance,
        )
        if self.matches.alike(name):
            chance = 1.0
        elif self.matches.unlike(name) and identical < 1:
            rest = 1.0 - identical
            identical, haploidentical, other, chance = 0.0, haploidentical / rest, other / rest, 0.0
            if self.matches.apart(name):
                haploidentical, other = 0.0, 1.0
        return Odds(identical, haploidentical, other, min(chance, 1.0 - identical))


@dataclass(frozen=True, slots=True)
class Odds:
    """What one relative shares; probabilities, 0 to 1, the first three sum to 1."""

    identical: float
    haploidentical: float
    other: float
    chance: float

    @property
    def alike(self) -> float:
        """The patient's alleles, by descent or by chance."""
        return min(1.0, self.identical + self.chance)

    @property
    def half(self) -> float:
        """Haploidentical and not alike."""
        return max(0.0, min(self.haploidentical, 1.0 - self.alike))

    @property
    def category(self) -> Category:
        """What is likeliest; of equal ones the better."""
        half = self.half
        return max((self.alike, 2, "identical"), (half, 1, "haploidentical"), (1.0 - self.alike - half, 0, "other"))[2]  # type: ignore[return-value]


def _mosaic(side: Sequence[int], rows: Mapping[int, Pattern]) -> Pattern:
    return tuple(rows[chromosome][at] if chromosome in rows else UNKNOWN for at, chromosome in enumerate(side))


def _text(pattern: Sequence[int], typings: FamilyTypings) -> str:
    return "~".join(
        typings.names[at][allele] if allele != UNKNOWN else f"{typings.loci[at]}*?" for at, allele in enumerate(pattern)
    )


def _most(side: Sequence[int]) -> int:
    """Return the founder chromosome of most loci."""
    return max(dict.fromkeys(side), key=list(side).count)


def label_haplotypes(
    ways: Sequence[Descent], family: Family, order: Sequence[str], typings: FamilyTypings, policy: FamilyPolicy
) -> Haplotypes:
    """Name the founders' chromosomes of the likeliest inheritance, and say how sure the patient's pair is."""
    total = sum(way.weight for way in ways)
    pairs: dict[tuple[Pattern, Pattern], float] = {}
    # Of each pair the likeliest way, with its haplotypes.
    likeliest: dict[tuple[Pattern, Pattern], tuple[float, int, dict[int, Pattern]]] = {}
    # Ways that have the same haplotypes of the patient's chromosomes are looked at once.
    alike: dict[object, tuple[float, int, list[Component]]] = {}
    for number, way in enumerate(ways):
        own = {c for side in way.labels[PATIENT] for c in side}
        parts = [each for each in way.components if own.intersection(each.chromosomes)]
        key = way.labels[PATIENT], tuple([(each.chromosomes, id(each.rows)) for each in parts])
        weight, likeliest_of_them, _ = alike.get(key, (0.0, number, parts))
        alike[key] = weight + way.weight, likeliest_of_them, parts
    for weight, number, parts in alike.values():
        maternal, paternal = ways[number].labels[PATIENT]
        for linked in product(*parts):
            row = {c: pattern for part, _ in linked for c, pattern in part.items()}
            share = prod(share for _, share in linked)
            pair = _mosaic(paternal, row), _mosaic(maternal, row)
            pairs[pair] = pairs.get(pair, 0.0) + weight * share / total
            if ways[number].weight * share > likeliest.get(pair, (0.0,))[0]:
                likeliest[pair] = ways[number].weight * share, number, row
    # The pair that is likeliest over all ways, not only in the likeliest; then the order of it that is, of equal ones the first.
    either = {pair: pairs[pair] + (pairs.get(pair[::-1], 0.0) if pair[0] != pair[1] else 0.0) for pair in pairs}
    a, b = min(pairs, key=lambda pair: (-round(either[pair], 12), -round(pairs[pair], 12), pair))
    probability = min(1.0, either[a, b])
    settled = pairs[a, b] >= policy.settled_probability * either[a, b] and a != b
    _, number, rows = likeliest[a, b]
    best = ways[number]
    rows = dict(rows)
    for component in best.components:
        if rows.keys().isdisjoint(component.chromosomes):
            rows |= component.likeliest()
    best = placed(family, best, rows, policy.most_recombinations)
    rows = {c: pattern for c, pattern in rows.items() if any(allele != UNKNOWN for allele in pattern)}
    label: dict[int, str] = {}
    text: dict[str, str] = {}
    maternal, paternal = best.labels[PATIENT]
    for chromosome in [
        _most(paternal),
        _most(maternal),
        *(c for name in order if name in best.labels for side in reversed(best.labels[name]) for c in side),
    ]:
        if chromosome not in label and chromosome in rows and len(label) < len(_LETTERS):
            label[chromosome] = _LETTERS[len(label)]
            text[label[chromosome]] = _text(rows[chromosome], typings)
    known = any(allele != UNKNOWN for allele in (*a, *b))
    shown = (_text(a, typings), _text(b, typings)) if known else None
    if shown is not None:
        text |= dict(zip("ab", shown, strict=True))
    return Haplotypes(best, label, text, shown, probability if known else None, settled)


def _own_labels(labels: Labels | None, haplotypes: Haplotypes) -> tuple[str | None, str | None]:
    if labels is None:
        return None, None
    maternal, paternal = (haplotypes.label.get(_most(side)) for side in labels)
    return maternal, paternal


def _settled_labels(
    own: tuple[str | None, str | None], odds: Odds, sides: bool, policy: FamilyPolicy
) -> tuple[str | None, str | None]:
    """Return the labels of somebody untyped as far as they are known; in the likeliest inheritance they may be a toss of a coin."""
    shares = odds.identical + odds.haploidentical
    if max(shares, odds.other) < policy.settled_probability:
        return None, None
    if "a" in own and "b" in own and odds.identical < policy.settled_probability:
        return None, None
    first, second = (each if each is None or each in "ab" or sides else None for each in own)
    return first, second


def member_answers(
    relatives: Sequence[str], found: Findings, policy: FamilyPolicy, ages: Mapping[str, float | None]
) -> list[MemberAnswer]:
    """Answer for each relative, and for the people who connect them."""
    people = {person.id: person for person in found.pedigree.people}
    answers = [
        _member(people[name], found, policy, ages.get(name)) if name in people else _left_out(name, found)
        for name in relatives
    ]
    for person in found.pedigree.people:
        if person.id != PATIENT and person.id not in relatives:
            answers.append(_member(person, found, policy, None))
    return answers


def _left_out(name: str, found: Findings) -> MemberAnswer:
    one = found.pedigree.left_out[name]
    return MemberAnswer(
        name, str(one.relation), one.sex, False, (), (None, None), None, None, 0.0, 0.0, 0.0, 0.0,
        found.matches.of.get(name), False,
        ("not assessed: the relation cannot be used", *found.notes.get(name, ())), (),
    )  # fmt: skip


def _member(person: Person, found: Findings, policy: FamilyPolicy, age: float | None) -> MemberAnswer:
    name = person.id
    relative = found.pedigree.relatives.get(name)
    typed = name in found.typed
    twin = person.genes == PATIENT
    labels = found.haplotypes.best.labels.get(PATIENT if twin else name)
    odds = found.odds(person)
    identical, haploidentical, other, chance = odds.identical, odds.haploidentical, odds.other, odds.chance
    category: Category | None = odds.category if typed else None
    half = found.matches.half.get(name)
    # Of a typing that the sum did not see the typing alone says it.
    by_typing = half is not None and typed and (category == "other" or name in found.matches.unsummed)
    if by_typing and category != "identical":
        category = "haploidentical"
    own = _own_labels(labels, found.haplotypes)
    if not typed and not twin:
        own = _settled_labels(own, odds, found.haplotypes.settled, policy)
    shared = _shared(own, found.haplotypes) if category == "haploidentical" and not by_typing else None
    reasons, warnings = [], []
    if relative is None:
        reasons.append("not among the relatives given; added because others descend from this person")
    elif not typed and found.matches.of.get(name) is not None and not found.matches.compared(name):
        reasons.append(
            f"not typed at the patient's loci: identical with probability {identical:.4f}, haploidentical "
            f"{haploidentical:.4f}"
        )
    elif not typed and relative.phenotype is not None and relative.phenotype.loci:
        reasons.append(
            f"typing not used in the sum: identical with probability {identical:.4f}, haploidentical {haploidentical:.4f}"
        )
    elif typed:
        reasons.append(_typed_words(category or "", odds, shared))
        if by_typing and category == "haploidentical":
            reasons.append(f"has the alleles of the patient's haplotype {half} at every locus, by descent or by chance")
    else:
        reasons.append(
            f"untyped: identical by descent with probability {identical:.4f}, by chance {chance:.4f}, haploidentical "
            f"{haploidentical:.4f}, neither {other:.4f}"
        )
    if twin:
        reasons.append("an identical twin has the patient's genes")
        warnings.append("an identical twin as donor gives no graft-versus-malignancy effect")
    if typed:
        reasons.append(found.frequencies_in_words)
        compared = found.matches.of.get(name)
        missing = [one.locus for one in compared.loci if one.patient and not one.donor] if compared is not None else []
        if missing and not twin:
            reasons.append(f"not typed at {', '.join(missing)}: there descent alone counts, no chance; type it there")
    reasons += found.notes.get(name, ())
    if relative is not None:
        if relative.available is False:
            reasons.append("not available")
        reasons += [f"medical reason against: {reason}" for reason in relative.medical_reasons_against]
        warnings += _warnings(person, found, category, own, age, policy)
    return MemberAnswer(
        id=name,
        relation=person.relation,
        sex=person.sex,
        typed=typed,
        parents=tuple(parent for parent in (person.mother, person.father) if parent),
        haplotypes=own,
        category=category,
        shared=shared,
        p_identical=identical,
        p_haploidentical=haploidentical,
        p_other=other,
        p_identical_by_chance=chance,
        match=found.matches.of.get(name),
        usable=name in found.usable,
        reasons=tuple(reason for reason in reasons if reason),
        warnings=tuple(warnings),
    )


def _shared(own: tuple[str | None, str | None], haplotypes: Haplotypes) -> str | None:
    for label, side in (("a", "paternal"), ("b", "maternal")):
        if label in own:
            return f"{label} ({side})" if haplotypes.settled else label
    return None


def _typed_words(category: str, odds: Odds, shared: str | None) -> str:
    chances = (
        f"identical by descent {odds.identical:.4f}, by chance {odds.chance:.4f}, haploidentical {odds.haploidentical:.4f}, "
        f"neither {odds.other:.4f}"
    )
    if category == "identical":
        how = (
            "by descent"
            if odds.identical >= odds.chance
            else "by chance: the same alleles on haplotypes of other origin"
        )
        return f"HLA-identical {how} ({chances})"
    if category == "haploidentical":
        return f"haploidentical{f', shares haplotype {shared}' if shared else ''} ({chances})"
    return f"shares no haplotype along all loci ({chances})"


def _warnings(
    person: Person,
    found: Findings,
    category: str | None,
    own: tuple[str | None, str | None],
    age: float | None,
    policy: FamilyPolicy,
) -> list[str]:
    words: list[str] = []
    name = person.id
    if person.relation == "mother":
        words.append(
            "mother as donor: carries the non-inherited maternal antigens, and was exposed to the patient's paternal ones in "
            "pregnancy; reports differ by protocol (Stern 2008, Wang 2014)"
        )
    elif category == "haploidentical" and found.haplotypes.settled:
        mother = found.pedigree[PATIENT].mother
        of_mother = _own_labels(found.haplotypes.best.labels.get(mother or ""), found.haplotypes)
        not_inherited = {label for label in of_mother if label is not None} - {"b"}
        mismatched = {label for label in own if label is not None} - {"a", "b"}
        if not_inherited & mismatched:
            words.append(_nima(person, " ".join(sorted(not_inherited & mismatched))))
        elif mismatched and person.mother == mother and person.father == found.pedigree[PATIENT].father and "b" in own:
            words.append(f"mismatched for the non-inherited paternal haplotype {' '.join(sorted(mismatched))} (NIPA)")
    probability = found.haplotypes.probability
    if name in found.typed and probability is not None and probability < policy.settled_probability:
        own_parents = (found.pedigree[PATIENT].mother, found.pedigree[PATIENT].father)
        remedy = (
            "both parents are typed: type at a higher resolution"
            if all(parent in found.typed for parent in own_parents)
            else "typing a parent would settle it"
        )
        words.append(
            "phase not settled: the likeliest pair of the patient's haplotypes has the probability "
            f"{probability:.4f}; {remedy}"
        )
    compared = found.matches.of.get(name)
    if compared is not None and compared.greatest:
        gvh, hvg = compared.gvh, compared.hvg
        if gvh or hvg:
            more = (
                "more in the direction of GvH"
                if gvh > hvg
                else "more in the direction of HvG"
                if hvg > gvh
                else "as many either way"
            )
            words.append(f"mismatches at least {gvh} GvH and {hvg} HvG: {more}")
        if category == "identical" and compared.mismatches:
            where = ", ".join(each.locus for each in compared.loci if each.mismatches)
            words.append(
                f"by descent identical, as typed mismatched at {where}: check the sample and type both there again"
            )
        elif compared.mismatches == 0:
            words.append("matched only as far as the typings tell: type at high resolution")
    if age is not None and age < policy.adult_age:
        words.append(f"a minor ({age:.0f} years): the rules for minor donors apply")
    return words


def _nima(person: Person, label: str) -> str:
    """Say of whom tolerance of the mother's other haplotype has been described: of siblings, nobody else."""
    said = f"mismatched for the non-inherited maternal haplotype {label} (NIMA): "
    if person.relation in _SIBLINGS:
        return said + "in siblings less acute GvHD than for the paternal one has been described (van Rood 2002)"
    return said + f"tolerance has been described in siblings (van Rood 2002), not in a {person.relation}"


def typing_advice(found: Findings, policy: FamilyPolicy) -> list[TypingAdvice]:
    """Return the untyped who may be donors, whose typing is worth the most first."""
    worth = {"identical": policy.value_identical, "haploidentical": policy.value_haploidentical, "other": 0.0}
    known = 0.0
    for person in found.pedigree.people:
        if person.id in found.typed & found.usable:
            odds = found.odds(person)
            half = 1.0 - odds.alike if person.id in found.matches.half else odds.half
            known = max(known, worth["identical"] * odds.alike + worth["haploidentical"] * half)
    advice = []
    for person in found.pedigree.people:
        name = person.id
        if name not in found.usable or name in found.typed or name not in found.pedigree.relatives:
            continue
        if not found.matches.open(name):
            continue  # typed, and too much for the sum: more typing would tell nothing
        odds = found.odds(person)
        identical, haploidentical = odds.alike, odds.half
        value = identical * max(0.0, worth["identical"] - known) + haploidentical * max(
            0.0, worth["haploidentical"] - known
        )
        reason = (
            f"identical with probability {identical:.4f}, haploidentical {haploidentical:.4f}; expected gain over the best "
            f"known donor {value:.4f}"
        )
        if (
            person.relation in ("mother", "father")
            and found.haplotypes.probability is not None
            and found.haplotypes.probability < policy.settled_probability
        ):
            reason += "; a parent's typing also settles the patient's haplotypes"
        advice.append(TypingAdvice(name, identical, haploidentical, value, reason))
    return sorted(advice, key=lambda one: (-one.value, -one.p_identical, one.id))
