"""Parts of a plan as plain values, for JSON and for the page; ``plan.schema.json`` is their shape."""

from __future__ import annotations

import math
from typing import Any

from allomatch.roadmap.autologous import AutologousAnswer
from allomatch.roadmap.case import Patient, Problem
from allomatch.roadmap.family import FamilyAnswer
from allomatch.roadmap.registry_step import DonorOption, RegistryAnswer
from allomatch.roadmap.steps import Step

__all__ = ["leading", "patient_dict", "problem_dict", "step_dict"]


def within_one(p: float) -> float:
    """Return a probability without what the rounding of sums put beyond 0 or 1.

    Raises:
        AssertionError: More than rounding: something is wrong.
    """
    assert -1e-9 <= p <= 1 + 1e-9, p
    return min(1.0, max(0.0, p))


def leading(step: Step) -> tuple[str, ...]:
    """Return the ids of the options that a step's answer is about, at most ten."""
    detail = step.detail
    if isinstance(detail, AutologousAnswer):
        return tuple(f"harvest {each.number}" for each in detail.harvests if each.answer == "counts")
    if isinstance(detail, FamilyAnswer):
        return step.leading
    if isinstance(detail, RegistryAnswer):
        best = [each for search in detail.searches for each in search.best]
        adults = [each for each in best if each.kind == "adults"]
        if step.answer == "probable donors":
            adults = [each for each in adults if each.probable]
        elif step.answer == "possible donors":
            adults = [each for each in adults if each.possible]
        elif step.answer == "unlikely donors":
            adults = [each for each in adults if each.hit.match.mismatches == 0]
        elif step.answer == "cord blood":
            adults = best
        return tuple(dict.fromkeys(each.hit.donor_id for each in adults))[:10]
    return ()


def patient_dict(patient: Patient, age: float | None) -> dict[str, Any]:
    """Return what the plan says of the patient; the birth date stays in the case."""
    return {
        "phenotype": patient.phenotype.gl,
        "age_years": age,
        "sex": patient.sex,
        # A weight that is no number is named by the problems, and JSON cannot hold it.
        "weight_kg": None if patient.weight_kg is None or not math.isfinite(patient.weight_kg) else patient.weight_kg,
        "cmv": patient.cmv,
        "abo": patient.abo,
        "ethnicities": list(patient.ethnicities),
        "diagnosis": patient.diagnosis,
        "disease_status": patient.disease_status,
    }


def problem_dict(problem: Problem) -> dict[str, str]:
    """Return a problem as plain values."""
    return {
        "code": problem.code,
        "where": problem.where,
        "field": problem.field,
        "value": problem.value,
        "message": problem.message,
    }


def step_dict(step: Step) -> dict[str, Any]:
    """Return a step as plain values."""
    return {
        "name": step.name,
        "title": step.title,
        "answer": step.answer,
        "reasons": list(step.reasons),
        "options": [
            {
                "id": each.id,
                "what": each.what,
                "answer": each.answer,
                "p": None if each.p is None else within_one(each.p),
                "p_of": each.p_of,
                "reasons": list(each.reasons),
            }
            for each in step.options
        ],
        "next": {"p": None if step.chance_next is None else within_one(step.chance_next), "reason": step.next_reason},
        "detail": _detail(step.detail),
    }


def _detail(detail: Any) -> dict[str, Any] | None:
    if isinstance(detail, AutologousAnswer):
        return _autologous(detail)
    if isinstance(detail, FamilyAnswer):
        return _family(detail)
    if isinstance(detail, RegistryAnswer):
        return _registries(detail)
    return None


def _autologous(answer: AutologousAnswer) -> dict[str, Any]:
    row = answer.indication
    return {
        "cd34_e6_per_kg": answer.cd34_e6_per_kg,
        "indication": None
        if row is None
        else {
            "table": row.table,
            "disease": row.disease,
            "name": row.name,
            "status": row.status.name,
            "burden": row.status.burden,
            "autologous": row.autologous,
            "evidence": row.evidence,
            "allogeneic": dict(row.allogeneic),
            "transcription": row.transcription,
            "source": row.source,
            "statements": list(row.statements),
            "note": row.note,
        },
        "harvests": [
            {
                "number": each.number,
                "answer": each.answer,
                "cd34_e6_per_kg": each.cd34_e6_per_kg,
                "reasons": list(each.reasons),
            }
            for each in answer.harvests
        ],
    }


def _family(answer: FamilyAnswer) -> dict[str, Any]:
    return {
        "loci": list(answer.loci),
        "p_any_identical": within_one(answer.p_any_identical),
        "p_any_haploidentical": within_one(answer.p_any_haploidentical),
        "phase_probability": None if answer.phase_probability is None else within_one(answer.phase_probability),
        "patient_haplotypes": None if answer.patient_haplotypes is None else list(answer.patient_haplotypes),
        "haplotypes": dict(answer.haplotype_text),
        "recombination_mass": within_one(answer.recombination_mass),
        "members": [
            {
                "id": each.id,
                "relation": each.relation,
                "sex": each.sex,
                "typed": each.typed,
                "parents": list(each.parents),
                "haplotypes": list(each.haplotypes),
                "category": each.category,
                "shared": each.shared,
                "p_identical": within_one(each.p_identical),
                "p_haploidentical": within_one(each.p_haploidentical),
                "p_other": within_one(each.p_other),
                "p_identical_by_chance": within_one(each.p_identical_by_chance),
                "match": None if each.match is None else each.match.to_dict(),
                "usable": each.usable,
                "reasons": list(each.reasons),
                "warnings": list(each.warnings),
            }
            for each in answer.members
        ],
        "type_first": [
            {
                "id": each.id,
                "p_identical": within_one(each.p_identical),
                "p_haploidentical": within_one(each.p_haploidentical),
                "value": each.value,
                "reason": each.reason,
            }
            for each in answer.type_first
        ],
    }


def _registries(answer: RegistryAnswer) -> dict[str, Any]:
    return {
        "searches": [
            {
                "source": search.source,
                "place": search.place,
                "kind": search.kind,
                "loci": search.loci,
                "asked": search.asked,
                "levels": dict(search.levels),
                "probable": search.probable,
                "reasons": list(search.reasons),
                "best": [_donor(each) for each in search.best],
            }
            for search in answer.searches
        ],
        "requests": [
            {
                "whom": each.whom,
                "donor_id": each.donor_id,
                "source": each.source,
                "locus": each.locus,
                "p_match": each.p_match,
                "p_if_matched": each.p_if_matched,
                "p_locus": each.p_locus,
                "bits": each.bits,
                "reason": each.reason,
            }
            for each in answer.requests
        ],
    }


def _donor(option: DonorOption) -> dict[str, Any]:
    hit = option.hit
    return {
        "donor_id": hit.donor_id,
        "rank": hit.rank + 1,
        "likelihood": hit.likelihood,
        "p_match": None if option.p_match is None else within_one(option.p_match),
        "mismatches": hit.match.mismatches,
        "greatest": hit.match.greatest,
        "by_locus": [
            {
                "locus": each.locus,
                "category": each.category,
                "patient": each.patient,
                "donor": each.donor,
                "mismatches": each.mismatches,
                "greatest": each.greatest,
                "gvh": each.gvh,
                "hvg": each.hvg,
                "p_match": within_one(hit.p_by_locus[each.locus][0]) if each.locus in hit.p_by_locus else None,
            }
            for each in hit.match.loci
        ],
        "attributes": dict(option.attributes),
        "doses": dict(hit.doses),
        "reasons": list(option.reasons),
    }
