"""The core's names are the oracle's: what each stands for, is called now, and is reduced to.

What: names of every kind - all groups, first fields, antigens and old names of a release, samples of its alleles, of their
cuts and of multiple allele codes - by `knows`, `expand`, `is_null`, `current_name`, `warnings` and `reduce` at every
level. Why: a name that is read wrongly is wrong for every donor that has it, and no search can show it.
"""

from __future__ import annotations

import random

import pytest

import allomatch
from allomatch import Nomenclature
from allomatch.nomenclature import LEVELS
from reference.names import GENES, parse_name
from reference.nomenclature import Level, Release, TwoField, UnknownNameError
from reference.truth import existing_data_dir, needs_older_releases
from strategies import LOCI, macs, oracle_two_field, two_field_vocabulary, written

OLD_NAME, RENAMED, LEFT_OUT = 220, 221, 222


def samples(release: Release, seed: int) -> list[str]:
    """Names of every kind that a release has or had, and some that it never had."""
    rng = random.Random(seed)
    names = {*release.groups, *(f"{group[:-1]}g" for group in release.groups if group.endswith("P"))}
    first_fields = {parse_name(allele).first_field for allele in release.alleles}
    names |= {f"{field}:{code}" for field in first_fields for code in ("XX", "NEW")}
    names |= {f"{gene}*NEW" for gene in GENES} | {"DRB3*NNNN", "DRBX*NNNN", "DRBX*NEW", "A99", "A*99:XX", "A*98:01g"}
    names |= {antigen for allele in release.alleles for antigen in release.serology.antigens(allele)}
    names |= {str(old) for old in release.old_names}
    for allele in rng.sample(sorted(release.alleles), 1500):
        item = parse_name(allele)
        length = rng.randint(2, len(item.fields))
        stem = f"{item.locus}*{':'.join(item.fields[:length])}"
        names |= {allele, stem, stem + item.suffix, stem + rng.choice("NLSCAQ")}
    table = macs()
    assert table is not None
    for code in rng.sample(sorted(table.codes), 600):
        members = table.members(code)
        first = rng.choice(members).split(":")[0] if ":" in members[0] else rng.choice(["01", "02", "03", "04", "07"])
        names.add(f"{rng.choice(GENES)}*{first}:{code}")
    return sorted(names)


@needs_older_releases
@pytest.mark.parametrize("number", ["3.33.0", "3.50.0", "3.58.0"])
def test_names_of_a_release(number: str) -> None:
    core = Nomenclature.load(number, path=existing_data_dir())
    oracle = Release(existing_data_dir(), number, macs())
    known = 0
    for name in samples(oracle, seed=int(number.split(".")[1])):
        known += same_name(core, oracle, name)
    assert known > 8000


def same_name(core: Nomenclature, oracle: Release | TwoField, name: str, levels: tuple[Level, ...] = LEVELS) -> bool:
    """Asserts that both say the same of a name; whether they know it."""
    try:
        meaning = oracle.meaning(name)
    except UnknownNameError:
        assert not core.knows(name), name
        for ask in (core.expand, core.is_null, core.current_name, lambda text: core.reduce(text, "ard")):
            with pytest.raises(allomatch.TypingError):
                ask(name)
        return False
    assert core.knows(name), name
    assert core.is_null(name) == oracle.is_null(name), name
    assert core.current_name(name) == oracle.current_name(name)
    codes = {warning.code for warning in core.warnings(name)}
    assert bool(codes & {OLD_NAME, RENAMED}) == bool(meaning.warnings), name
    assert (LEFT_OUT in codes) == bool(meaning.dropped), name
    for level in levels:
        assert set(core.reduce(name, level).split("/")) == set(oracle.reduce(name, level).split("/")), (name, level)
    if isinstance(oracle, Release):
        assert set(core.expand(name)) == meaning.members, name
    return True


def test_names_without_data() -> None:
    core, oracle = Nomenclature.two_field(), oracle_two_field()
    assert core.has_macs == (macs() is not None)
    # Without data "serology" gives first fields in the core; they are no antigens, so that level is left out here.
    levels = tuple(level for level in LEVELS if level != "serology")
    for locus in LOCI:
        words = two_field_vocabulary(locus)
        assert all(same_name(core, oracle, written(locus, name), levels) for name in (*words.names, *words.nulls))
        assert not any(same_name(core, oracle, written(locus, name), levels) for name in words.unknown)


def test_every_who_antigen_without_data() -> None:
    core, oracle = Nomenclature.two_field(), oracle_two_field()
    known = 0
    for letters in ("A", "B", "Cw", "DR", "DQ", "DP"):
        for number in (*range(1, 999), 1403, 1404, 2403, 2708, 3901, 3902, 4005, 5102, 5103):
            if number < 1000 or core_reads(f"{letters}{number}"):
                known += same_name(core, oracle, f"{letters}{number}", ("ard",))
    assert known == 131


@pytest.mark.parametrize(
    "antigen", ["A1", "A9", "A19", "A28", "A203", "A2403", "B5", "B15", "B21", "B40", "B70", "B4005"]
)
def test_first_fields_of_antigens_without_data(antigen: str) -> None:
    assert_first_fields(antigen)


@pytest.mark.parametrize("antigen", ["Cw10", "DR1", "DR2", "DR18", "DR51", "DR52", "DR53", "DQ1", "DQ9"])
def test_first_fields_of_other_antigens_without_data(antigen: str) -> None:
    assert_first_fields(antigen)


def assert_first_fields(antigen: str) -> None:
    core, oracle = Nomenclature.two_field(), oracle_two_field()
    locus = parse_name(antigen).locus
    fields = [f"{locus}*{number:02}" for number in range(1, 100)]
    pair = f"{antigen}+{antigen}"
    shared = {f for f in fields if not allomatch.match(pair, f"{f}:XX+{f}:XX", core, [locus]).mismatches}
    assert {f + ":" for f in shared} == oracle.meaning(antigen).open_fields


def core_reads(antigen: str) -> bool:
    try:
        return allomatch.Phenotype(antigen).gl.startswith(antigen)
    except allomatch.TypingError:
        return False
