"""How probable it is that a donor of a population has at most k mismatches with a given genotype, exactly.

What: a :class:`DonorIndex` holds the haplotypes of one population over the loci that are compared, in sorted tables, and answers
for many patient genotypes at once. Invariants: a donor is two haplotypes drawn independently (Hardy-Weinberg); mismatches
are those of SEMANTICS section 2, both directions at once, a donor's null allele making the locus homozygous for the other; nothing
is cut off, so that a probability has no error but that of doubles (below 1e-15 absolutely).

Why this way: of a haplotype only its *pattern* matters: at each locus the patient's first allele, the second, a null, or
another. A haplotype with another allele at a locus has a mismatch there whatever its partner is, so those with more than k can be
left aside. The weight of every other pattern is found by looking up at most 3^n keys in the table of whole haplotypes, and
for "another" at some loci in tables summed over these, less what the patient's alleles hold there. So a genotype costs some hundred
searches instead of a walk over all haplotypes. Pairs of patterns need no double loop: mismatches add over loci, so one
sum a locus after the other, by number of mismatches, gives the distribution.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from allomatch.carried import Carried
from allomatch.errors import problem

__all__ = ["HETEROZYGOUS", "HOMOZYGOUS", "MOST_LOCI", "NOTHING", "DonorIndex", "is_null"]

Numbers = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]

HETEROZYGOUS, HOMOZYGOUS, NOTHING = 0, 1, 2
"""What a patient expresses at a locus: two alleles, one, none."""

MOST_LOCI = 7
"""More loci would need tables of 4^8 patterns a genotype."""

_OTHER, _FIRST, _SECOND, _NULL = range(4)
_ROUNDING = 1e-9  # of sums in another order
_BATCH = 256  # genotypes at a time: some 10 MB of patterns over six loci


def is_null(name: str) -> bool:
    """Whether a class has no protein: a null allele, or absence at DRB345 (docs/prediction.md)."""
    return name.endswith("N")


def _mismatches(kind: int, one: int, other: int) -> int:
    """Count the mismatches of a patient and a donor whose haplotypes have these codes (SEMANTICS section 2)."""
    donor = [code for code in (one, other) if code != _NULL]
    if kind == NOTHING or not donor:
        return 0 if kind == NOTHING and not donor else 2
    a, b = donor if len(donor) == 2 else donor * 2
    p, q = (_FIRST, _SECOND) if kind == HETEROZYGOUS else (_FIRST, _FIRST)
    return 2 - max((p == a) + (q == b), (p == b) + (q == a))


# By what the patient expresses, the codes of both haplotypes, and the number of mismatches: 1 where they have so many.
_HAS = np.array(
    [
        [[[_mismatches(kind, one, other) == count for count in range(3)] for other in range(4)] for one in range(4)]
        for kind in range(3)
    ],
    dtype=np.float64,
)


class DonorIndex:
    """The haplotypes of a population, by class, for looking up patterns.

    Attributes:
        loci: The loci compared.
        names: The expressed classes of each locus, by number; the number after them stands for any null, the next for a class
            that no haplotype has.
        lost: Share of the haplotypes that cannot be carried to single ARD groups.
    """

    def __init__(self, carried: Carried, loci: Sequence[str], total: float) -> None:
        """Index a carried set.

        Args:
            carried: A set over the loci, from :func:`allomatch.carried.carry`.
            loci: Its loci, in the order of genotypes.
            total: What the frequencies of the whole population sum to, those included that cannot be carried; donors of these
                match no one.

        Raises:
            ArgumentError: Too many loci, or the frequencies sum to 0.
        """
        if len(loci) > MOST_LOCI:
            raise problem("InvalidArgument", f"{len(loci)} loci are asked for; chances are of at most {MOST_LOCI}")
        if not total > 0:
            raise problem("InvalidArgument", f"the frequencies of {carried.population} sum to 0; nobody has them")
        core = carried.core
        order = [core.loci.index(locus) for locus in loci]
        self.loci = tuple(loci)
        self.names = [core.names()[at] for at in order]
        classes = core.classes(np.arange(len(core), dtype=np.uint32))[:, order].astype(np.int32)
        frequencies = np.asarray(core.frequencies, np.float64)
        held = frequencies > 0
        if not held.any():
            raise problem(
                "InvalidArgument",
                f"no haplotype of {carried.population} can be carried to ARD groups; not_carried() says why",
            )
        self._weights: Values = frequencies[held] / total
        self._classes = classes[held]
        missing = 1.0 - float(self._weights.sum())
        self.lost = missing if missing > _ROUNDING else 0.0
        self._has_null: list[bool] = []
        for at, names in enumerate(self.names):
            null = np.array([is_null(name) for name in names], dtype=bool)[self._classes[:, at]]
            self._classes[null, at] = len(names)
            self._has_null.append(bool(null.any()))
        sizes = [len(names) + 2 for names in self.names]
        self._strides = [int(np.prod(sizes[at + 1 :], dtype=object)) for at in range(len(sizes))]
        if self._strides[0] * sizes[0] >= 1 << 62:
            raise problem("InvalidArgument", f"{', '.join(loci)} have too many names together; ask for fewer loci")
        self._tables: dict[tuple[int, ...], tuple[Numbers, Values]] = {}

    def numbers(self, names: Sequence[Sequence[str]]) -> list[Numbers]:
        """Return for each locus the numbers of names here: nulls as one, those that no donor has as another."""
        found = []
        for own, theirs in zip(self.names, names, strict=True):
            number = {name: at for at, name in enumerate(own)}
            absent = len(own) + 1
            found.append(
                np.array([len(own) if is_null(name) else number.get(name, absent) for name in theirs], dtype=np.int64)
            )
        return found

    def at_most(self, k: int, genotypes: Numbers, names: Sequence[Sequence[str]]) -> Values:
        """Return the probability that a donor has at most k mismatches.

        Args:
            k: 0 or more.
            genotypes: Of patients, shape (m, loci, 2): indices into ``names``.
            names: Class names of each locus.

        Returns:
            Shape (m,), 0..1.
        """
        here = [numbers[genotypes[:, at]] for at, numbers in enumerate(self.numbers(names))]
        numbers = np.stack(here, axis=1) if here else np.zeros((len(genotypes), 0, 2), np.int64)
        nulls = np.stack(
            [
                np.array([is_null(name) for name in theirs], dtype=bool)[genotypes[:, at]]
                for at, theirs in enumerate(names)
            ],
            axis=1,
        )
        same = numbers[:, :, 0] == numbers[:, :, 1]  # a name may be listed twice
        absent = np.array([len(own) + 1 for own in self.names])
        first = np.where(nulls[:, :, 0], numbers[:, :, 1], numbers[:, :, 0])
        second = np.where(nulls.any(axis=2) | same, absent, numbers[:, :, 1])
        nothing = nulls.all(axis=2)
        first = np.where(nothing, absent, first)
        kinds = np.where(nothing, NOTHING, np.where(nulls.any(axis=2) | same, HOMOZYGOUS, HETEROZYGOUS))
        result = np.empty(len(genotypes))
        for start in range(0, len(genotypes), _BATCH):
            part = slice(start, start + _BATCH)
            result[part] = self._at_most(k, first[part], second[part], kinds[part])
        return np.clip(result, 0.0, 1.0)

    def _at_most(self, k: int, first: Numbers, second: Numbers, kinds: Numbers) -> Values:
        weights, codes = self._patterns(k, first, second)
        size = len(first)
        flat = weights.reshape(size, -1)
        # By number of mismatches so far: sums over the patterns of the second haplotype, locus after locus. The axis summed over
        # is the first and comes back as the last one, so that after all loci they stand as before.
        sums: list[Values | None] = [flat, *[None] * k]
        for at, present in enumerate(codes):
            has = _HAS[kinds[:, at]][:, present][:, :, present]
            parts = [None if each is None else each.reshape(size, len(present), -1) for each in sums]
            sums = []
            for count in range(k + 1):
                added = [
                    has[:, :, :, here] @ part
                    for here in range(min(2, count) + 1)
                    if (part := parts[count - here]) is not None
                ]
                sums.append(np.ascontiguousarray(sum(added[1:], added[0]).transpose(0, 2, 1)) if added else None)
        result = np.zeros(size)
        for each in sums:
            if each is not None:
                result += np.einsum("bx,bx->b", flat, each.reshape(size, -1))
        return result

    def _patterns(self, k: int, first: Numbers, second: Numbers) -> tuple[Values, list[list[int]]]:
        """Return the weight of every pattern: one axis a locus, and the codes along it.

        That of patterns with more than k other alleles means nothing, and has no part in at most k mismatches.
        """
        loci = range(len(self.loci))
        codes = [
            [*([_OTHER] if k > 0 else []), _FIRST, _SECOND, *([_NULL] if has_null else [])]
            for has_null in self._has_null
        ]
        named = [
            np.stack(
                [
                    first[:, at],
                    second[:, at],
                    *([np.full(len(first), len(self.names[at]))] if self._has_null[at] else []),
                ],
                axis=1,
            )
            for at in loci
        ]
        weights = np.zeros((len(first), *map(len, codes)))
        for many in range(min(k, len(self.loci)) + 1):
            for free in combinations(loci, many):
                keys: Any = np.zeros(len(first), np.int64)
                for at in loci:
                    if at not in free:
                        numbers = named[at] * self._strides[at]
                        keys = keys[..., None] + numbers.reshape(len(first), *[1] * (keys.ndim - 1), -1)
                where = (slice(None), *(0 if at in free else slice(1 if k > 0 else 0, None) for at in loci))
                weights[where] = self._look_up(free, keys)
        if k > 0:
            for at in loci:
                axis = np.moveaxis(weights, at + 1, 0)
                axis[0] -= axis[1:].sum(axis=0)
        return weights, codes

    def _look_up(self, free: tuple[int, ...], keys: Numbers) -> Values:
        known, sums = self._table(free)
        at = np.minimum(np.searchsorted(known, keys), len(known) - 1)
        return np.where(known[at] == keys, sums[at], 0.0)

    def _table(self, free: tuple[int, ...]) -> tuple[Numbers, Values]:
        """Return the haplotypes summed over some loci: sorted keys, and their weights."""
        if free not in self._tables:
            keys = np.zeros(len(self._classes), np.int64)
            for at, stride in enumerate(self._strides):
                if at not in free:
                    keys += self._classes[:, at].astype(np.int64) * stride
            known, group = np.unique(keys, return_inverse=True)
            self._tables[free] = known, np.asarray(np.bincount(group, weights=self._weights), np.float64)
        return self._tables[free]
