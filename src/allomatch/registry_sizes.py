"""How many donors registries have, of which origin, and how many of them can be had: figures with their sources.

What: the world's donors by year, and the US registry as of the study that the tests of :mod:`allomatch.chances` are held against.
Invariants: every figure says where it is from; what is ours says so, and why. They are defaults to start from: every function
of chances takes the user's own figures instead. Availabilities are shares, 0 to 1.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["US_REGISTRY", "VERSION", "WORLD_DONORS", "Origin", "WorldTotal"]

VERSION = "2026-11"
"""Of the figures of this file; answers that use them name it."""


@dataclass(frozen=True, slots=True)
class WorldTotal:
    """The donors of the world's registries.

    Attributes:
        year: When.
        donors: How many, adults.
        source: Who says so.
    """

    year: int
    donors: int
    source: str


_DUTCH = "Haematologica, Dutch donor searches 2001 to 2012 (haematologica.org/article/view/7936): from 7 to 21 million"
_SWISS = "WMDA, cited by Swiss Transfusion SRC in its annual report"

WORLD_DONORS: tuple[WorldTotal, ...] = (
    WorldTotal(2001, 7_000_000, _DUTCH),
    WorldTotal(2008, 14_000_000, "WMDA annual report (nature.com/articles/bmt20109): over 14 million"),
    WorldTotal(2012, 21_000_000, _DUTCH),
    WorldTotal(2015, 25_000_000, "WMDA and Bone Marrow Donors Worldwide, announcement: 25 million"),
    WorldTotal(2017, 31_000_000, "WMDA total, as this project's specification gives it: 31 million in 2017"),
    WorldTotal(2020, 37_000_000, "World Marrow Donor Day 2020 (dkms.org): 37 million"),
    WorldTotal(
        2021,
        38_000_000,
        'WMDA total, as this project\'s specification gives it: 38 million "now"; the year is ours, by the others',
    ),
    WorldTotal(2022, 42_600_000, f"{_SWISS} 2023: over 42.6 million at the end of 2022"),
    WorldTotal(2023, 44_100_000, f"{_SWISS} 2024: over 44.1 million at the end of 2023"),
)
"""All registries together, rounded as published."""


@dataclass(frozen=True, slots=True)
class Origin:
    """The donors of one broad population in a registry.

    Attributes:
        population: As the frequency tables call it.
        donors: How many.
        availability: Share of those asked who can donate, 0 to 1.
        source: Where both are from.
    """

    population: str
    donors: int
    availability: float
    source: str


_SIZES = (
    "10.5 million adults (Gragert et al., NEJM 2014;371:339, introduction) times the shares that recruiters published of that "
    "registry (gacouncil.org, undated: Caucasian 74 %, Hispanic 10 %, African American 7 %, Asian 7 %, Pacific Islander 0.1 %, "
    "Native American 1 %; 3 % of several origins are left out)"
)
_OURS = (
    "availability is ours: the table of the paper could not be read; half of the donors of European and a quarter of those of "
    "African American origin is what we remember of it, the others lie between, below half for minorities as in Kollman et al., "
    "Transplantation 2004"
)

US_REGISTRY: tuple[Origin, ...] = (
    Origin("CAU", 7_770_000, 0.51, f"{_SIZES}; {_OURS}"),
    Origin("HIS", 1_050_000, 0.29, f"{_SIZES}; {_OURS}"),
    Origin("AFA", 735_000, 0.23, f"{_SIZES}; {_OURS}"),
    Origin("API", 745_500, 0.29, f"{_SIZES}; {_OURS}"),
    Origin("NAM", 105_000, 0.49, f"{_SIZES}; {_OURS}"),
)
"""Adult donors of the US registry about 2012, by the five populations of the frequency tables."""
