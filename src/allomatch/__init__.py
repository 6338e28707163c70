"""allomatch: stem cell donor matching.

From a table of donors to a ranked match list, over tens of millions of donors, in milliseconds. Decision support for
professionals, never a decision.
"""

from allomatch._core import __version__
from allomatch.errors import (
    AllomatchError,
    ArgumentError,
    FileAccessError,
    FileFormatError,
    ReleaseNotFoundError,
    ResourceError,
    TypingError,
)
from allomatch.frequencies import HaplotypeFrequencies
from allomatch.frequency_sets import FrequencySets
from allomatch.match import LocusMatch, Match, match
from allomatch.match_table import MatchTable, match_table
from allomatch.nomenclature import Nomenclature
from allomatch.phenotype import Phenotype
from allomatch.registry import AddReport, Registry
from allomatch.search import Hit, Hits

__all__ = [
    "AddReport",
    "AllomatchError",
    "ArgumentError",
    "FileAccessError",
    "FileFormatError",
    "FrequencySets",
    "HaplotypeFrequencies",
    "Hit",
    "Hits",
    "LocusMatch",
    "Match",
    "MatchTable",
    "Nomenclature",
    "Phenotype",
    "Registry",
    "ReleaseNotFoundError",
    "ResourceError",
    "TypingError",
    "__version__",
    "match",
    "match_table",
]
