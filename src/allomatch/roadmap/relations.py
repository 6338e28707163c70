"""Relations: what a word such as "maternal aunt" says about whose child a person is.

What: `read_relation` turns a word into a :class:`Relation`, or says why it cannot. Invariants: a relation is by blood; a place
that only one person can have (a mother) is `single`. Why data: the words are a table, so that none is understood by
accident: what is not in it is refused and named.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["RELATIONS", "Relation", "read_relation"]


@dataclass(frozen=True, slots=True)
class Relation:
    """Where a word puts a person in the family.

    Attributes:
        name: The word, in its usual form.
        kind: ``"ancestor"`` (has a place of their own), ``"child of"`` two places, ``"twin"`` (the patient's genes), or what is the
            child of someone the word does not name: ``"half"``, ``"child"``, ``"grandchild"``, ``"nephew"``, ``"cousin"``.
        places: Of an ancestor the place itself; else those of the parents, mother first.
        sex: ``"F"``, ``"M"`` or None where the word does not say.
    """

    name: str
    kind: str
    places: tuple[str, ...] = ()
    sex: str | None = None

    @property
    def single(self) -> bool:
        """Whether only one person can be this."""
        return self.kind == "ancestor"


def _table() -> dict[str, Relation]:
    rows = [Relation("mother", "ancestor", ("mother",), "F"), Relation("father", "ancestor", ("father",), "M")]
    for side in ("maternal", "paternal"):
        parent = "mother" if side == "maternal" else "father"
        couple = (f"{side} grandmother", f"{side} grandfather")
        rows += [
            Relation(couple[0], "ancestor", couple[:1], "F"),
            Relation(couple[1], "ancestor", couple[1:], "M"),
            Relation(f"{side} aunt", "child of", couple, "F"),
            Relation(f"{side} uncle", "child of", couple, "M"),
            Relation(f"{side} cousin", "cousin", couple),
            Relation(f"{side} half-sister", "half", (parent,), "F"),
            Relation(f"{side} half-brother", "half", (parent,), "M"),
            Relation(f"{side} half-sibling", "half", (parent,)),
        ]
    parents = ("mother", "father")
    rows += [
        Relation("sister", "child of", parents, "F"),
        Relation("brother", "child of", parents, "M"),
        Relation("sibling", "child of", parents),
        Relation("fraternal twin", "child of", parents),
        Relation("fraternal twin sister", "child of", parents, "F"),
        Relation("fraternal twin brother", "child of", parents, "M"),
        Relation("identical twin", "twin"),
        Relation("identical twin sister", "twin", sex="F"),
        Relation("identical twin brother", "twin", sex="M"),
        Relation("daughter", "child", sex="F"),
        Relation("son", "child", sex="M"),
        Relation("child", "child"),
        Relation("granddaughter", "grandchild", sex="F"),
        Relation("grandson", "grandchild", sex="M"),
        Relation("grandchild", "grandchild"),
        Relation("niece", "nephew", parents, "F"),
        Relation("nephew", "nephew", parents, "M"),
    ]
    return {row.name: row for row in rows}


RELATIONS = _table()
# Words that need a side, and words of families that share no blood.
_NEED_SIDE = ("aunt", "uncle", "cousin", "grandmother", "grandfather", "half-sister", "half-brother", "half-sibling")
_TWINS = ("twin", "twin sister", "twin brother")
_NO_BLOOD = ("in-law", "step", "adopt", "foster", "godm", "godf")
_PARTNERS = ("husband", "wife", "spouse", "partner")


def read_relation(text: object, parents: tuple[str, ...] = ()) -> Relation | tuple[str, str]:
    """Return what a word stands for, or a code and a remedy.

    Args:
        text: The word; case, blanks, underscores do not matter.
        parents: Places or ids that the relative names as parents: ``"mother"`` or a maternal grandparent says the side.

    Example:
        >>> read_relation("Maternal_Aunt").places
        ('maternal grandmother', 'maternal grandfather')
        >>> read_relation("mother-in-law")[0]
        'not a blood relative'
        >>> read_relation("aunt")[0], read_relation("half sister", ("father",)).name
        ('side not said', 'paternal half-sister')
    """
    word = " ".join(str(text).lower().replace("_", " ").split())
    word = word.replace("half ", "half-").replace("grand-", "grand").replace("-twin", " twin")
    if word.startswith(("maternal-", "paternal-")):
        word = word.replace("-", " ", 1)
    if word in RELATIONS:
        return RELATIONS[word]
    if any(part in word.replace(" in law", "-in-law") for part in _NO_BLOOD) or word in _PARTNERS:
        return (
            "not a blood relative",
            "leave out people who share no blood with the patient, or give the blood relation",
        )
    if word in _TWINS:
        return "zygosity not said", f"say 'identical {word}' or 'fraternal {word}'"
    if word in _NEED_SIDE:
        sides = {
            side
            for side, parent in (("maternal", "mother"), ("paternal", "father"))
            for p in parents
            if p == parent or p.startswith((side, parent + "-"))
        }
        if len(sides) == 1:
            return RELATIONS[f"{sides.pop()} {word}"]
        if sides and word.startswith("half-"):
            full = word.removeprefix("half-")
            return (
                "contradictory parents",
                f"{' and '.join(parents)} are both named as parents: say '{full}', or name one of them",
            )
        return "side not said", f"say 'maternal {word}' or 'paternal {word}'"
    return "unknown relation", f"use one of: {', '.join(RELATIONS)}"
