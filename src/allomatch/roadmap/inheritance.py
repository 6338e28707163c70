"""Inheritance: every way in which a family's haplotypes can have come down, each with its likelihood.

What: founders have two chromosomes each, drawn from the population; a meiosis passes one of a parent's two on, changing over
between neighbouring loci with a small probability. A `Descent` is one way: which founder chromosome everyone has, twice, at
each locus. `descents` lists those that the typings allow, with the sum over the haplotypes on the founders' chromosomes
(Lander and Green, PNAS 1987, for the inheritance vectors; Sobel and Lange, Am J Hum Genet 1996, for the sum by linked
chromosomes). Invariants: weights are exact for at most `crossovers` recombinations in the whole family, and the least number
that explains it is used where one is not enough; founders' two chromosomes are interchangeable, and one order of them stands
for both. People without children are left to `leaves` where that is less work. Why in this order: which vectors a locus allows is
decided locus by locus, where few alleles matter; haplotypes are joined only for the vectors that are left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import combinations, islice, product

from allomatch.roadmap.descent import Component, Descent, Family, Labels, Table, TooMuchWork
from allomatch.roadmap.family_typings import UNKNOWN, Pairs, Pattern
from allomatch.roadmap.leaves import Leaves

__all__ = ["descents", "locus_possible"]

_STEPS_A_WAY = 25  # what one way costs, in steps
_WAYS_A_SUM = 40  # what a sum over leaves costs, in ways
_Link = tuple[tuple[int, ...], frozenset[tuple[int, ...]]]  # linked chromosomes, and the alleles they may have


class _Vectors:
    """Inheritance vectors: one bit a meiosis, 0 for the parent's maternal chromosome."""

    def __init__(self, family: Family) -> None:
        self.family = family
        self.founders = [name for name in family.people if name not in family.parents]
        self.children = [name for name in family.people if name in family.parents]
        self.bit = {(child, side): 2 * at + side for at, child in enumerate(self.children) for side in (0, 1)}
        self.meioses = 2 * len(self.children)
        self.swaps: list[tuple[int, int]] = []  # of a founder: the bit that stays 0, all its bits
        for founder in self.founders:
            own = [bit for (child, side), bit in self.bit.items() if family.parents[child][side] == founder]
            if own:
                self.swaps.append((1 << min(own), sum(1 << bit for bit in own)))
        self.fixed = sum(first for first, _ in self.swaps)
        self._labels: dict[int, dict[str, tuple[int, int]]] = {}

    def canonical(self, vector: int) -> int:
        """Return the vector that stands for this one: both orders of a founder's chromosomes are the same."""
        for first, mask in self.swaps:
            if vector & first:
                vector ^= mask
        return vector

    def labels(self, vector: int) -> dict[str, tuple[int, int]]:
        """Return by name the founder chromosomes: the maternal, the paternal one."""
        found = self._labels.get(vector)
        if found is None:
            found = {name: (2 * at, 2 * at + 1) for at, name in enumerate(self.founders)}
            for child in self.children:
                both = [
                    found[parent][vector >> self.bit[child, side] & 1]
                    for side, parent in enumerate(self.family.parents[child])
                ]
                found[child] = (both[0], both[1])
            self._labels[vector] = found
        return found


def _link(components: Sequence[_Link], x: int, y: int, pairs: Pairs, most: int) -> list[_Link] | None:
    """Return the components after a person who has chromosomes x and y was taken in; None if there is no way left."""
    touched = [c for c in components if x in c[0] or y in c[0]]
    rest = [c for c in components if c not in touched]
    chromosomes = tuple(chromosome for c in touched for chromosome in c[0])
    new = tuple(dict.fromkeys(c for c in (x, y) if c not in chromosomes))
    place = {chromosome: at for at, chromosome in enumerate(chromosomes + new)}
    rows = set()
    for parts in product(*(c[1] for c in touched)):
        row = tuple(allele for part in parts for allele in part)
        for pair in pairs:
            if x == y and pair[0] != pair[1]:
                continue
            known = [(c, a) for c, a in zip((x, y), pair, strict=True)]
            if all(c in new or row[place[c]] == a for c, a in known):
                own = dict(known)
                rows.add(row + tuple(own[c] for c in new))
        if len(rows) > most:
            raise TooMuchWork
    return [*rest, (chromosomes + new, frozenset(rows))] if rows else None


def _allowed_vectors(vectors: _Vectors, locus: int, most: int) -> set[int]:
    """Return the canonical vectors that a locus allows, found person by person."""
    family = vectors.family
    found: set[int] = set()
    steps = 0

    def visit(at: int, vector: int, labels: dict[str, tuple[int, int]], components: list[_Link]) -> None:
        nonlocal steps
        steps += 1
        if steps * 5 > most:
            raise TooMuchWork
        if at == len(family.people):
            found.add(vector)
            return
        name = family.people[at]
        if name in family.parents:
            mother, father = family.parents[name]
            options = []
            for bits in product((0, 1), repeat=2):
                here = sum(bit << vectors.bit[name, side] for side, bit in enumerate(bits))
                if not here & vectors.fixed:
                    options.append((here, (labels[mother][bits[0]], labels[father][bits[1]])))
        else:
            founder = 2 * vectors.founders.index(name)
            options = [(0, (founder, founder + 1))]
        pairs = family.pairs[name][locus] if name in family.pairs else None
        for here, own in options:
            linked = components if pairs is None else _link(components, *own, pairs, most)
            if linked is not None:
                visit(at + 1, vector | here, {**labels, name: own}, linked)

    visit(0, 0, {}, [])
    return found


def _paths(
    vectors: _Vectors, allowed: Sequence[set[int]], crossovers: int, ratios: Sequence[Sequence[float]]
) -> Iterator[tuple[list[int], float, int]]:
    """Yield vectors by locus with the odds of their changes, and how many there are; no more than `crossovers`."""
    changes = [[(0, 1.0, 0)] for _ in ratios]  # by interval: bits that change, odds, how many
    for interval, odds in enumerate(ratios):
        possible = [bit for bit in range(vectors.meioses) if odds[bit] > 0]
        for count in range(1, crossovers + 1):
            for bits in combinations(possible, count):
                weight = 1.0
                for bit in bits:
                    weight *= odds[bit]
                changes[interval].append((sum(1 << bit for bit in bits), weight, count))
    last = len(allowed) - 1
    # By locus and changes left: the vectors from which the other loci can be reached.
    reach: list[list[set[int]]] = [[set(allowed[last]) for _ in range(crossovers + 1)]]
    for locus in range(last - 1, -1, -1):
        ahead = reach[0]

        def goes_on(vector: int, left: int, locus: int = locus, ahead: list[set[int]] = ahead) -> bool:
            return any(n <= left and vectors.canonical(vector ^ c) in ahead[left - n] for c, _, n in changes[locus])

        reach.insert(0, [{v for v in allowed[locus] if goes_on(v, left)} for left in range(crossovers + 1)])

    def walk(locus: int, path: list[int], odds: float, left: int) -> Iterator[tuple[list[int], float, int]]:
        if locus == last:
            yield path, odds, crossovers - left
            return
        for change, weight, count in changes[locus]:
            following = path[-1] ^ change
            if count <= left and vectors.canonical(following) in reach[locus + 1][left - count]:
                yield from walk(locus + 1, [*path, following], odds * weight, left - count)

    for start in sorted(reach[0][crossovers]):
        yield from walk(0, [start], 1.0, crossovers)


class _Listing:
    """The ways of descent that each locus by itself allows."""

    def __init__(self, family: Family, loci: int, most: int) -> None:
        self.family = family
        self.vectors = _Vectors(family)
        self.allowed = []
        for locus in range(loci):
            self.allowed.append(_allowed_vectors(self.vectors, locus, most))
            if not self.allowed[-1]:
                break
        self.ratios = []
        for interval in range(loci - 1):
            odds = [0.0] * self.vectors.meioses
            for (child, side), bit in self.vectors.bit.items():
                rate = family.rates[child][side][interval]
                odds[bit] = rate / (1 - rate)
            self.ratios.append(odds)

    def paths(self, crossovers: int, most: int) -> list[tuple[list[int], float, int]]:
        """Return vectors by locus, odds, how many recombinations; listing is cheap beside summing: too many are known first."""
        if not self.allowed[-1]:
            return []
        paths = list(islice(_paths(self.vectors, self.allowed, crossovers, self.ratios), most + 1))
        if len(paths) > most:
            raise TooMuchWork
        return paths

    def labels(self, path: Sequence[int]) -> dict[str, Labels]:
        """Return by name the founder chromosomes by locus."""
        by_locus = [self.vectors.labels(vector) for vector in path]
        return {
            name: (tuple(at[name][0] for at in by_locus), tuple(at[name][1] for at in by_locus))
            for name in self.family.people
        }


class _Sums:
    """Sums over the haplotypes on linked founder chromosomes, each kind of link once."""

    def __init__(self, family: Family, weights: Callable[[Pattern], float], loci: int, most: int) -> None:
        self.family = family
        self.weights = weights
        self.loci = loci
        self.most = most
        self._known: dict[tuple[tuple[str, Labels], ...], tuple[float, tuple[int, ...], Table]] = {}

    def components(self, labels: dict[str, Labels]) -> list[tuple[list[int], list[str]]]:
        """Return the chromosomes that typed people link, and these people."""
        groups: list[tuple[set[int], list[str]]] = []
        for name, pairs in self.family.pairs.items():
            own = {side[at] for side in labels[name] for at, pair in enumerate(pairs) if pair is not None}
            if not own:
                continue
            touched = [group for group in groups if group[0] & own]
            groups = [group for group in groups if not group[0] & own]
            groups.append((own.union(*(g[0] for g in touched)), [n for g in touched for n in g[1]] + [name]))
        return [(sorted(chromosomes), names) for chromosomes, names in groups]

    def __call__(self, labels: dict[str, Labels]) -> tuple[float, tuple[Component, ...]]:
        """Return the sum over all haplotypes, and the haplotypes of each component."""
        total, found = 1.0, []
        for _, names in self.components(labels):
            number: dict[int, int] = {}
            renamed = []
            for name in names:
                one, other = (tuple(number.setdefault(c, len(number)) for c in side) for side in labels[name])
                renamed.append((name, (one, other)))
            key = tuple(renamed)
            if key not in self._known:
                self._known[key] = self._summed(key, len(number))
            weight, known, rows = self._known[key]
            if not weight:
                return 0.0, ()
            total *= weight
            chromosomes = list(number)
            found.append(Component(tuple(chromosomes[at] for at in known), rows))
        return total, tuple(found)

    def _summed(self, key: tuple[tuple[str, Labels], ...], count: int) -> tuple[float, tuple[int, ...], Table]:
        """Return the sum over all haplotypes, which chromosomes they are of, and the haplotypes."""
        rows: list[tuple[tuple[int, ...], ...]] = [((),) * count]
        for locus in range(self.loci):
            components: list[_Link] = []
            for name, (one, other) in key:
                pairs = self.family.pairs[name][locus]
                if pairs is not None:
                    linked = _link(components, one[locus], other[locus], pairs, self.most)
                    if linked is None:
                        return 0.0, (), []
                    components = linked
            tail = (UNKNOWN,) * (self.loci - locus - 1)
            following = []
            for parts in product(*(c[1] for c in components)):
                alleles = {
                    ch: a for c, part in zip(components, parts, strict=True) for ch, a in zip(c[0], part, strict=True)
                }
                for row in rows:
                    longer = tuple((*patterns, alleles.get(ch, UNKNOWN)) for ch, patterns in enumerate(row))
                    if all(self.weights(longer[ch] + tail) > 0 for ch in alleles):
                        following.append(longer)
                if len(following) > self.most:
                    raise TooMuchWork
            rows = following
        weighted = []
        for row in rows:
            if not self._phases_fit(key, row):
                continue
            weight = 1.0
            for pattern in row:
                weight *= self.weights(pattern)
            weighted.append((row, weight))
        total = sum(weight for _, weight in weighted)
        if not total > 0:
            return 0.0, (), []
        # A chromosome that someone has only where untyped is not of this set: another set may know it.
        known = tuple(at for at in range(count) if set(weighted[0][0][at]) != {UNKNOWN})
        return total, known, [(tuple([row[at] for at in known]), weight / total) for row, weight in weighted]

    def _phases_fit(self, key: tuple[tuple[str, Labels], ...], row: Sequence[Pattern]) -> bool:
        for name, (one, other) in key:
            for phase in self.family.phases.get(name, ()):
                first = [row[chromosome][at] for at, chromosome in enumerate(one)]
                second = [row[chromosome][at] for at, chromosome in enumerate(other)]
                if not phase.allows(first, second):
                    return False
        return True


def locus_possible(family: Family, locus: int, most: int) -> bool:
    """Whether any inheritance explains the typings at a locus."""
    alone = replace(family, pairs={name: [pairs[locus]] for name, pairs in family.pairs.items()}, phases={})
    return bool(descents(alone, lambda _: 1.0, 1, most_crossovers=1, most=most))


def descents(
    family: Family, weights: Callable[[Pattern], float], loci: int, *, most_crossovers: int, most: int
) -> list[Descent]:
    """List the ways in which the typings of a family can have come about; those of leaves are summed over.

    Args:
        family: Who, and what is known.
        weights: The frequencies of haplotypes.
        loci: How many loci, along the chromosome.
        most_crossovers: Ways with at most one recombination are listed; if there are none, with two, up to so many.
        most: How many steps, haplotypes, and ways are worth the time.

    Returns:
        The ways, the likeliest first; none if the typings contradict each other, or haplotypes have no frequency.

    Raises:
        TooMuchWork: There are more.
    """
    others, every = family.without_leaves(), replace(family, leaves={})
    few = _Listing(others, loci, most)
    most_ways = most // _STEPS_A_WAY
    for crossovers in range(1, most_crossovers + 1):
        # Sums over leaves, one for each way of the others, unless there are not many more ways of all.
        tries = [(family, most_ways)]
        if family.leaves:
            fewest = min(most_ways, _WAYS_A_SUM * len(few.paths(crossovers, most_ways)))
            tries = [(every, fewest), (family, most_ways)]
        for at, (one, ways) in enumerate(tries):
            try:
                listing = few if one is family else _Listing(every, loci, ways * _STEPS_A_WAY)
                found = _summed(one, listing.paths(crossovers, ways), listing, weights, most, crossovers)
                break
            except TooMuchWork:
                if at == len(tries) - 1:
                    raise
        if found:
            return sorted(found, key=lambda one: -one.weight)
    return []


def _summed(
    family: Family,
    paths: Sequence[tuple[list[int], float, int]],
    listing: _Listing,
    weights: Callable[[Pattern], float],
    most: int,
    crossovers: int,
) -> list[Descent]:
    """Return the ways that have haplotypes, with all ways of the leaves."""
    loci = len(listing.allowed)
    sums = _Sums(listing.family, weights, loci, most)
    found = []
    for path, odds, count in paths:
        labels = listing.labels(path)
        total, components = sums(labels)
        if total > 0:
            found.append(Descent(odds * total, labels, components, count))
    return Leaves(family, weights, loci, most)(found, crossovers)
