"""Which typing would settle an uncertain donor: for each donor and locus, how much it tells about the match.

Let M be "no mismatch at any locus searched", with probability P, and L "no mismatch at this locus", with probability p. M is only
possible if L holds, so that typing the locus leaves P / p with probability p, and 0 otherwise. What it tells is the mutual
information of M and L in bits: H(P) - p * H(P / p), with H(x) = -x log2 x - (1 - x) log2 (1 - x). A typing names alleles, which
through their haplotypes also tell of the loci beside it: the figure is the least that it tells. docs/roadmap.md derives it.
"""

from __future__ import annotations

import math

__all__ = ["bits_of_typing", "entropy"]


def entropy(p: float) -> float:
    """Return the entropy of a yes or no of probability p, in bits: 0 to 1."""
    return 0.0 if p <= 0.0 or p >= 1.0 else -p * math.log2(p) - (1.0 - p) * math.log2(1.0 - p)


def bits_of_typing(p_match: float, p_locus: float) -> float:
    """Return what typing a locus tells about a whole match, in bits.

    Args:
        p_match: Probability of no mismatch at all, 0 to 1.
        p_locus: Probability of no mismatch at the locus, 0 to 1 and at least `p_match`.

    Returns:
        0 (nothing) to the entropy of the whole match (everything).

    Example:
        >>> round(bits_of_typing(0.5, 0.5), 6), round(bits_of_typing(0.5, 1.0), 6)
        (1.0, 0.0)
    """
    if p_locus <= 0.0:
        return 0.0
    left = min(1.0, p_match / p_locus)
    return max(0.0, entropy(p_match) - p_locus * entropy(left))
