"""The roadmap: the patient's own cells, then the family, then the international stem cell bank (SEMANTICS section 6)."""

from allomatch.roadmap.case import Harvest, Patient, Problem, RegistrySource, Relative
from allomatch.roadmap.plan import Plan, Roadmap
from allomatch.roadmap.policies import Policies
from allomatch.roadmap.steps import Option, Step

__all__ = [
    "Harvest",
    "Option",
    "Patient",
    "Plan",
    "Policies",
    "Problem",
    "RegistrySource",
    "Relative",
    "Roadmap",
    "Step",
]
