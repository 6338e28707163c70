"""The third step: the international stem cell bank, home first, then the world, then cord blood (SEMANTICS section 6).

Each registry is searched by :meth:`allomatch.Registry.search` and nothing else; what is counted, what is listed, when to stop and
what cord blood needs are data of the policies. Registries that the stop rule leaves unasked are named as such. It supports
professionals and decides nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from allomatch.carried import Populations
from allomatch.cord import CORD_PRESETS
from allomatch.errors import AllomatchError, ArgumentError
from allomatch.frequencies import HaplotypeFrequencies
from allomatch.frequency_sets import FrequencySets
from allomatch.match import PRESETS, LocusMatch, match
from allomatch.nomenclature import Nomenclature
from allomatch.phenotype import Phenotype
from allomatch.ranking import FACTORS, PatientFactors, RankingPolicy
from allomatch.registry import Registry
from allomatch.roadmap.autologous import usable_weight
from allomatch.roadmap.case import Patient, Problem, RegistrySource
from allomatch.roadmap.policies import Policies
from allomatch.roadmap.sources import distinct_sources
from allomatch.roadmap.typing_advice import bits_of_typing, entropy
from allomatch.search import Hit, Hits

__all__ = [
    "DonorOption",
    "RegistryAnswer",
    "SearchAnswer",
    "TypingRequest",
    "adult_filters",
    "assess_registries",
    "patient_populations",
]

Place = Literal["home", "world"]
Kind = Literal["adults", "cord"]
Answer = Literal[
    "probable donors",
    "possible donors",
    "unlikely donors",
    "mismatched donors",
    "cord blood",
    "no donor",
    "not asked",
    "ask",
]
Frequencies = HaplotypeFrequencies | FrequencySets
# What of a donor is shown beside the match.
_SHOWN = ("birth_year", "sex", "cmv", "abo", "ion", "ethnicity", "status")


@dataclass(frozen=True, slots=True)
class DonorOption:
    """One of the best donors or units of a registry.

    Attributes:
        source: The registry.
        place: ``"home"`` or ``"world"``.
        kind: ``"adults"`` or ``"cord"``.
        loci: What was searched: ``"10/10"``, ``"cord 6/6"`` ...
        whole: Whether the loci searched are those of a whole match by the rules, ``"10/10"`` or ``"8/8"``.
        hit: The donor, the comparison and the probabilities; its ``explain()`` gives the reasons.
        attributes: What else the registry says: birth year, sex, CMV, ABO, ION, ethnicity, status; what is known.
        reasons: Why this donor is here, in words.
    """

    source: str
    place: Place
    kind: Kind
    loci: str
    whole: bool
    hit: Hit
    attributes: dict[str, Any]
    reasons: tuple[str, ...]

    @property
    def p_match(self) -> float | None:
        """Probability of no mismatch at the loci searched; None without frequencies, or if one that may mismatch has none."""
        if self.hit.p_mismatches is None:
            return None
        ignored = [self.hit.match[locus] for locus in self.hit.ignored]
        if any(each.mismatches > 0 for each in ignored):
            return 0.0
        return None if any(each.greatest > 0 for each in ignored) else self.hit.p_mismatches[0]

    @property
    def probable(self) -> bool:
        """Whether a whole match is certain or probable."""
        return self.whole and (self.hit.match.greatest == 0 or self.hit.likelihood == "probable match")

    @property
    def possible(self) -> bool:
        """Whether the typings allow no mismatch, and the probability does not speak against it."""
        return self.hit.match.mismatches == 0 and self.hit.likelihood != "unlikely match"


@dataclass(frozen=True, slots=True)
class SearchAnswer:
    """What one search of one registry found.

    Attributes:
        source: The registry.
        place: ``"home"`` or ``"world"``.
        kind: ``"adults"`` or ``"cord"``.
        loci: What was searched.
        asked: Whether it was searched; if not, the reasons say why.
        levels: ``"10/10"``, ``">=9/10"`` ... -> donors that may match at that many positions, each within the next.
        probable: Donors listed whose whole match is certain or probable, and who did not count before.
        best: The best, in order.
        reasons: What was done, in words.
    """

    source: str
    place: Place
    kind: Kind
    loci: str
    asked: bool
    levels: dict[str, int]
    probable: int
    best: tuple[DonorOption, ...]
    reasons: tuple[str, ...]

    def explain(self) -> str:
        """Return in words what was searched and found."""
        what = self.loci if self.loci.startswith(self.kind) else f"{self.kind} {self.loci}".strip()
        return f"{self.source}, {self.place}, {what}: {'; '.join(self.reasons)}"


@dataclass(frozen=True, slots=True)
class TypingRequest:
    """A typing that would tell something about an uncertain donor.

    Attributes:
        whom: Whose typing is open: the donor's, or the patient's own.
        donor_id: The donor.
        source: The registry of the donor.
        locus: Where.
        p_match: Probability of a whole match now; None without frequencies, or where they say nothing of a locus.
        p_if_matched: The same once the locus is known to match.
        p_locus: Probability that the locus matches.
        bits: What it tells about a whole match (:func:`bits_of_typing`); None without frequencies.
        reason: In words.
    """

    whom: Literal["donor", "patient"]
    donor_id: str
    source: str
    locus: str
    p_match: float | None
    p_if_matched: float | None
    p_locus: float | None
    bits: float | None
    reason: str


@dataclass(frozen=True, slots=True)
class RegistryAnswer:
    """The answer of the third step.

    Attributes:
        answer: The best that was found, or ``"not asked"`` without registries, ``"ask"`` if the patient's typing is not enough.
        searches: Home adults, world adults, cord blood, in this order.
        requests: Typings that would tell most, first.
        reasons: In words; the stop rule is among them.
        problems: What of the case could not be used.
        policy_version: By which rules.
    """

    answer: Answer
    searches: tuple[SearchAnswer, ...]
    requests: tuple[TypingRequest, ...]
    reasons: tuple[str, ...]
    problems: tuple[Problem, ...]
    policy_version: str


def assess_registries(
    patient: Patient,
    sources: Sequence[RegistrySource],
    nomenclature: Nomenclature,
    frequencies: Frequencies | None,
    policies: Policies,
    today: date,
    *,
    threads: int = 0,
) -> RegistryAnswer:
    """Search the registries, home first.

    Args:
        patient: The patient.
        sources: The registries, open under ``nomenclature``.
        nomenclature: What names stand for; a registry that was opened under another one is named as a problem.
        frequencies: Of the patient, and of the donors of sources that have none of their own. None: no probabilities.
        policies: The rules.
        today: For donors' ages.
        threads: As in :meth:`allomatch.Registry.search`.
    """
    step = _Step(patient, nomenclature, frequencies, policies, today, threads)
    sources, twice = distinct_sources(sources)
    step.problems += twice
    if not sources:
        return step.done("not asked", ["no registry was given to be searched"])
    loci = step.choose_loci()
    if loci is None:
        return step.done("ask", ["the patient is not typed at enough loci for a search"])
    step.prepare(sources)
    stop_at = policies.value("registries", "stop_probable_donors")
    parts = _parts(sources)
    for place, kind in (("home", "adults"), ("world", "adults"), ("home", "cord"), ("world", "cord")):
        found = sum(each.probable for each in step.searches if each.kind == "adults")
        enough = found >= stop_at > 0
        for source, where, asked_kind, ions in parts:
            if (where, asked_kind) != (place, kind):
                continue
            if enough:
                step.skip(source, where, asked_kind, found, stop_at)
            elif asked_kind == "adults":
                step.adults(source, where, ions, loci)
            else:
                step.cord(source, where, ions)
    return step.done(_answer_of(step.searches), step.reasons)


def patient_populations(
    patient: Patient, frequencies: Frequencies | None, policies: Policies, problems: list[Problem]
) -> tuple[Populations | None, tuple[str, ...]]:
    """Return the patient's own frequencies, of two parents' populations a pair, and in words how they were chosen."""
    if frequencies is None:
        return None, ("no frequencies were given, so there are no probabilities",)
    if isinstance(frequencies, HaplotypeFrequencies):
        return frequencies, (f"frequencies of {frequencies.population} stand for the patient, the only ones given",)
    labels = policies.value("registries", "population_labels")
    known = {one.ethnicity for one in frequencies.sets if one.ethnicity is not None}
    chosen: list[HaplotypeFrequencies] = []
    words = []
    if len(patient.ethnicities) > 2:
        problems.append(
            Problem(
                "too many ethnicities",
                "patient",
                "ethnicities",
                ", ".join(patient.ethnicities),
                f"the patient has {len(patient.ethnicities)} ethnicities; give one a parent at most: the first two were used",
            )
        )
    try:
        for ethnicity in patient.ethnicities[:2]:
            label = labels.get(ethnicity, ethnicity)
            one = frequencies.choose(ethnicity=label)
            chosen.append(one)
            if label in known:
                words.append(f"frequencies of {one.population} stand for the patient's {ethnicity} side")
            else:
                words.append(
                    f"no frequencies are labelled for {ethnicity}: those of {one.population}, for everyone, stand for that side, "
                    "and its probabilities are less sure"
                )
        if not chosen:
            one = frequencies.choose()
            chosen.append(one)
            words.append(
                f"the patient's ethnicity is not known: frequencies of {one.population}, for everyone, are used"
            )
    except ArgumentError as failure:
        problems.append(
            Problem("no frequencies", "patient", "ethnicities", ", ".join(patient.ethnicities), str(failure))
        )
        return None, ("no frequencies fit the patient, so there are no probabilities",)
    if len(chosen) == 2 and chosen[0] is not chosen[1]:
        return (chosen[0], chosen[1]), tuple(words)
    return chosen[0], tuple(words)


def _parts(sources: Sequence[RegistrySource]) -> list[tuple[RegistrySource, Place, Kind, str | None]]:
    """Split sources into what is searched one by one: at home and abroad, adults and cord, with a filter by ION."""
    parts: list[tuple[RegistrySource, Place, Kind, str | None]] = []
    for source in sources:
        kinds: list[Kind] = ["adults", "cord"] if source.what == "both" else [source.what]
        for kind in kinds:
            if source.domestic or not source.domestic_ions:
                parts.append((source, "home" if source.domestic else "world", kind, None))
            else:
                ions = ", ".join(str(int(ion)) for ion in source.domestic_ions)
                parts.append((source, "home", kind, f"ion in ({ions})"))
                parts.append((source, "world", kind, f"(ion is null or ion not in ({ions}))"))
    return parts


@dataclass(slots=True)
class _Step:
    """The searches, being made."""

    patient: Patient
    nomenclature: Nomenclature
    frequencies: Frequencies | None
    policies: Policies
    today: date
    threads: int
    searches: list[SearchAnswer] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    theirs: Populations | None = None
    weight: float | None = None
    listed: dict[tuple[Kind, str], RegistrySource] = field(default_factory=dict)  # donor or unit -> who listed it first
    counted: set[tuple[Kind, str]] = field(default_factory=set)  # by the stop rule

    def choose_loci(self) -> tuple[str | list[str], int, str] | None:
        """Return the loci to search, the most mismatches, and what that is called."""
        typed = self.patient.phenotype.loci
        levels = self.policies.value("registries", "levels")
        for name, most in levels.items():
            if all(locus in typed for locus in PRESETS[name]):
                return name, most, name
        missing = [locus for locus in PRESETS["8/8"] if locus not in typed]
        self.problems.append(
            Problem(
                "patient not typed",
                "patient",
                "phenotype",
                ", ".join(typed) or "nothing",
                f"the patient is not typed at {', '.join(missing)}; type these before donors are asked for",
            )
        )
        if not all(locus in typed for locus in PRESETS["6/6"]):
            return None
        self.reasons.append(
            f"the patient is not typed at {', '.join(missing)}: nobody counts as a whole match, and no registry is left unasked"
        )
        some = [locus for locus in PRESETS["10/10"] if locus in typed]
        return some, 1, "6/6" if set(some) == set(PRESETS["6/6"]) else ", ".join(some)

    def prepare(self, sources: Sequence[RegistrySource]) -> None:
        """See to what all searches share."""
        self.theirs, words = patient_populations(self.patient, self.frequencies, self.policies, self.problems)
        self.reasons += words
        self.weight = usable_weight(self.patient, self.policies, [])
        for source in sources:
            if source.registry.nomenclature.release != self.nomenclature.release:
                message = (
                    f"registry {source.name!r} is open under nomenclature {source.registry.nomenclature.release!r}, the plan is "
                    f"made under {self.nomenclature.release!r}; open it with nomenclature=: it was searched under its own"
                )
                release = source.registry.nomenclature.release
                self.problems.append(
                    Problem("two nomenclatures", f"registry {source.name}", "registry", release, message)
                )
        if self.weight is None and any(source.what != "adults" for source in sources):
            message = (
                "the patient's weight is not known; give weight_kg: cord blood units are listed without their doses"
            )
            self.problems.append(Problem("missing weight", "patient", "weight_kg", "", message))

    def adults(
        self, source: RegistrySource, place: Place, ions: str | None, loci: tuple[str | list[str], int, str]
    ) -> None:
        """Search adult donors of one registry."""
        wanted, most, name = loci
        youngest, oldest = self.policies.value("registries", "adult_age_years")
        adults, ages, there = adult_filters(source.registry, self.policies, self.today)
        where = [*([] if ions is None else [ions]), *adults]
        arguments: dict[str, Any] = {"loci": wanted, "max_mismatches": most}
        hits = self._search(source, [*where, *ages, *there], arguments, predicted=True)
        if hits is None:
            self._not_searched(source, place, "adults", name)
            return
        reasons = []
        everyone = self._search(source, where, {**arguments, "limit": 0}, predicted=False)
        of_age = self._search(source, [*where, *ages], {**arguments, "limit": 0}, predicted=False)
        if everyone is not None and of_age is not None:
            if everyone.total > of_age.total:
                reasons.append(
                    f"{everyone.total - of_age.total} more are younger than {youngest} or older than {oldest} and were left out "
                    f"({self.policies.source('registries', 'adult_age_years')})"
                )
            if of_age.total > hits.total:
                reasons.append(
                    f"{of_age.total - hits.total} more cannot be had by their status and were left out "
                    f"({self.policies.source('registries', 'unavailable_statuses')})"
                )
        self._add(source, place, "adults", name, hits, reasons)

    def cord(self, source: RegistrySource, place: Place, ions: str | None) -> None:
        """Search cord blood units of one registry."""
        least_tnc = self.policies.value("registries", "cord_min_tnc_e7_per_kg")
        least_cd34 = self.policies.value("registries", "cord_min_cd34_e6_per_kg")
        for preset in self.policies.value("registries", "cord"):
            if not all(locus in self.patient.phenotype.loci for locus in CORD_PRESETS[preset].loci):
                reason = f"the patient is not typed at all of {', '.join(CORD_PRESETS[preset].loci)}"
                self.searches.append(SearchAnswer(source.name, place, "cord", preset, False, {}, 0, (), (reason,)))
                continue
            arguments: dict[str, Any] = {"loci": preset}
            reasons = []
            if self.weight is not None:
                arguments |= {"patient_weight_kg": self.weight, "min_tnc_e7_per_kg": least_tnc}
                reasons.append(
                    f"units of at least {least_tnc:g}e7 nucleated cells per kg of {self.weight:g} kg; of CD34+ cells "
                    f"{least_cd34:g}e6 per kg are asked for ({self.policies.source('registries', 'cord_min_tnc_e7_per_kg')})"
                )
            hits = self._search(source, [ions] if ions else [], arguments, predicted=False)
            if hits is None:
                self._not_searched(source, place, "cord", preset)
                continue
            self._add(source, place, "cord", preset, hits, reasons)

    def skip(self, source: RegistrySource, place: Place, kind: Kind, found: int, stop_at: int) -> None:
        """Note that the stop rule leaves a registry unasked."""
        reason = (
            f"not asked: {found} donors of a certain or probable whole match were found before, {stop_at} are enough "
            f"({self.policies.source('registries', 'stop_probable_donors')})"
        )
        self.searches.append(SearchAnswer(source.name, place, kind, "", False, {}, 0, (), (reason,)))

    def _not_searched(self, source: RegistrySource, place: Place, kind: Kind, name: str) -> None:
        reason = "could not be searched: see the problems of the case"
        self.searches.append(SearchAnswer(source.name, place, kind, name, False, {}, 0, (), (reason,)))

    def _search(
        self, source: RegistrySource, where: Sequence[str], arguments: dict[str, Any], *, predicted: bool
    ) -> Hits | None:
        arguments = {
            "limit": self.policies.value("registries", "listed"),
            "where": " and ".join(where) or None,
            "threads": self.threads,
            "ranking": RankingPolicy.from_dict(self.policies.value("registries", "ranking")),
            "patient_factors": self._factors(),
            **arguments,
        }
        theirs = self.frequencies if source.frequencies is None else source.frequencies
        phenotype = self.patient.phenotype
        try:
            if predicted and theirs is not None and self.theirs is not None:
                try:
                    return source.registry.search(
                        phenotype, **arguments, frequencies=theirs, patient_frequencies=self.theirs
                    )
                except ArgumentError as failure:
                    message = f"no probabilities of the donors of {source.name!r}: {failure}"
                    self._problem("no frequencies", source, "frequencies", message)
            return source.registry.search(phenotype, **arguments)
        except AllomatchError as failure:
            self._problem("cannot be searched", source, "registry", str(failure))
            return None

    def _factors(self) -> PatientFactors:
        """Return what donors are compared with; words that are none are among the case's problems, and not used."""
        return PatientFactors(
            **{name: value for name, words in FACTORS.items() if (value := getattr(self.patient, name)) in words}
        )

    def _problem(self, code: str, source: RegistrySource, attribute: str, message: str) -> None:
        found = Problem(code, f"registry {source.name}", attribute, source.name, message)
        if found not in self.problems:
            self.problems.append(found)

    def _add(
        self, source: RegistrySource, place: Place, kind: Kind, name: str, hits: Hits, reasons: Sequence[str]
    ) -> None:
        table = hits.to_arrow()
        rows = table.select([each for each in _SHOWN if each in table.column_names]).to_pylist()
        rows = rows or [{}] * len(hits)
        best = []
        probable = 0
        again: dict[str, list[str]] = {}
        whole = name in self.policies.value("registries", "levels")
        for hit, row in zip(hits, rows, strict=True):
            donor = (kind, hit.donor_id)
            earlier = self.listed.setdefault(donor, source)
            if earlier.registry is not source.registry:
                again.setdefault(earlier.name, []).append(hit.donor_id)
            known = {name: value for name, value in row.items() if value is not None}
            option = DonorOption(source.name, place, kind, name, whole, hit, known, self._words(hit, kind))
            # Who was listed before with a lesser typing counts here.
            if option.probable and donor not in self.counted:
                self.counted.add(donor)
                probable += 1
            best.append(option)
        for earlier_name, ids in again.items():
            self._listed_twice(source, earlier_name, ids)
        positions = 2 * len(hits.loci)
        of = "/" if kind == "cord" or name in PRESETS else " of "
        levels, total = {}, 0
        for mismatches, count in hits.counts.items():
            total += count
            levels[f"{'' if mismatches == 0 else '>='}{positions - mismatches}{of}{positions}"] = total
        said = ", ".join(f"{level}: {count}" for level, count in levels.items())
        reasons = [f"donors that may match at {said}", *reasons]
        self.searches.append(
            SearchAnswer(source.name, place, kind, name, True, levels, probable, tuple(best), tuple(reasons))
        )

    def _listed_twice(self, source: RegistrySource, earlier: str, ids: Sequence[str]) -> None:
        """Name donors whom another registry listed before: with global ids they are the same people."""
        shown = ", ".join(ids[:3]) + (", ..." if len(ids) > 3 else "")
        as_another = "as another file of this name does" if earlier == source.name else f"as {earlier!r} does"
        message = (
            f"registry {source.name}: lists {shown} {as_another}; if their ids are global they are the same donors: ask one "
            "registry. They counted once for the stop rule"
        )
        self.problems.append(Problem("donors in two registries", f"registry {source.name}", "donor_id", shown, message))

    def _words(self, hit: Hit, kind: Kind) -> tuple[str, ...]:
        words = [*hit.explain().splitlines()]
        dose = hit.doses.get("cd34_e6_per_kg")
        least = self.policies.value("registries", "cord_min_cd34_e6_per_kg")
        if kind == "cord" and hit.doses and (dose is None or dose < least):
            shown = "not known" if dose is None else f"{dose:.3g}e6 per kg"
            words.append(f"CD34+ cells {shown}, {least:g}e6 are asked for: ask the bank")
        return tuple(words)

    def done(self, answer: Answer, reasons: Sequence[str]) -> RegistryAnswer:
        """Return the answer."""
        return RegistryAnswer(
            answer,
            tuple(self.searches),
            tuple(self._requests()[: int(self.policies.value("registries", "advice"))]),
            tuple(reasons),
            tuple(self.problems),
            self.policies.version,
        )

    def _requests(self) -> list[TypingRequest]:
        """Return the typings that would tell something, those that tell most first; of donors and loci each once."""
        found: dict[tuple[str, str], TypingRequest] = {}
        for option in (option for each in self.searches if each.kind == "adults" for option in each.best):
            if option.hit.match.mismatches > 0 or option.hit.match.greatest == 0:
                continue
            for each in option.hit.match.loci:
                request = self._request(option, each)
                if request is None:
                    continue
                # The patient is typed once, whichever donor it tells of.
                of = ("", each.locus) if request.whom == "patient" else (request.donor_id, each.locus)
                if of not in found or (request.bits or 0.0) > (found[of].bits or 0.0):
                    found[of] = request
        return sorted(found.values(), key=lambda each: -(each.bits or 0.0))

    def _request(self, option: DonorOption, at: LocusMatch) -> TypingRequest | None:
        """Return what typing a locus would tell of a donor, of whom a whole match is possible and not certain."""
        hit, locus = option.hit, at.locus
        p, here = option.p_match, hit.p_by_locus.get(locus)
        theirs, own = self._is_open(locus, at.donor), self._is_open(locus, at.patient)
        whom: Literal["donor", "patient"] = "donor" if theirs else "patient"
        whose = hit.donor_id if whom == "donor" else "the patient, whose own is open"
        if p is None or here is None:  # the typings alone say what is open
            if at.greatest == 0:
                return None
            state = "" if whom == "patient" else f"it is {'open' if at.donor else 'untyped'}, and "
            silent = f"; the frequencies say nothing of {locus}" if locus in hit.ignored else ""
            reason = f"typing {locus} of {whose}: {state}a match of {hit.donor_id} is possible, not proven{silent}"
            return TypingRequest(whom, hit.donor_id, option.source, locus, None, None, None, None, reason)
        if p <= 0.0 or here[0] >= 1.0:
            return None
        bits, after = bits_of_typing(p, here[0]), min(1.0, p / here[0])
        reason = (
            f"typing {locus} of {whose}: {'it' if whom == 'donor' else hit.donor_id} matches there with probability "
            f"{here[0]:.3f}; the probability of a whole match, {p:.3f} now, becomes {after:.3f} or 0: {bits:.3f} of "
            f"{entropy(p):.3f} bits"
        )
        if theirs and own:
            reason += f" (a guide only: the patient's own {locus} is open too)"
        return TypingRequest(whom, hit.donor_id, option.source, locus, p, after, here[0], bits, reason)

    def _is_open(self, locus: str, typing: str) -> bool:
        """Whether a typing leaves open which pair of ARD groups somebody has."""
        if not typing:
            return True
        person = Phenotype(typing)
        return match(person, person, self.nomenclature, [locus]).greatest > 0


def adult_filters(registry: Registry, policies: Policies, today: date) -> tuple[list[str], list[str], list[str]]:
    """Return filters (``where=``) that donors pass who are no cord blood units, who are of age, and who can be had.

    Whoever's type, birth year or status is not known passes. A filter that everybody passes is none.
    """
    units = registry.cord_filter()
    youngest, oldest = policies.value("registries", "adult_age_years")
    ages = f"(birth_year is null or (birth_year >= {today.year - oldest} and birth_year <= {today.year - youngest}))"
    gone = {_plain(word) for word in policies.value("registries", "unavailable_statuses")}
    words = [word for word in registry.count_values("status") if word is not None and _plain(word) in gone]
    there = f"(status is null or status not in ({', '.join(map(repr, words))}))"
    return [] if units is None else [f"(donor_type is null or not {units})"], [ages], [there] if words else []


def _plain(word: str) -> str:
    """Return the word of a status as it is compared: in any case, with blanks, _ or - between its parts."""
    return " ".join(word.lower().replace("_", " ").replace("-", " ").split())


def _answer_of(searches: Sequence[SearchAnswer]) -> Answer:
    adults = [each for each in searches if each.kind == "adults" and each.asked]
    if any(each.probable for each in adults):
        return "probable donors"
    if any(option.possible for each in adults for option in each.best):
        return "possible donors"
    if any(next(iter(each.levels.values()), 0) for each in adults):
        return "unlikely donors"
    if any(max(each.levels.values(), default=0) for each in adults):
        return "mismatched donors"
    if any(max(each.levels.values(), default=0) for each in searches):
        return "cord blood"
    return "no donor" if any(each.asked for each in searches) else "ask"
