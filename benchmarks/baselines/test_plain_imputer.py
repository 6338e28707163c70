"""The plain imputer against every ordered pair of haplotypes, one by one."""

from __future__ import annotations

import numpy as np
import pytest

from .plain_imputer import Haplotype, Person, PlainImputer


def _every_pair(haplotypes: dict[Haplotype, float], person: Person) -> list[float]:
    """The weights of the pairs that explain a person, the greatest first."""
    weights = []
    names = list(haplotypes)
    for i, h in enumerate(names):
        for k in names[i:]:
            if all(
                (a in p[0] and b in p[1]) or (a in p[1] and b in p[0])
                for a, b, p in zip(h, k, person, strict=True)
                if p is not None
            ):
                weights.append((1 if h == k else 2) * haplotypes[h] * haplotypes[k])
    return sorted(weights, reverse=True)


@pytest.mark.parametrize("seed", range(20))
def test_it_finds_every_pair_once(seed: int) -> None:
    random = np.random.default_rng(seed)
    haplotypes = {(f"A{random.integers(5)}", f"B{random.integers(6)}"): float(random.random()) for _ in range(25)}

    def position(letter: str, names: int) -> frozenset[str]:
        return frozenset(f"{letter}{number}" for number in random.integers(names, size=random.integers(1, 4)))

    a = (position("A", 5), position("A", 5))
    b = None if seed % 3 == 0 else (position("B", 6), position("B", 6))
    weights = _every_pair(haplotypes, [a, b])
    total, pairs, best = PlainImputer(haplotypes).impute([a, b], 3)
    assert pairs == len(weights)
    assert total == pytest.approx(sum(weights))
    assert [weight for weight, _, _ in best] == pytest.approx(weights[:3])
