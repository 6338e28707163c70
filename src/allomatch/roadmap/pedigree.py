"""The pedigree: who is whose child, from the relations given; people nobody mentioned are added, untyped.

What: `build_pedigree` places every relative, adds the parents and grandparents that connect them, and names what cannot be as a
:class:`Problem`; the rest is kept. Invariants: everyone but founders has both parents in the pedigree; parents stand before
their children in `people`; ids are unique; identical twins are the patient's own genes and have no place of their own. Why
refuse instead of guess: a wrong place makes wrong probabilities for everyone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from allomatch.roadmap.case import Patient, Problem, Relative, check_items
from allomatch.roadmap.family_answer import DEFAULT_FAMILY_POLICY, FamilyPolicy
from allomatch.roadmap.relations import RELATIONS, Relation, read_relation

__all__ = ["PATIENT", "Pedigree", "Person", "build_pedigree", "impossible_age"]

PATIENT = "patient"
_DAYS = 365.25
_SIDE = {"mother": "maternal", "father": "paternal"}
# Whose child someone is, by the kind of the relation.
_BELOW = {
    "grandchild": "a grandchild is the child of a son or daughter",
    "nephew": "a niece or nephew is the child of a brother, sister or half-sibling",
    "cousin": "a cousin is the child of an aunt or uncle of that side",
}


@dataclass(frozen=True, slots=True)
class Person:
    """One person of the pedigree.

    Attributes:
        id: ``"patient"``, a relative's id, or in brackets what an unobserved person is: ``"(mother)"``.
        mother: The id; None of a founder. Where the sex of a parent is not known the two are in either order.
        father: The id; None of a founder.
        sex: ``"F"``, ``"M"`` or None.
        relation: In the usual form of the word.
        genes: Whose genes they are: the own id, or ``"patient"`` of an identical twin.
    """

    id: str
    mother: str | None
    father: str | None
    sex: str | None
    relation: str
    genes: str


@dataclass(frozen=True, slots=True)
class Pedigree:
    """A family.

    Attributes:
        people: Parents before children; twins last.
        relatives: The relatives by id; all that have a place.
        left_out: Ids and relatives that have none, each named by a problem.
        problems: What is wrong with the relations, ages and sexes.
    """

    people: tuple[Person, ...]
    relatives: dict[str, Relative]
    left_out: dict[str, Relative]
    problems: tuple[Problem, ...]

    def __getitem__(self, name: str) -> Person:
        return next(person for person in self.people if person.id == name)


class _Builder:
    """The pedigree in the making."""

    def __init__(self, patient: Patient, today: date) -> None:
        self.patient = patient
        self.today = today
        self.people: dict[str, Person] = {}
        self.put_already: set[str] = set()
        self.places: dict[str, str] = {}  # "mother": the id of who has that place
        self.relatives: dict[str, Relative] = {}
        self.relations: dict[str, Relation] = {}
        self.left_out: dict[str, Relative] = {}
        self.problems: list[Problem] = []
        self.partner: str | None = None

    def problem(self, code: str, name: str, field: str, value: object, message: str) -> None:
        where = name if name == PATIENT else f"relative {name}"
        self.problems.append(Problem(code, where, field, str(value), f"{where}: {message}"))

    # --- reading ---

    def name_all(self, relatives: Sequence[Relative]) -> None:
        """Give everyone an id, and read their relations."""
        counted: dict[str, int] = {}
        words = {one.id: str(one.relation).lower() for one in relatives if one.id}
        for one in relatives:
            base = "-".join(str(one.relation).lower().replace("_", " ").split()) or "relative"
            counted[base] = counted.get(base, 0) + 1
            wanted = one.id or f"{base}-{counted[base]}"
            # Brackets are for people who are not given: their ids must not be anybody's.
            name = wanted.strip("()") or f"{base}-{counted[base]}" if wanted.startswith("(") else wanted
            bracketed = name != wanted
            while name in self.relatives or name in self.left_out or name == PATIENT:
                name += "'"
            read = read_relation(one.relation, tuple(words.get(parent, parent) for parent in one.parents))
            if isinstance(read, Relation):
                self.relatives[name], self.relations[name] = one, read
            else:
                self.left_out[name] = one
                self.problem(
                    read[0],
                    name,
                    "relation",
                    one.relation,
                    f"the relation {one.relation!r} is refused ({read[0]}); {read[1]}",
                )
            if bracketed:
                self.problem(
                    "reserved id",
                    name,
                    "id",
                    wanted,
                    f"the id {wanted!r} begins with a bracket, as those of people who are not given; called {name!r} here, "
                    "give another",
                )
            elif name != wanted:
                self.problem(
                    "duplicate id",
                    name,
                    "id",
                    wanted,
                    f"the id {wanted!r} is given twice; called {name!r} here, give another",
                )

    def settle_single(self) -> None:
        """Give the places of which there is one; of two mothers nobody can say which is the right one."""
        for place in (
            "mother",
            "father",
            *(f"{s} grand{p}" for s in ("maternal", "paternal") for p in ("mother", "father")),
        ):
            having = [name for name, relation in self.relations.items() if relation.single and relation.name == place]
            if len(having) == 1:
                self.places[place] = having[0]
            for name in having if len(having) > 1 else ():
                self.left_out[name] = self.relatives.pop(name)
                del self.relations[name]
                self.problem(
                    f"two {place}s",
                    name,
                    "relation",
                    place,
                    f"there are {len(having)} {place}s ({', '.join(having)}) and none is used; keep one, give "
                    "the others their true relation",
                )

    # --- placing ---

    def add(self, name: str, mother: str | None, father: str | None, relation: str, sex: str | None) -> str:
        self.people[name] = Person(name, mother, father, sex, relation, name)
        return name

    def place(self, place: str) -> str:
        """Return who has a place; an untyped person is added where nobody has."""
        name = self.places.setdefault(place, f"({place})")
        if name not in self.people:
            sex = "F" if place.endswith("mother") else "M"
            side = _SIDE.get(place)
            older = any(
                r.places[:1] == (f"{side} grandmother",) or r.name.startswith(f"{side} grand")
                for r in self.relations.values()
            )
            mother = self.place(f"{side} grandmother") if side and older else None
            father = self.place(f"{side} grandfather") if side and older else None
            self.add(name, mother, father, place if name in self.relatives else f"{place} (not given)", sex)
        return name

    def other_parent(self, name: str) -> str:
        return self.add(f"(other parent of {name})", None, None, "other parent (not given)", None)

    def couple(self, known: str, other: str) -> tuple[str, str]:
        """Return a mother and a father of whom one is known."""
        return (other, known) if self.people[known].sex == "M" else (known, other)

    def named_parent(self, name: str, kinds: tuple[str, ...], side: tuple[str, ...]) -> str | None:
        """Return the relative whom someone names as parent, if that one can be; who cannot be is named."""
        found: str | None = None
        for parent in self.relatives[name].parents:
            if self.says_side(name, parent):
                continue
            relation = self.relations.get(parent)
            fits = (
                relation is not None and (relation.places == side or relation.kind == "half") and relation.kind in kinds
            )
            if fits and parent != name and found in (None, parent):
                found = parent
            elif fits and parent != name:
                self.not_a_parent(name, parent, f"as {found!r} is, who is used: one parent at most is of the family")
            else:
                self.not_a_parent(name, parent, _BELOW[self.relations[name].kind])
        return found

    def says_side(self, name: str, parent: str) -> bool:
        """Whether a parent or grandparent is named only to say the side of someone whose relation does not."""
        relation = self.relations.get(parent) or RELATIONS.get(parent)
        ancestor = relation is not None and relation.kind == "ancestor"
        return ancestor and not isinstance(read_relation(self.relatives[name].relation), Relation)

    def not_a_parent(self, name: str, parent: str, why: str) -> None:
        """Name someone who is named as a parent and cannot be one."""
        relation = self.relations[name].name
        known = self.relations.get(parent) or RELATIONS.get(parent)
        if known is None and parent != PATIENT:
            self.problem(
                "unknown parent",
                name,
                "parents",
                parent,
                f"{parent!r} is named as a parent of this {relation} and is nobody of the family; give the id of one of the "
                "relatives: the relation is used as given",
            )
            return
        who = "" if known is None else f" ({known.name})"
        self.problem(
            "contradictory parents",
            name,
            "parents",
            parent,
            f"{parent!r}{who} is named as a parent of {name!r} ({relation}): {why}; correct the relation or the parent, the "
            "relation is used as given",
        )

    def put(self, name: str) -> None:
        """Place a relative, after whoever is their parent."""
        if name in self.put_already:
            return
        self.put_already.add(name)
        relation = self.relations[name]
        sex = self.sex(name)
        if relation.kind in ("ancestor", "child of", "child", "twin"):
            self.check_parents(name, relation)
        if name in self.people:  # a parent or grandparent, placed with the first of their children
            return
        if relation.kind == "ancestor":
            self.place(relation.places[0])
        elif relation.kind == "child of":
            self.add(name, self.place(relation.places[0]), self.place(relation.places[1]), relation.name, sex)
        elif relation.kind == "half":
            known = self.place(relation.places[0])
            self.check_half(name, relation.places[0], known)
            self.add(name, *self.couple(known, self.other_parent(name)), relation.name, sex)
        elif relation.kind == "child":
            if self.partner is None:
                self.partner = self.add("(partner)", None, None, "partner (not given)", None)
            self.add(name, *self.couple(PATIENT, self.partner), relation.name, sex)
        else:
            self.put_below(name, relation, sex)

    def check_parents(self, name: str, relation: Relation) -> None:
        """Name parents that contradict the relation, which holds."""
        places = relation.places if relation.kind == "child of" else ()
        if relation.kind == "twin" or relation.name in ("mother", "father"):
            places = (
                ("mother", "father") if relation.kind == "twin" else RELATIONS[f"{_SIDE[relation.name]} aunt"].places
            )
        known = {*places, *(self.places.get(place, place) for place in places)}
        if relation.kind == "child":
            known = {PATIENT}
        for parent in self.relatives[name].parents:
            if parent not in known:
                self.problem(
                    "parents not used",
                    name,
                    "parents",
                    parent,
                    f"{parent!r} is named as a parent, which a {relation.name} does not have; the relation is used",
                )

    def check_half(self, name: str, place: str, shared: str) -> None:
        """Name parents of a half-sibling who contradict the relation: of the family it shares one with the patient, no other."""
        other = "father" if place == "mother" else "mother"
        for parent in self.relatives[name].parents:
            if parent in (place, shared):
                continue
            if parent in (other, self.places.get(other)):
                self.not_a_parent(name, parent, "whoever has both parents of the patient is a full brother or sister")
            else:
                self.not_a_parent(name, parent, f"of the family only the {place} can be")

    def put_below(self, name: str, relation: Relation, sex: str | None) -> None:
        """Place someone whose parent is a relative, named or not."""
        kinds = {"grandchild": ("child",), "nephew": ("child of", "half")}.get(relation.kind, ("child of",))
        parent = self.named_parent(name, kinds, relation.places)
        if parent is None:
            parent = f"(parent of {name})"
            if relation.kind == "grandchild":
                if self.partner is None:
                    self.partner = self.add("(partner)", None, None, "partner (not given)", None)
                couple = self.couple(PATIENT, self.partner)
            else:
                couple = (self.place(relation.places[0]), self.place(relation.places[1]))
            self.add(parent, *couple, f"parent of {relation.name} (not given)", None)
        else:
            self.put(parent)
        self.add(name, *self.couple(parent, self.other_parent(name)), relation.name, sex)

    def sex(self, name: str) -> str | None:
        """Return someone's sex: what the relation says holds."""
        said, own = self.relations[name].sex, self.relatives[name].sex
        if own not in (None, "F", "M"):
            self.problem("unknown sex", name, "sex", own, f"the sex {own!r} is not known; give 'F' or 'M'")
            own = None
        if self.relations[name].kind == "twin" and self.patient.sex in ("F", "M"):
            if own not in (None, self.patient.sex) or said not in (None, self.patient.sex):
                self.problem(
                    "contradictory sex",
                    name,
                    "sex",
                    own or said,
                    f"an identical twin has the patient's sex, which is {self.patient.sex!r}; correct it or say "
                    "'fraternal twin'",
                )
            return self.patient.sex
        if said and own and said != own:
            self.problem(
                "contradictory sex",
                name,
                "sex",
                own,
                f"a {self.relations[name].name} has the sex {said!r}, not {own!r}; correct one of the two",
            )
        return said or own

    # --- ages ---

    def age(self, name: str) -> float | None:
        """Return an age in years today, or None."""
        one = self.patient if name == PATIENT else self.relatives.get(name)
        if one is None:
            return None
        years = one.age if isinstance(one, Relative) else None
        return (self.today - one.birth_date).days / _DAYS if one.birth_date else years

    def is_dated(self, name: str) -> bool:
        one = self.patient if name == PATIENT else self.relatives[name]
        return one.birth_date is not None

    def check_ages(self, rules: FamilyPolicy) -> None:
        least = rules.child_min_parent_age
        for name in (PATIENT, *self.relatives):
            age = self.age(name)
            impossible = impossible_age(name, age, rules.oldest_age, dated=self.is_dated(name))
            if impossible is not None:
                self.problems.append(impossible)
            if age is not None and age < 0:
                self.problem(
                    "born in the future",
                    name,
                    "birth_date" if self.is_dated(name) else "age",
                    f"{age:.1f}",
                    f"is {age:.1f} years old: the date of birth lies in the future or the age is below 0; correct it",
                )
            one = self.relatives.get(name)
            differ = rules.ages_differ_by
            if one and one.birth_date and one.age is not None and age is not None and abs(age - one.age) > differ:
                self.problem(
                    "contradictory ages",
                    name,
                    "age",
                    one.age,
                    f"the age {one.age:g} is not that of the date of birth, {age:.0f}; the date is used",
                )
        for person in self.people.values():
            for parent in self.elders(person):
                child_age, age = self.age(person.id), self.age(parent)
                if child_age is None or age is None:
                    continue
                if age < child_age:
                    self.problem(
                        "child older than its parent",
                        person.id,
                        "birth_date",
                        f"{child_age:.1f}",
                        f"is {child_age:.1f} years old, its parent or grandparent {parent} {age:.1f}; correct a "
                        "date or the relation; the relation is used as given",
                    )
                elif age < child_age + least:
                    self.problem(
                        "parent too young",
                        person.id,
                        "birth_date",
                        f"{child_age:.1f}",
                        f"is {child_age:.1f} years old and {parent}, a parent, {age:.1f}: less than {least:g} "
                        "years between; check both dates",
                    )
        twins = [name for name, relation in self.relations.items() if "twin" in relation.name]
        for name in twins:
            born, own = self.patient.birth_date, self.relatives[name].birth_date
            if born and own and abs((born - own).days) > rules.twins_born_within_days:
                self.problem(
                    "twins of different ages",
                    name,
                    "birth_date",
                    own,
                    f"a twin born on {own}, the patient on {born}; correct a date or the relation",
                )

    def elders(self, person: Person) -> list[str]:
        """Return parents of whom an age may be known; through a person nobody gave, the grandparents."""
        found: list[str] = []
        for parent in (person.mother, person.father):
            if parent is None:
                continue
            if parent in self.relatives or parent == PATIENT:
                found.append(parent)
            else:
                found += self.elders(self.people[parent])
        return found


def impossible_age(name: str, age: float | None, oldest: float, *, dated: bool) -> Problem | None:
    """Return what is wrong with an age that nobody reaches; None if nothing is.

    Args:
        name: ``"patient"``, or the id of a relative.
        age: In years; below 0 it is another problem.
        oldest: In years, what is possible.
        dated: Whether it is from a date of birth.
    """
    if age is None or age <= oldest:
        return None
    where = name if name == PATIENT else f"relative {name}"
    message = (
        f"{where}: is {age:.0f} years old; an age is from 0 to {oldest:g} years: correct the date of birth or the age"
    )
    return Problem("impossible age", where, "birth_date" if dated else "age", f"{age:.0f}", message)


def build_pedigree(
    patient: Patient,
    relatives: Sequence[Relative],
    rules: FamilyPolicy = DEFAULT_FAMILY_POLICY,
    *,
    today: date | None = None,
) -> Pedigree:
    """Place a family.

    Args:
        patient: In the middle of it.
        relatives: As given.
        rules: Which ages are problems.
        today: The day on which ages are; today.

    Example:
        >>> from allomatch import Phenotype
        >>> family = build_pedigree(Patient(Phenotype("")), [Relative("maternal aunt"), Relative("uncle")])
        >>> [person.id for person in family.people][:3], family["patient"].mother
        (['(maternal grandmother)', '(maternal grandfather)', '(mother)'], '(mother)')
        >>> [problem.code for problem in family.problems]
        ['side not said']
    """
    check_items("patient", [patient], Patient)
    check_items("relatives", relatives, Relative)
    made = _Builder(patient, today or date.today())
    made.name_all(relatives)
    made.settle_single()
    made.add(
        PATIENT, made.place("mother"), made.place("father"), PATIENT, patient.sex if patient.sex in ("F", "M") else None
    )
    twins = [name for name, relation in made.relations.items() if relation.kind == "twin"]
    for name in made.relations:
        if name not in twins:
            made.put(name)
    for name in twins:
        made.check_parents(name, made.relations[name])
        own = made.people[PATIENT]
        made.people[name] = Person(name, own.mother, own.father, made.sex(name), made.relations[name].name, PATIENT)
    made.check_ages(rules)
    return Pedigree(tuple(made.people.values()), made.relatives, made.left_out, tuple(made.problems))
