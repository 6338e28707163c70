"""The roadmap: the patient's own cells, then the family, then the international stem cell bank (SEMANTICS section 6)."""

from allomatch.roadmap.case import Harvest, Patient, Problem, RegistrySource, Relative

__all__ = ["Harvest", "Patient", "Problem", "RegistrySource", "Relative"]
