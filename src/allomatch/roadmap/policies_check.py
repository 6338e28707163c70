"""Whether rules can be used: of the shape of ``policies.schema.json``, and of one mind with themselves.

The schema says which rules there are and what kind of value each has; it is published so that an editor can check a file too, and
read here by the few words of JSON Schema that it uses, so that the package needs no validator. What a schema cannot say follows:
names that must exist elsewhere, limits in order, rows that would be found twice. Every error names the place, the value and the
remedy.
"""

from __future__ import annotations

import difflib
import functools
import json
import math
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from allomatch.cord import CORD_PRESETS
from allomatch.errors import AllomatchError, from_code, problem
from allomatch.match import PRESETS
from allomatch.ranking import RankingPolicy
from allomatch.roadmap.family_answer import FamilyPolicy

__all__ = ["check_policies", "plain_text"]

_SCHEMA = Path(__file__).with_name("policies.schema.json")
_COPY = "begin with a copy of the shipped policies.json"
_SOURCE = "write where it comes from, or 'ours'"
_KINDS = {
    "object": "a mapping",
    "array": "a list",
    "string": "a text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "null": "null",
}


def check_policies(values: object) -> None:
    """Raise ArgumentError unless rules can be used.

    Args:
        values: All of them, as ``policies.json`` has them.
    """
    schema = _schema()
    _check(values, schema, "policies", schema["$defs"])
    if isinstance(values, Mapping):  # it is: the schema says so
        _check_indications(values["indications"])
        _check_rules(values)


def plain_text(text: str) -> str:
    r"""Make texts that differ in case, blanks and kinds of dash the same.

    Example:
        >>> plain_text("CR1  (MRD\u2013)") == plain_text("cr1 (mrd-)")
        True
    """
    for sign, plain in (("\u2013", "-"), ("\u2212", "-"), ("\u2265", ">=")):
        text = text.replace(sign, plain)
    return " ".join(text.casefold().split())


@functools.cache
def _schema() -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(_SCHEMA.read_text(encoding="utf-8"))
    return schema


# --- the shape ---


def _check(value: object, schema: Mapping[str, Any], where: str, parts: Mapping[str, Any]) -> None:
    """Hold a value against a part of the schema."""
    if "$ref" in schema:
        schema = parts[schema["$ref"].rpartition("/")[2]]
    if "enum" in schema:
        if not isinstance(value, str) or value not in schema["enum"]:
            raise problem("InvalidArgument", f"{where} is {value!r:.60}; it may be {', '.join(schema['enum'])}")
        return
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if not any(_is(value, kind) for kind in kinds):
        raise problem("WrongType", f"{where} is {value!r:.60}; {' or '.join(_KINDS[k] for k in kinds)} is needed")
    if isinstance(value, Mapping):
        _check_names(value, schema, where)
        for name, each in value.items():
            _check(
                each, schema.get("properties", {}).get(name, schema["additionalProperties"]), f"{where}.{name}", parts
            )
    elif isinstance(value, (list, tuple)):
        least, most = schema.get("minItems", 0), schema.get("maxItems", math.inf)
        if not least <= len(value) <= most:
            wanted = f"{least}" if least == most else f"{least} or more"
            raise problem("InvalidArgument", f"{where} is {value!r:.60}, a list of {len(value)}; {wanted} are needed")
        for number, each in enumerate(value):
            _check(each, schema["items"], f"{where}[{number}]", parts)
    elif isinstance(value, str):
        if "pattern" in schema and not re.search(schema["pattern"], value):
            raise problem("InvalidArgument", f"{where} is {value!r}; a text is needed that is not blank")
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        _check_range(value, schema, where)


def _is(value: object, kind: str) -> bool:
    types: dict[str, type | tuple[type, ...]] = {
        "object": Mapping,
        "array": (list, tuple),
        "string": str,
        "number": (int, float),
        "integer": int,
        "boolean": bool,
        "null": type(None),
    }
    return isinstance(value, types[kind]) and (kind == "boolean" or not isinstance(value, bool))


def _check_names(value: Mapping[Any, Any], schema: Mapping[str, Any], where: str) -> None:
    known = schema.get("properties", {})
    for name in value:
        if not isinstance(name, str) or not name.strip():
            raise problem("WrongType", f"{where} has the name {name!r}; names are texts that are not blank")
        if not schema["additionalProperties"] and name not in known:
            near = difflib.get_close_matches(name, known, 1)
            remedy = f"did you mean {near[0]!r}?" if near else f"it may have {', '.join(known)}"
            raise problem("InvalidArgument", f"{where} has {name!r:.60}, which is no rule of that place; {remedy}")
    for name in schema.get("required", ()):
        if name not in value:
            remedy = _SOURCE if name == "source" else _COPY
            raise problem(
                "InvalidArgument", f"{where} has no {name!r}; it needs {', '.join(schema['required'])}: {remedy}"
            )


def _check_range(value: float, schema: Mapping[str, Any], where: str) -> None:
    least, above, most = schema.get("minimum"), schema.get("exclusiveMinimum"), schema.get("maximum")
    try:
        fits = math.isfinite(value)
    except OverflowError:
        fits = False
    if not fits or not (
        (least is None or value >= least) and (above is None or value > above) and (most is None or value <= most)
    ):
        lower = f"more than {above}" if least is None else f"{least} or more"
        upper = "" if most is None else f" and at most {most}"
        raise problem("ValueOutOfRange", f"{where} is {value!r:.60}; it must be {lower}{upper}")


# --- what a schema cannot say ---


def _check_indications(values: Mapping[str, Any]) -> None:
    for table, diseases in values["tables"].items():
        where = f"policies.indications.tables.{table}"
        _check_unique(((key, [key, one["name"], *one["synonyms"]]) for key, one in diseases.items()), where, "disease")
        for key, one in diseases.items():
            place = f"{where}.{key}"
            named = ((row["status"], [row["status"], *row.get("synonyms", ())]) for row in one["rows"])
            _check_unique(named, place, "status")
            for number, row in enumerate(one["rows"]):
                _check_row(row, f"{place}.rows[{number}]", values)


def _check_unique(named: Iterable[tuple[str, list[str]]], where: str, what: str) -> None:
    """Refuse words that would find two things: nobody could say which was meant."""
    seen: dict[str, int] = {}
    for number, (name, words) in enumerate(named):
        for word in words:
            if seen.setdefault(plain_text(word), number) != number:
                raise problem("InvalidArgument", f"{where}: {word!r}, of {name!r}, names another {what} too; keep one")


def _check_row(row: Mapping[str, Any], where: str, values: Mapping[str, Any]) -> None:
    sources = values["sources"]
    for name in (row["source"], *(each["source"] for each in row.get("statements", ()))):
        if name not in sources:
            raise problem(
                "InvalidArgument",
                f"{where}: source is {name!r}, which policies.indications.sources does not have; it has {', '.join(sources)}",
            )
    wanted = "read" if sources[row["source"]]["standing"] == "table" else "stated"
    if row["transcription"] != wanted:
        raise problem(
            "InvalidArgument",
            f"{where}: transcription is {row['transcription']!r}; of a source like {row['source']!r} it is {wanted!r}",
        )
    if row["autologous"] is not None:
        _check_grade(row["autologous"], f"{where}.autologous", values)
    for kind, grades in row.get("allogeneic", {}).items():
        for grade in grades.split(" or "):
            _check_grade(grade, f"{where}.allogeneic.{kind}", values)


def _check_grade(text: str, where: str, values: Mapping[str, Any]) -> None:
    grade, slash, evidence = text.partition("/")
    if grade not in values["grades"]:
        raise problem("InvalidArgument", f"{where} is {text!r}; the grades are {', '.join(values['grades'])}")
    if slash and evidence not in values["evidence"]:
        levels = ", ".join(values["evidence"])
        raise problem("InvalidArgument", f"{where} is {text!r}; the levels of evidence are {levels}")


def _check_rules(values: Mapping[str, Any]) -> None:
    own, registries = values["autologous"], values["registries"]
    for part, name in (("autologous", "weight_kg"), ("registries", "adult_age_years")):
        least, most = values[part][name]["value"]
        if not least < most:
            where = f"policies.{part}.{name}.value"
            raise problem("InvalidArgument", f"{where} is {[least, most]}; the least comes first, then the most")
    least, preferred = (own[f"{name}_cd34_e6_per_kg"]["value"] for name in ("min", "preferred"))
    if least > preferred:
        where = "policies.autologous.preferred_cd34_e6_per_kg.value"
        raise problem(
            "InvalidArgument", f"{where} is {preferred!r}, less than the least dose, {least!r}; it must not be"
        )
    grades = values["indications"]["grades"]
    _same(grades, own["answers"]["value"], "policies.autologous.answers.value", "one for each of the grades")
    _known(own["other_doses"]["value"], own["sources"]["value"], "policies.autologous.other_doses.value")
    _known(
        registries["levels"]["value"], [name for name in PRESETS if name != "6/6"], "policies.registries.levels.value"
    )
    _known(registries["cord"]["value"], CORD_PRESETS, "policies.registries.cord.value")
    words: Iterable[tuple[str, list[str]]] = ((word, [word]) for word in values["statuses"]["values"])
    _check_unique(words, "policies.statuses.values", "status")
    try:
        RankingPolicy.from_dict(registries["ranking"]["value"])
    except AllomatchError as failure:
        raise from_code(failure.code, f"policies.registries.ranking.value: {failure}") from failure
    family = dict(values["family"])
    try:
        FamilyPolicy(**{**family, "sources": tuple(family["sources"])})
    except AllomatchError as failure:
        raise from_code(failure.code, f"policies.family: {failure}") from failure


def _known(names: Iterable[str], known: Iterable[str], where: str) -> None:
    for name in names:
        if name not in known:
            raise problem("InvalidArgument", f"{where} has {name!r}; known are {', '.join(known)}")


def _same(wanted: Iterable[str], given: Mapping[str, Any], where: str, what: str) -> None:
    missing = [name for name in wanted if name not in given]
    if missing:
        raise problem("InvalidArgument", f"{where} has no {missing[0]!r}; {what} is needed")
    _known(given, wanted, where)
