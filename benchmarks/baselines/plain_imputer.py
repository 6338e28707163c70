"""An exact imputer in plain Python: a dictionary of sets at each locus, as one would write it in an afternoon.

What: the haplotypes that either position allows at every typed locus, grouped by which of the positions allow them; which groups
go together decides for all their pairs at once. Invariants: exact, nothing is cut; a person's total, number of pairs and best pairs
are allomatch's. Why grouped: walking the pairs one by one takes minutes for a person with XX codes, and would be a straw man.
"""

from __future__ import annotations

import heapq
import itertools
from collections import defaultdict
from collections.abc import Mapping, Sequence

__all__ = ["Haplotype", "Person", "PlainImputer"]

Haplotype = tuple[str, ...]  # one class a locus
Person = Sequence[
    tuple[frozenset[str], frozenset[str]] | None
]  # what each position of each locus allows; None: untyped


class PlainImputer:
    """Imputes one person after the other, in one thread."""

    def __init__(self, haplotypes: Mapping[Haplotype, float]) -> None:
        """Index the haplotypes.

        Args:
            haplotypes: Their frequencies, above 0.
        """
        # The most frequent first: the numbers of any group in order are its haplotypes from best to worst.
        ordered = sorted(haplotypes.items(), key=lambda item: -item[1])
        self.names = [names for names, _ in ordered]
        self._frequencies = [frequency for _, frequency in ordered]
        self._having: list[dict[str, set[int]]] = [defaultdict(set) for _ in self.names[0]]
        for number, names in enumerate(self.names):
            for having, name in zip(self._having, names, strict=True):
                having[name].add(number)

    def impute(self, person: Person, best: int) -> tuple[float, int, list[tuple[float, int, int]]]:
        """Return the sum of all weights, the number of pairs, and the best of them as (weight, haplotype, haplotype)."""
        typed = [(locus, positions) for locus, positions in enumerate(person) if positions is not None]
        groups = self._groups(typed)
        ordered = pairs = alike = 0
        total = 0.0
        found: list[tuple[float, int, int]] = []
        f = self._frequencies
        sums = {ways: sum(f[number] for number in numbers) for ways, numbers in groups.items()}
        for (ways, numbers), (others, partners) in itertools.combinations_with_replacement(groups.items(), 2):
            if not all((a[0] and b[1]) or (a[1] and b[0]) for a, b in zip(ways, others, strict=True)):
                continue
            if ways == others:
                total += sums[ways] ** 2
                ordered += len(numbers) ** 2
                alike += len(numbers)
                # Two alike weigh half of what two unlike do: one place further may come before the best + 1st.
                heads = itertools.combinations_with_replacement(numbers[: best + 1], 2)
            else:
                total += 2 * sums[ways] * sums[others]
                ordered += 2 * len(numbers) * len(partners)
                heads = itertools.product(numbers[:best], partners[:best])
            found += [((1 if h == k else 2) * f[h] * f[k], h, k) for h, k in heads]
        pairs = (ordered + alike) // 2
        return total, pairs, heapq.nlargest(best, found)

    def _groups(
        self, typed: Sequence[tuple[int, tuple[frozenset[str], frozenset[str]]]]
    ) -> dict[tuple[tuple[bool, bool], ...], list[int]]:
        """Candidates, best first, by whether the first and the second position of each typed locus allow them."""
        candidates: set[int] | None = None
        for locus, (first, second) in typed:
            having = self._having[locus]
            here = set().union(*(having[name] for name in first | second if name in having))
            candidates = here if candidates is None else candidates & here
        numbers = range(len(self.names)) if candidates is None else sorted(candidates)
        groups: dict[tuple[tuple[bool, bool], ...], list[int]] = defaultdict(list)
        for number in numbers:
            names = self.names[number]
            groups[tuple((names[locus] in first, names[locus] in second) for locus, (first, second) in typed)].append(
                number
            )
        return groups
