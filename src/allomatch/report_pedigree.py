"""The family as a drawing: an SVG pedigree with every haplotype in a colour and a letter.

Circles are women, squares men, diamonds people of unknown sex; a dashed outline is an untyped person; the patient has a heavy
outline and an arrow. Under everyone stand two boxes, one a haplotype: letter and colour name the founder haplotype, ``?`` one that
is not known. The drawing says everything in its description too, for those who do not see it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from allomatch.report_text import shown

__all__ = ["HAPLOTYPE_COLOURS", "UNKNOWN_COLOUR", "pedigree_svg"]

# Dark enough for white letters (contrast 4.5 and more), told apart by letter as well as by colour.
HAPLOTYPE_COLOURS = ("#1f5fa8", "#a8321f", "#2b7338", "#7a4198", "#7d5200", "#0f6b70", "#9c2a64", "#4d5a66")
UNKNOWN_COLOUR = "#5f6368"
_STEP, _LEVEL, _SIZE = 124, 165, 17
_LANE = 55  # from somebody's middle to the way down beside their words
_BARS = (95, 143)  # below the middle of a row, where the lines to its children are
_WORDS = 100  # how wide a line of words may be
_PATIENT = "patient"


def pedigree_svg(
    members: Sequence[Mapping[str, Any]], patient_sex: str | None, patient_haplotypes: Sequence[str | None]
) -> str:
    """Return the drawing.

    Args:
        members: As the family's detail of a plan has them.
        patient_sex: ``"F"``, ``"M"`` or None.
        patient_haplotypes: Letters of the patient's two haplotypes.
    """
    people = _people(members, patient_sex, patient_haplotypes)
    level = _levels(people)
    place = _places(people, level)
    width = int(max((x for x, _ in place.values()), default=0)) + _STEP
    height = (max(level.values(), default=0) + 1) * _LEVEL
    body = [_lines(people, place)]
    body += [_person(name, one, *place[name]) for name, one in people.items()]
    told = "; ".join(_told(name, one) for name, one in people.items())
    return (
        f'<svg class="pedigree" role="img" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'aria-labelledby="pedigree-title pedigree-desc" xmlns="http://www.w3.org/2000/svg">'
        '<title id="pedigree-title">Pedigree of the family with haplotypes</title>'
        f'<desc id="pedigree-desc">{shown(told)}</desc>{"".join(body)}</svg>'
    )


def _people(
    members: Sequence[Mapping[str, Any]], patient_sex: str | None, patient_haplotypes: Sequence[str | None]
) -> dict[str, dict[str, Any]]:
    """Return everyone to be drawn, with parents and children."""
    people: dict[str, dict[str, Any]] = {}
    for member in members:
        people[member["id"]] = {
            "sex": member["sex"],
            "typed": member["typed"],
            "haplotypes": list(member["haplotypes"]),
            "parents": tuple(member["parents"]),
            "relation": member["relation"],
            "category": member["category"] or "untyped",
        }
    people[_PATIENT] = {
        "sex": patient_sex,
        "typed": True,
        "haplotypes": list(patient_haplotypes),
        "parents": tuple(each for each in (_parent(members, "mother"), _parent(members, "father")) if each is not None),
        "relation": _PATIENT,
        "category": "the patient",
    }
    for one in list(people.values()):
        for parent in one["parents"]:
            sex = "F" if "mother" in parent else "M" if "father" in parent else None
            people.setdefault(
                parent,
                {
                    "sex": sex,
                    "typed": False,
                    "haplotypes": [None, None],
                    "parents": (),
                    "relation": "not given",
                    "category": "untyped",
                },
            )
    for one in people.values():
        if len(one["haplotypes"]) != 2:
            one["haplotypes"] = [None, None]
    return people


def _parent(members: Sequence[Mapping[str, Any]], who: str) -> str | None:
    """Return the id of the patient's mother or father: of several given none is used, and one stands in for them."""
    for relation in (f"{who} (not given)", who):
        for member in members:
            if member["relation"] == relation:
                return str(member["id"])
    return None


def _levels(people: Mapping[str, Mapping[str, Any]]) -> dict[str, int]:
    """Return everyone's generation, the oldest 0; parents stand above their children, and beside each other."""
    level = dict.fromkeys(people, 0)
    for _ in range(len(people) + 1):
        for name, one in people.items():
            for parent in one["parents"]:
                level[name] = max(level[name], level[parent] + 1) if level[parent] < len(people) else level[name]
    for _ in range(len(people) + 1):
        for one in people.values():
            couple = one["parents"]
            for parent in couple:
                if not people[parent]["parents"]:
                    level[parent] = max(
                        [level[parent], *(level[other] for other in couple if people[other]["parents"])]
                    )
    # People without parents or with young children only stand just above these.
    for name, one in people.items():
        below = [level[child] for child, other in people.items() if name in other["parents"]]
        if not one["parents"] and below:
            level[name] = min(below) - 1
    least = min(level.values(), default=0)
    return {name: each - least for name, each in level.items()}


def _sides(people: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """Return which side of the family everyone is on: -1 the one parent's, 0 both, 1 the other's; the parents stand inside."""

    def kin(parent: str) -> set[str]:
        found, waiting = {parent}, [parent]
        while waiting:
            above = people[waiting.pop()]["parents"]
            waiting += [each for each in above if each not in found]
            found |= set(above)
        while below := {child for child, one in people.items() if child not in found and found & set(one["parents"])}:
            found |= below
        return found

    parents = people[_PATIENT]["parents"]
    if len(parents) != 2:
        return dict.fromkeys(people, 0.0)
    right, left = (kin(each) for each in parents)
    sides = {name: float(name in right) - float(name in left) for name in people}
    return {**sides, parents[0]: 0.5, parents[1]: -0.5}


def _blocks(
    people: Mapping[str, Mapping[str, Any]], level: Mapping[str, int], sides: Mapping[str, float]
) -> list[list[str]]:
    """Return who stands side by side: everyone with the partners whose own parents are not drawn."""
    mates: dict[str, list[str]] = {name: [] for name in people}
    for one in people.values():
        for name in one["parents"]:
            for mate in one["parents"]:
                if mate != name and mate not in mates[name] and level[mate] == level[name]:
                    mates[name].append(mate)
    taken: set[str] = set()
    blocks = []
    # Those with parents, then those with most partners, gather the others around them.
    for name in sorted(people, key=lambda each: (not people[each]["parents"], -len(mates[each]))):
        if name in taken:
            continue
        block = [name]
        for mate in mates[name]:
            if mate not in taken and not people[mate]["parents"]:
                # The patient's parents stand together, other partners on the outer side.
                own = {sides[name], sides[mate]} == {0.5, -0.5}
                outer = sides[name] == -0.5 if not own else sides[name] == 0.5
                block.insert(0 if outer else len(block), mate)
                # The other parent's other partners stand on that side too.
                others = [each for each in mates[mate] if each != name and not people[each]["parents"]] if own else []
                block = [*others, *block] if outer else [*block, *others]
        taken |= set(block)
        blocks.append(block)
    return blocks


def _places(people: Mapping[str, Mapping[str, Any]], level: Mapping[str, int]) -> dict[str, tuple[float, float]]:
    """Return where everyone stands: near parents, children and partners, nobody on top of another."""
    x = {name: float(number) for number, name in enumerate(people)}
    near = {
        name: [
            *one["parents"],
            *(child for child, other in people.items() if name in other["parents"]),
            *(
                mate
                for other in people.values()
                if name in other["parents"]
                for mate in other["parents"]
                if mate != name
            ),
        ]
        for name, one in people.items()
    }
    sides = _sides(people)
    blocks = _blocks(people, level, sides)
    # A partner from outside the family is on nobody's side: the one who has a side says where the block stands.
    side = {block[0]: max((sides[name] for name in block), key=lambda each: abs(each)) for block in blocks}
    for _ in range(40):
        wanted = {
            name: sum(x[each] for each in near[name]) / len(near[name]) if near[name] else x[name] for name in people
        }
        for row in range(max(level.values(), default=0) + 1):
            here = [block for block in blocks if level[block[0]] == row]
            middle = {block[0]: sum(wanted[name] for name in block) / len(block) for block in here}
            last = float("-inf")
            spots: dict[str, float] = {}
            for block in sorted(here, key=lambda block: (side[block[0]], middle[block[0]], x[block[0]])):
                start = max(middle[block[0]] - (len(block) - 1) / 2, last + 1.0)
                spots |= {name: start + at for at, name in enumerate(block)}
                last = start + len(block) - 1
            # What was pushed aside moves back as one.
            shift = sum(spots[name] - wanted[name] for name in spots) / len(spots) if spots else 0.0
            x |= {name: spot - shift for name, spot in spots.items()}
    least = min(x.values(), default=0.0)
    return {name: ((x[name] - least) * _STEP + _STEP / 2, level[name] * _LEVEL + 40.0) for name in people}


def _lines(people: Mapping[str, Mapping[str, Any]], place: Mapping[str, tuple[float, float]]) -> str:
    """Return the lines: between partners, and down to their children; none of them crosses a person, a box or a word.

    Partners beside each other are joined at their height, others under the words below everyone of their row. There each couple has
    a height of its own, so that its line to the children is told from others.
    """
    children: dict[tuple[str, ...], list[str]] = {}
    for name, one in people.items():
        if one["parents"]:
            children.setdefault(tuple(sorted(one["parents"], key=lambda each: place[each])), []).append(name)
    rows: dict[float, list[tuple[str, ...]]] = {}
    for couple in children:
        rows.setdefault(max(place[each][1] for each in couple), []).append(couple)
    drawn = []
    left: dict[tuple[str, int], int] = {}
    for top, couples in rows.items():
        gap = (_BARS[1] - _BARS[0]) / len(couples)
        for number, couple in enumerate(sorted(couples, key=lambda each: place[each[0]])):
            bar = top + _BARS[0] + gap * number
            ends = [place[each] for each in couple]
            first, last = ends[0], ends[-1]
            beside = len(ends) == 2 and first[1] == last[1]
            beside = beside and not any(y == top and first[0] < x < last[0] for x, y in place.values())
            if beside:
                middle = (first[0] + last[0]) / 2
                drawn.append(
                    f"M{first[0] + _edge(people[couple[0]]):.1f} {top:.1f}H{last[0] - _edge(people[couple[1]]):.1f}"
                )
                drawn.append(f"M{middle:.1f} {top:.1f}V{bar:.1f}")
                reached = [middle]
            else:
                # Down between two people to the height of the couple: the first to the right, the other to the left. Who has
                # several such partners leaves for each at another height.
                reached = []
                for name, (x, y), side in zip(couple, ends, (1, -1), strict=False):
                    times = left.get((name, side), 0)
                    left[name, side] = times + 1
                    below, lane = 8 + 5 * min(times, 1), x + side * (_LANE - 4 * min(times, 2))
                    drawn.append(f"M{x + side * _edge(people[name], below):.1f} {y + below:.1f}H{lane:.1f}V{bar:.1f}")
                    reached.append(lane)
            reached += [place[child][0] for child in children[couple]]
            drawn.append(f"M{min(reached):.1f} {bar:.1f}H{max(reached):.1f}")
            for child in children[couple]:
                x, y = place[child]
                drawn.append(f"M{x:.1f} {bar:.1f}V{y - _edge(people[child]):.1f}")
    return f'<path d="{"".join(drawn)}" fill="none" stroke="#333" stroke-width="1.5"/>' if drawn else ""


def _edge(one: Mapping[str, Any], below: float = 0.0) -> float:
    """Return how far the outline of somebody's sign is from its middle, to the sides at a height, and at its own also up."""
    if one["sex"] == "F":
        return math.sqrt(_SIZE**2 - below**2)
    return _SIZE if one["sex"] == "M" else _SIZE + 3 - below


def _person(name: str, one: Mapping[str, Any], x: float, y: float) -> str:
    heavy = name == _PATIENT
    dash = "" if one["typed"] else ' stroke-dasharray="4 3"'
    style = f'fill="#fff" stroke="#111" stroke-width="{4 if heavy else 2}"{dash}'
    if one["sex"] == "F":
        shape = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{_SIZE}" {style}/>'
    elif one["sex"] == "M":
        shape = f'<rect x="{x - _SIZE:.1f}" y="{y - _SIZE:.1f}" width="{2 * _SIZE}" height="{2 * _SIZE}" {style}/>'
    else:
        d = _edge(one)
        shape = f'<path d="M{x:.1f} {y - d:.1f}l{d} {d}l-{d} {d}l-{d} -{d}z" {style}/>'
    arrow = (
        f'<path d="M{x - 44:.1f} {y + 24:.1f}L{x - 24:.1f} {y + 10:.1f}m-9 0l9 0l-3 9" fill="none" stroke="#111" stroke-width="2"/>'
        if heavy
        else ""
    )
    boxes = "".join(_box(letter, x - 23 + 24 * at, y + 24) for at, letter in enumerate(one["haplotypes"]))
    lines = _label(name)
    texts = [("who", line) for line in lines] + [("what", str(one["category"]))]
    words = "".join(
        f'<text x="{x:.1f}" y="{y + 57 + 13 * at:.1f}" text-anchor="middle" class="{kind}">{shown(line)}</text>'
        for at, (kind, line) in enumerate(texts)
    )
    return f'<g class="person" data-id="{shown(name)}">{shape}{arrow}{boxes}{words}</g>'


def _label(name: str) -> list[str]:
    """Return an id in one or two short lines; what is longer is cut, the description has it whole."""
    lines = [""]
    for word in name.split():
        if lines[-1] and _width(f"{lines[-1]} {word}") > _WORDS and len(lines) < 2:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return [_cut(line) for line in lines]


def _cut(line: str) -> str:
    if _width(line) <= _WORDS:
        return line
    while line and _width(f"{line}\u2026") > _WORDS:
        line = line[:-1]
    return f"{line}\u2026"


def _width(text: str) -> float:
    """Return how wide a text is at most, in the bold letters of 12 pixels that names are in."""
    return sum(
        5.5 if each in " .,:;'|()[]{}-/ijlt1" else 8.0 if each.islower() or each.isdigit() else 12.5 for each in text
    )


def _box(letter: str | None, x: float, y: float) -> str:
    colour = UNKNOWN_COLOUR if letter is None else haplotype_colour(letter)
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="22" height="18" rx="3" fill="{colour}"/>'
        f'<text x="{x + 11:.1f}" y="{y + 13.5:.1f}" text-anchor="middle" class="letter">{shown((letter or "?")[:2])}</text>'
    )


def haplotype_colour(letter: str) -> str:
    """Return the colour of a haplotype by its letter; after eight letters colours come again, letters never."""
    number = sum(ord(sign) - ord("a") for sign in letter.lower() if sign.isascii() and sign.isalpha())
    return HAPLOTYPE_COLOURS[number % len(HAPLOTYPE_COLOURS)]


def _told(name: str, one: Mapping[str, Any]) -> str:
    letters = " and ".join(letter or "not known" for letter in one["haplotypes"])
    parents = f", child of {' and '.join(one['parents'])}" if one["parents"] else ""
    return f"{name} ({one['relation']}{parents}): haplotypes {letters}, {one['category']}"
