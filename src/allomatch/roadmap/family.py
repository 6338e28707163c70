"""Family: what each relative shares with the patient, who is worth typing first, and how likely the family holds a donor.

What: `assess_family` reads relations and typings, finds every inheritance that explains them, and answers for each relative:
identical, haploidentical or neither, by descent or by chance, with the match in both directions and what a physician is warned of.
Invariants: nothing is silently ignored (each thing wrong is a :class:`Problem` and the rest is still assessed); probabilities are
sums over all inheritances and haplotypes, not samples; numbers that are conventions are in :class:`FamilyPolicy`. It supports
professionals and decides nothing. docs/family.md has the rules and their sources.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Sequence
from datetime import date

from allomatch.carried import Carried, carry
from allomatch.errors import AllomatchError, TypingError, problem
from allomatch.frequencies import HaplotypeFrequencies
from allomatch.frequency_sets import FrequencySets
from allomatch.match import Match, check_choice, loci_of, match
from allomatch.nomenclature import Nomenclature
from allomatch.phenotype import Phenotype
from allomatch.roadmap.case import Patient, Problem, Relative
from allomatch.roadmap.descent import Descent, Family, TooMuchWork
from allomatch.roadmap.family_answer import (
    CHROMOSOME,
    DEFAULT_FAMILY_POLICY,
    FamilyAnswer,
    FamilyPolicy,
    MemberAnswer,
    TypingAdvice,
)
from allomatch.roadmap.family_matches import Matches, carries
from allomatch.roadmap.family_typings import FamilyTypings, HaplotypeWeights, Pairs, Phase, Unreadable, read_typings
from allomatch.roadmap.family_words import (
    Findings,
    Haplotypes,
    label_haplotypes,
    member_answers,
    typing_advice,
)
from allomatch.roadmap.inheritance import descents
from allomatch.roadmap.leaves import placed
from allomatch.roadmap.mendel import LeftOut, find_errors, without
from allomatch.roadmap.pedigree import PATIENT, Pedigree, build_pedigree
from allomatch.roadmap.sharing import Sharing, share

__all__ = [
    "DEFAULT_FAMILY_POLICY",
    "FamilyAnswer",
    "FamilyPolicy",
    "MemberAnswer",
    "TypingAdvice",
    "assess_family",
]


class _Assessment:
    """One family on its way to an answer."""

    def __init__(self, patient: Patient, relatives: Sequence[Relative], nomenclature: Nomenclature, loci: Sequence[str],
                 policy: FamilyPolicy, today: date) -> None:  # fmt: skip
        self.patient = patient
        self.nomenclature = nomenclature
        self.policy = policy
        self.loci = tuple(sorted(loci, key=CHROMOSOME.index))
        self.pedigree: Pedigree = build_pedigree(patient, relatives, policy, today=today)
        self.problems = list(self.pedigree.problems)
        self.notes: dict[str, tuple[str, ...]] = {}
        self.parents = {
            p.id: (p.mother, p.father) for p in self.pedigree.people if p.mother and p.father and p.genes == p.id
        }
        self.order = [p.id for p in self.pedigree.people if p.genes == p.id]
        sex = {p.id: p.sex for p in self.pedigree.people}
        self.rates = {
            name: (policy.rates(self.loci, sex[mother]), policy.rates(self.loci, sex[father]))
            for name, (mother, father) in self.parents.items()
        }
        self.phenotypes: dict[str, Phenotype] = {}
        self.doubtful: set[str] = set()
        self.too_much: set[str] = set()  # whose typing is left out because the sum would be too large
        # Who may donate as far as is known before the typings are read.
        self.usable = {
            name
            for name, relative in self.pedigree.relatives.items()
            if relative.available is not False and not relative.medical_reasons_against
        }
        self.unsure = ""
        self.weights: HaplotypeWeights | None = None

    def problem(self, code: str, name: str, field: str, value: object, message: str) -> None:
        where = name if name == PATIENT else f"relative {name}"
        self.problems.append(Problem(code, where, field, str(value), f"{where}: {message}"))
        self.notes[name] = (*self.notes.get(name, ()), message)

    # --- typings ---

    def collect(self) -> None:
        """Take the typings that say something at the loci compared."""
        everyone: dict[str, Phenotype | None] = {PATIENT: self.patient.phenotype}
        everyone |= {name: one.phenotype for name, one in self.pedigree.relatives.items()}
        compared = ", ".join(self.loci)
        patient_loci = set(self.patient.phenotype.loci) & set(self.loci)
        for name, phenotype in everyone.items():
            if phenotype is None or not phenotype.loci:
                if name == PATIENT:
                    self.problem(
                        "patient untyped",
                        name,
                        "phenotype",
                        "",
                        f"is typed at none of {compared}; type the patient first",
                    )
                continue
            own = set(phenotype.loci) & set(self.loci)
            if not own:
                code = "patient untyped" if name == PATIENT else "no common locus"
                self.problem(code, name, "phenotype", ", ".join(phenotype.loci),
                             f"is typed at {', '.join(phenotype.loci)} and at none of {compared}; counts as "
                             "untyped, type it there")  # fmt: skip
                continue
            if name != PATIENT and patient_loci and not own & patient_loci:
                self.problem("no common locus", name, "phenotype", ", ".join(sorted(own)),
                             f"is typed at {', '.join(sorted(own))}, the patient at "
                             f"{', '.join(sorted(patient_loci))}: no locus in common, "
                             "so the two cannot be compared; its haplotypes still count, type it at the "
                             "patient's loci")  # fmt: skip
            relative = self.pedigree.relatives.get(name)
            if relative is not None and relative.phase_known and "~" not in phenotype.gl:
                self.problem("phase not written", name, "phase_known", "True",
                             "the phase is said to be known and the typing does not hold it; give a GL string "
                             "with '~' between the alleles of a haplotype")  # fmt: skip
            self.phenotypes[name] = phenotype

    def read(self, carried: Sequence[Carried]) -> tuple[FamilyTypings, Family]:
        """Read the typings, and take the people whose genes matter."""
        typings = read_typings(self.phenotypes, self.loci, self.nomenclature, carried, PATIENT)
        genes = {p.id: p.genes for p in self.pedigree.people}
        pairs = {name: list(each) for name, each in typings.pairs.items() if genes[name] == name}
        phases = {name: each for name, each in typings.phases.items() if genes[name] == name}
        for twin in (name for name in typings.pairs if genes[name] != name):
            own = pairs.setdefault(PATIENT, [None] * len(self.loci))
            joined = [
                a if b is None else b if a is None else a & b for a, b in zip(own, typings.pairs[twin], strict=True)
            ]
            bad = [self.loci[at] for at, each in enumerate(joined) if each is not None and not each]
            if bad:
                self.problem("Mendelian error", twin, "phenotype", self.phenotypes[twin].gl,
                             f"an identical twin's typing is the patient's, and at {', '.join(bad)} it is not; "
                             "the typing is left out: "
                             "check the samples, or whether the twins are identical")  # fmt: skip
                del self.phenotypes[twin]
                self.doubtful.add(twin)
            else:
                pairs[PATIENT] = joined
                phases[PATIENT] = (*phases.get(PATIENT, ()), *typings.phases[twin])
        pairs = {name: each for name, each in pairs.items() if any(pair is not None for pair in each)}
        return typings, self.family_of(pairs, phases)

    def family_of(self, pairs: dict[str, list[Pairs | None]], phases: dict[str, tuple[Phase, ...]]) -> Family:
        """Return the patient, the typed and their ancestors."""
        wanted: set[str] = set()
        waiting = [PATIENT, *pairs]
        while waiting:
            name = waiting.pop()
            if name not in wanted:
                wanted.add(name)
                waiting += self.parents.get(name, ())
        people = tuple(name for name in self.order if name in wanted)
        # Given their parents' haplotypes, children of the patient's parents or the patient do not depend on each other:
        # those without children of their own are summed over one by one. Others are few, and often apart from the patient.
        elders = {parent for both in self.parents.values() for parent in both}
        close = {PATIENT, *self.parents[PATIENT]}
        leaves = {
            name: name in self.usable
            for name in pairs
            if name != PATIENT and name not in elders and close.intersection(self.parents.get(name, ()))
        }
        parents = {name: both for name, both in self.parents.items() if name in wanted}
        return Family(people, parents, pairs, phases, self.rates, PATIENT, leaves)

    def near(self, family: Family) -> list[str]:
        """Return the typed people, those with the fewest meioses to the patient first, typed parents before siblings."""
        distance = {PATIENT: 0}
        reached = [PATIENT]
        while reached:
            name = reached.pop(0)
            children = [child for child, both in self.parents.items() if name in both]
            for other in (*self.parents.get(name, ()), *children):
                if other not in distance:
                    distance[other] = distance[name] + 1
                    reached.append(other)
        return sorted(family.pairs, key=lambda name: (distance.get(name, 99), self.order.index(name)))

    # --- the sum ---

    def explain(self, carried: Sequence[Carried]) -> tuple[FamilyTypings, Family, list[Descent]]:
        """Find the inheritances; without the frequencies where these do not represent the family, then without wrong typings."""
        while True:
            typings, family = self.read(carried)
            try:
                return self.explained(typings, family, carried)
            except TooMuchWork:
                farthest = self.near(family)[-1]
                if farthest == PATIENT:
                    raise problem(
                        "TooManyRows",
                        "the patient's typing alone allows too many haplotypes; type the patient at a higher "
                        "resolution, compare fewer loci, "
                        "or raise most_steps of the policy",
                    ) from None
                self.problem("family too large", farthest, "phenotype", self.phenotypes[farthest].gl,
                             "with this typing there are too many inheritances to sum over; it is left out "
                             "(match and relation stay): type at "
                             "higher resolution, compare fewer loci, or raise most_steps of the policy")  # fmt: skip
                del self.phenotypes[farthest]
                self.too_much.add(farthest)

    def explained(
        self, typings: FamilyTypings, family: Family, carried: Sequence[Carried]
    ) -> tuple[FamilyTypings, Family, list[Descent]]:
        policy, size = self.policy, len(self.loci)
        plain = HaplotypeWeights(typings, (), policy.allele_weight)

        def ways(family: Family, weights: HaplotypeWeights) -> list[Descent]:
            return descents(family, weights, size, most_crossovers=policy.most_recombinations, most=policy.most_steps)

        self.weights = HaplotypeWeights(typings, carried, policy.allele_weight)
        found = ways(family, self.weights) if carried else []
        if carried and not found:
            self.unsure = "the frequencies do not represent the family"
        if found:
            return typings, family, found
        found = ways(family, plain)
        if found:
            return typings, family, found
        left_out = find_errors(
            family, PATIENT, self.near(family), size, policy.most_steps, lambda one: bool(ways(one, plain))
        )
        for one in left_out:
            self.say(one, typings)
        family = without(family, {one.person: None if one.whole else one.loci for one in left_out})
        family = self.family_of(
            {n: list(p) for n, p in family.pairs.items() if any(x is not None for x in p)}, dict(family.phases)
        )
        found = ways(family, self.weights) if carried else []
        self.unsure = "" if found else self.unsure or "no frequencies are given"
        return typings, family, found or ways(family, plain)

    def say(self, one: LeftOut, typings: FamilyTypings) -> None:
        """Name a Mendelian error: who, which locus, why."""
        own = self.phenotypes[one.person]
        where = ", ".join(self.loci[at] for at in one.loci) or ", ".join(self.loci)
        why = []
        for at in one.loci:
            locus = self.loci[at]
            kin = list(self.parents.get(one.person, ())) + [c for c, both in self.parents.items() if one.person in both]
            against = [k for k in kin if k in typings.pairs and not self.share_allele(typings, one.person, k, at)]
            texts = "; ".join(f"{k} has {self.phenotypes[k][locus]}" for k in against if k in self.phenotypes)
            why.append(
                f"{own[locus]} at {locus} "
                + (
                    f"shares no allele with a parent or child: {texts}"
                    if texts
                    else "fits no inheritance of the others' typings"
                )
            )
        if not one.loci:
            why.append(
                f"each locus could be, together they need more than {self.policy.most_recombinations} recombinations"
            )
        rest = f" (or the typing of {', '.join(one.instead)} is wrong instead)" if one.instead else ""
        what = "the whole typing is left out" if one.whole else f"the typing at {where} is left out"
        value = own.gl if one.whole else "; ".join(own[self.loci[at]] for at in one.loci)
        message = f"{'; '.join(why)}; {what}{rest}: check the sample and the relation"
        self.problem("Mendelian error", one.person, where, value, message)
        if one.whole:
            self.phenotypes.pop(one.person, None)
            self.doubtful.add(one.person)

    @staticmethod
    def share_allele(typings: FamilyTypings, one: str, other: str, at: int) -> bool:
        first, second = typings.pairs[one][at], typings.pairs[other][at]
        if first is None or second is None:
            return True
        return bool({a for pair in first for a in pair} & {a for pair in second for a in pair})

    def compare(self, unreadable: Sequence[Unreadable]) -> dict[str, Match]:
        """Compare every typed relative with the patient, where both can be read.

        What an identical twin is typed at and the patient is not is the patient's too.
        """
        own = self.patient.phenotype
        texts = {locus: own[locus] for locus in own.loci}
        for person in self.pedigree.people:
            twin = self.phenotypes.get(person.id) if person.genes == PATIENT else None
            if twin is not None:
                texts = {**{locus: twin[locus] for locus in twin.loci}, **texts}
        if set(texts) != set(own.loci):
            own = Phenotype("^".join(texts.values()))
        bad = {(each.person, each.locus) for each in unreadable}
        found: dict[str, Match] = {}
        for name, one in {**self.pedigree.relatives, **self.pedigree.left_out}.items():
            if one.phenotype is None or not one.phenotype.loci:
                continue
            loci = [locus for locus in self.loci if not {(PATIENT, locus), (name, locus)} & bad]
            if not loci:
                continue
            try:
                found[name] = match(own, one.phenotype, self.nomenclature, loci)
            except TypingError as failure:
                self.problem(
                    "unreadable typing",
                    name,
                    "phenotype",
                    one.phenotype.gl,
                    f"the typing cannot be compared: {failure}",
                )
        return found

    def matches(self, unreadable: Sequence[Unreadable], haplotypes: Haplotypes) -> Matches:
        """Return what the typings alone show."""
        found = self.compare(unreadable)
        unread = {each.person for each in unreadable}
        doubtful = unread | self.doubtful | set(self.pedigree.left_out)
        if PATIENT in doubtful:
            doubtful |= set(found)
        half = {}
        if haplotypes.pair is not None and (haplotypes.probability or 0.0) >= self.policy.settled_probability:
            for name in found.keys() - doubtful:
                phenotype = self.pedigree.relatives[name].phenotype
                for label, text in zip("ab", haplotypes.pair, strict=True):
                    if (
                        phenotype is not None
                        and name not in half
                        and carries(text, phenotype, self.loci, self.nomenclature)
                    ):
                        half[name] = label
        return Matches(found, doubtful, self.too_much, half)

    def age(self, one: Relative, today: date) -> float | None:
        return (today - one.birth_date).days / 365.25 if one.birth_date else one.age


def _chosen(
    frequencies: HaplotypeFrequencies | FrequencySets | None, patient: Patient
) -> tuple[list[HaplotypeFrequencies], str]:
    """Return the frequency sets of a patient's family, and in words why there is none."""
    if frequencies is None:
        return [], "no frequencies are given"
    if isinstance(frequencies, HaplotypeFrequencies):
        return [frequencies], ""
    if not isinstance(frequencies, FrequencySets):
        raise problem(
            "WrongType", f"frequencies are {frequencies!r:.80}; HaplotypeFrequencies, FrequencySets or None are needed"
        )
    try:
        chosen = [frequencies.choose(ethnicity=ethnicity) for ethnicity in patient.ethnicities or (None,)]
    except AllomatchError as failure:
        return [], str(failure)
    return list({id(one): one for one in chosen}.values()), ""


def assess_family(
    patient: Patient,
    relatives: Sequence[Relative],
    nomenclature: Nomenclature,
    *,
    loci: str | Sequence[str] = "10/10",
    frequencies: HaplotypeFrequencies | FrequencySets | None = None,
    policy: FamilyPolicy = DEFAULT_FAMILY_POLICY,
    today: date | None = None,
) -> FamilyAnswer:
    """Say what a family shares with the patient, and whom to type first.

    Args:
        patient: Typed or not.
        relatives: Typed or not, at any resolution.
        nomenclature: What the names stand for.
        loci: A preset or a list of loci.
        frequencies: Of the family's population; of sets, those of the patient's ethnicities, averaged. Where they do not
            represent the family, or lack a locus, each allele of the family counts ``policy.allele_weight``.
        policy: Conventions.
        today: The day on which ages are; by default today.

    Returns:
        The answer; what could not be used is in its ``problems``.

    Raises:
        ArgumentError: Something else than data, an unknown preset.
        ResourceError: The patient's typing alone is too ambiguous for the policy's ``most_steps``.

    Example:
        >>> patient = Patient(Phenotype("A*01:01+A*02:01^B*08:01+B*07:02"))
        >>> brother = Relative("brother", Phenotype("A*01:01+A*02:01^B*08:01+B*07:02"))
        >>> family = assess_family(patient, [brother, Relative("sister")], Nomenclature.two_field(), loci=["A", "B"])
        >>> family["brother-1"].category, round(family["sister-1"].p_identical, 3)
        ('identical', 0.245)
    """
    check_choice("nomenclature", nomenclature, Nomenclature)
    check_choice("policy", policy, FamilyPolicy)
    names = loci_of(loci)
    for locus in names:
        if locus not in CHROMOSOME:
            raise problem("UnknownLocus", f"locus {locus!r} is not one of {', '.join(CHROMOSOME)}")
    now = today or date.today()
    one = _Assessment(patient, relatives, nomenclature, tuple(dict.fromkeys(names)), policy, now)
    one.collect()
    sets, one.unsure = _chosen(frequencies, patient)
    common = [each for each in sets if set(each.loci) & set(one.loci)]
    carried = [carry(each, nomenclature, one.loci) for each in common]
    if sets and not carried:
        one.unsure = "the frequencies have none of the loci compared"
    typings, family, ways = one.explain(carried)
    for bad in typings.unreadable:
        one.problem(
            "unreadable typing",
            bad.person,
            bad.locus,
            bad.value,
            f"the typing at {bad.locus} is left out: {bad.reason}",
        )
    usable = frozenset(one.usable - one.doubtful)
    haplotypes = label_haplotypes(ways, family, one.order, typings, policy)
    matches = one.matches(typings.unreadable, haplotypes)

    def shared(usable: Collection[str]) -> Sharing:
        weights = None if one.unsure else one.weights
        return share(ways, family, PATIENT, one.parents, one.rates, one.order, usable, weights)

    sharing = shared(usable)
    unlike = frozenset(name for name in usable if matches.unlike(name))
    if unlike:
        sharing.any_identical = shared(usable - unlike).any_identical
    apart = frozenset(name for name in unlike if matches.apart(name))
    if apart:
        sharing.any_haploidentical = shared(usable - apart).any_haploidentical
    twins = {person.id for person in one.pedigree.people if person.genes == PATIENT}
    if any(name in twins or matches.alike(name) for name in usable):
        sharing.any_identical = sharing.any_haploidentical = 1.0
    _say_recombinations(one, family, ways)
    population = " and ".join(each.population for each in common) if carried and not one.unsure else ""
    in_words = "" if population else f"{one.unsure}: each allele of the family counts {policy.allele_weight:g}"
    # Typed at none of the patient's loci is as good as untyped: nobody can say yet who is identical.
    typed = frozenset(
        name
        for name in one.pedigree.relatives
        if (name in one.phenotypes and (name in twins or matches.compared(name)))
        or matches.alike(name)
        or matches.apart(name)
        or name in matches.half
    )
    found = Findings(
        one.pedigree,
        sharing,
        haplotypes,
        typed,
        matches,
        one.notes,
        usable,
        in_words,
    )
    ages = {name: one.age(r, now) for name, r in one.pedigree.relatives.items()}
    order = [*one.pedigree.relatives, *one.pedigree.left_out]
    return FamilyAnswer(
        tuple(member_answers(order, found, policy, ages)),
        tuple(typing_advice(found, policy)),
        sharing.any_identical,
        sharing.any_haploidentical,
        found.haplotypes.pair,
        found.haplotypes.text,
        found.haplotypes.probability,
        tuple(one.problems),
        one.loci,
        _mass_left_out(family, ways, len(one.loci)),
        policy.version,
        f"frequencies of {population}" if population else in_words,
    )


def _say_recombinations(one: _Assessment, family: Family, ways: Sequence[Descent]) -> None:
    """Name who carries a recombined haplotype in the likeliest inheritance, if most inheritances need one."""
    total = sum(way.weight for way in ways)
    if sum(way.weight for way in ways if way.crossovers) <= total / 2:
        return
    rows = {c: pattern for each in ways[0].components for c, pattern in each.likeliest().items()}
    best = placed(family, ways[0], rows, one.policy.most_recombinations)
    for name, (mother, father) in one.parents.items():
        if name not in best.labels:
            continue
        for side, parent in enumerate((mother, father)):
            of_parent = best.labels[parent]
            origin = [0 if c == of_parent[0][at] else 1 for at, c in enumerate(best.labels[name][side])]
            for at, (before, after) in enumerate(itertools.pairwise(origin)):
                if before != after:
                    one.problem("recombination", name, "phenotype", f"{one.loci[at]}-{one.loci[at + 1]}",
                                f"a recombination between {one.loci[at]} and {one.loci[at + 1]} in the "
                                f"haplotype from {parent} explains the typings best; "
                                "confirm the typings")  # fmt: skip


def _mass_left_out(family: Family, ways: Sequence[Descent], loci: int) -> float:
    """Return the prior probability of more recombinations than were summed over."""
    summed = max(1, *(way.crossovers for way in ways)) if ways else 1
    counts = [1.0] + [0.0] * summed
    for child in family.parents:
        for side in (0, 1):
            for rate in family.rates[child][side][: loci - 1]:
                counts = [p * (1 - rate) + (counts[at - 1] * rate if at else 0.0) for at, p in enumerate(counts)]
    return max(0.0, 1.0 - sum(counts))
