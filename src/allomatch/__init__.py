"""allomatch: stem cell donor matching.

From a table of donors to a ranked match list, over tens of millions of donors, in milliseconds. Decision support for
professionals, never a decision.
"""

from allomatch import chances
from allomatch._core import __version__
from allomatch.carried import not_carried
from allomatch.errors import (
    AllomatchError,
    ArgumentError,
    FileAccessError,
    FileFormatError,
    ReleaseNotFoundError,
    ResourceError,
    TypingError,
)
from allomatch.estimation import Estimate, Iteration, estimate_frequencies
from allomatch.frequencies import HaplotypeFrequencies
from allomatch.frequency_sets import FrequencySets
from allomatch.imputation import Imputation, ImputedTable, impute, impute_table
from allomatch.match import LocusMatch, Match, match
from allomatch.match_table import MatchTable, match_table
from allomatch.nomenclature import Nomenclature
from allomatch.phenotype import Phenotype
from allomatch.prediction import LocusPrediction, MatchPrediction, PredictionTable, predict, predict_table
from allomatch.ranking import PatientFactors, RankingPolicy
from allomatch.registry import AddReport, Registry
from allomatch.search import Hit, Hits

__all__ = [
    "AddReport",
    "AllomatchError",
    "ArgumentError",
    "Estimate",
    "FileAccessError",
    "FileFormatError",
    "FrequencySets",
    "HaplotypeFrequencies",
    "Hit",
    "Hits",
    "Imputation",
    "ImputedTable",
    "Iteration",
    "LocusMatch",
    "LocusPrediction",
    "Match",
    "MatchPrediction",
    "MatchTable",
    "Nomenclature",
    "PatientFactors",
    "Phenotype",
    "PredictionTable",
    "RankingPolicy",
    "Registry",
    "ReleaseNotFoundError",
    "ResourceError",
    "TypingError",
    "__version__",
    "chances",
    "estimate_frequencies",
    "impute",
    "impute_table",
    "match",
    "match_table",
    "not_carried",
    "predict",
    "predict_table",
]
