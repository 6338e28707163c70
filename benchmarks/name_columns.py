"""Columns of names and GL strings: each kind once with every text distinct, once as a registry has it.

What: `distinct(kind, ...)` and `registry(kind, ...)` return an Arrow column of plain text. Invariants: seeded; every text is
known to the release. Why both: a registry repeats itself a thousandfold and allomatch reads a text once, so its column says
what a user waits; the distinct one says what reading costs.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from allomatch import Nomenclature, demo
from allomatch.nomenclature import LOCI
from allomatch.releases import find_release, mac_file, mac_text, release_files
from benchmarks.drawing import SEED

__all__ = ["KINDS", "codes_of", "distinct", "gl_of", "registry"]

KINDS = ("full names", "ambiguous GL strings", "multiple allele codes", "XX codes", "antigens")

_GENES = frozenset(LOCI)
_GL_STRINGS = 30_000
_MOST = 200_000


def full_names(nomenclature: Nomenclature) -> list[str]:
    """Every allele of the eleven loci, as the release lists them."""
    text = release_files(*find_release(nomenclature.release, None))["allele_list"].decode()
    names = [line.split(",")[1] for line in text.splitlines() if line.startswith("HLA")]
    return [name for name in names if name.split("*")[0] in _GENES]


def distinct(kind: str, nomenclature: Nomenclature) -> pa.Array:
    """Distinct texts of a kind, shuffled: all there are, or very many."""
    random = np.random.default_rng(SEED)
    names = full_names(nomenclature)
    if kind == "full names":
        texts = names
    elif kind == "ambiguous GL strings":
        texts = _ambiguous_gl(names, random)
    elif kind == "multiple allele codes":
        texts = _codes(names)
    elif kind == "XX codes":
        texts = sorted({f"{name.split(':')[0]}:XX" for name in names})
    else:
        texts = _antigens(names, nomenclature)
    assert len(set(texts)) == len(texts) > 0
    shuffled = np.array(texts, dtype=object)[random.permutation(len(texts))]
    return pa.array(shuffled[:_MOST], pa.string())


def registry(kind: str, nomenclature: Nomenclature, haplotypes: Mapping[str, demo.Haplotypes], rows: int) -> pa.Array:
    """`rows` texts of a kind, as often as a registry has them.

    GL strings are those of the drawn donors (two-field names, allele strings, G groups) without XX codes: hundreds of groups
    each, which nobody writes out for a whole registry. The others are drawn from the
    distinct ones by Zipf's law, the k-th most frequent in proportion to 1/k: about as skewed as the alleles of a population.
    """
    if kind == "ambiguous GL strings":
        drawn = pa.concat_arrays([gl_of(batch) for batch in demo.draw_donors(haplotypes, 2 * rows, seed=SEED)])
        return drawn.filter(pc.invert(pc.match_substring(drawn, ":XX"))).slice(0, rows)
    texts = distinct(kind, nomenclature)
    weights = 1 / np.arange(1, len(texts) + 1)
    drawn = np.random.default_rng(SEED + 1).choice(len(texts), rows, p=weights / weights.sum())
    return texts.take(pa.array(drawn, pa.int32()))


def _ambiguous_gl(names: list[str], random: np.random.Generator) -> list[str]:
    """Five loci, two positions each of two to five alleles of one first field, in full names."""
    by_field: dict[str, dict[str, list[str]]] = {locus: {} for locus in demo.LOCI}
    for name in names:
        locus, field = name.split("*")[0], name.split(":")[0]
        if locus in by_field:
            by_field[locus].setdefault(field, []).append(name)
    # Slices of the shuffled alleles of a first field: as random as a choice without replacement, and fast to draw.
    fields = {
        locus: [list(random.permutation(group)) for group in groups.values() if len(group) > 4]
        for locus, groups in by_field.items()
    }
    draws = iter(random.random((_GL_STRINGS * 10, 3)))

    def position(locus: str) -> str:
        which, start, size = next(draws)
        group = fields[locus][int(which * len(fields[locus]))]
        first = int(start * (len(group) - 1))
        return "/".join(group[first : first + 2 + int(size * 4)])

    return sorted({"^".join(f"{position(locus)}+{position(locus)}" for locus in demo.LOCI) for _ in range(_GL_STRINGS)})


def _codes(names: list[str]) -> list[str]:
    """Installed codes at loci and first fields where their first member is in the release."""
    path = mac_file()
    if path is None:
        return []
    two_fields = {":".join(name.split(":")[:2]).rstrip("LSCAQ") for name in names if not name.endswith("N")}
    # The loci and first fields that have a member, by what a code calls it: "105N", or "02:105N".
    places: dict[str, list[str]] = {}
    for name in sorted(two_fields):
        field, second = name.split(":")
        places.setdefault(second, []).append(field)
        places.setdefault(f"{field.split('*')[1]}:{second}", []).append(field)
    texts = []
    for line in mac_text(path).decode().splitlines():
        code, _, members = line.lstrip("*\t").partition("\t")
        first = members.split("/")[0].rstrip("LSCAQ")
        if code.isalpha():
            texts += [f"{field}:{code}" for field in places.get(first, ())]
    return texts


def codes_of(members: int) -> dict[str, list[str]]:
    """Installed codes of so many second fields, by each of these; none if there is no table of codes."""
    codes: dict[str, list[str]] = {}
    path = mac_file()
    for line in [] if path is None else mac_text(path).decode().splitlines():
        code, _, text = line.lstrip("*\t").partition("\t")
        fields = text.strip().split("/")
        if code.isalpha() and len(fields) == members and all(field.isdigit() for field in fields):
            for field in fields:
                codes.setdefault(field, []).append(code)
    return codes


def _antigens(names: list[str], nomenclature: Nomenclature) -> list[str]:
    """Every antigen of an allele of the release."""
    reduced = nomenclature.reduce_column(names, "serology").values.dictionary.to_pylist()
    return sorted({antigen for texts in reduced for antigen in texts.split("/") if antigen})


def gl_of(batch: pa.RecordBatch) -> pa.Array:
    """Donors as GL strings, untyped loci left out."""

    def positions(locus: str) -> pa.Array:
        two = [batch.column(f"{locus}_{n}") for n in (1, 2)]
        plain = [column.dictionary_decode() if pa.types.is_dictionary(column.type) else column for column in two]
        second = pc.coalesce(plain[1], plain[0])
        return pc.binary_join_element_wise(plain[0], second, "+")

    parts = [positions(locus) for locus in demo.LOCI]
    return pc.binary_join_element_wise(*parts, "^", null_handling="skip")
