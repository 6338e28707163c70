"""Who may use whom (docs/architecture.md): each file may include or import only what its layer allows."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# Concept -> concepts that it may use, directly. Private headers of the core belong to the concept that they serve.
CORE = {
    "error": set(),
    "kernels": set(),
    "kernel_choice": {"error", "kernels"},
    "mapped_file": {"error"},
    "parallel_for": {"error"},
    "name": {"error"},
    "nomenclature": {"error", "kernel_choice", "kernels", "mapped_file", "name", "parallel_for"},
    "text_column": set(),
    "pair_table": set(),
    "text_table": set(),
    "marks": set(),
    "packed_rows": set(),
    "phenotype": {"error", "nomenclature", "name"},
    "reduce": {"error", "nomenclature", "parallel_for", "phenotype", "text_column", "text_table"},
    "match": {"phenotype"},
    "typing_interner": {"error", "pair_table", "phenotype", "text_table"},
    "detail": {
        "error",
        "match",
        "nomenclature",
        "parallel_for",
        "phenotype",
        "text_column",
        "text_table",
        "typing_interner",
    },
    "registry": {
        "error",
        "kernel_choice",
        "kernels",
        "mapped_file",
        "marks",
        "parallel_for",
        "nomenclature",
        "packed_rows",
        "phenotype",
        "text_column",
        "text_table",
        "typing_interner",
    },
    "em": {"error", "haplotypes", "parallel_for", "prediction"},
    "filter": {"error", "registry"},
    "haplotypes": {"error", "name", "nomenclature", "phenotype"},
    "prediction": {"error", "haplotypes", "match", "nomenclature", "parallel_for", "phenotype"},
    "hits": {"detail", "prediction", "registry", "search"},
    "search": {
        "error",
        "filter",
        "kernel_choice",
        "kernels",
        "marks",
        "packed_rows",
        "parallel_for",
        "match",
        "registry",
    },
}
ROOMS = {
    "registry": {
        "donors",
        "registry_builder",
        "registry_writer",
        "row_warnings",
        "segment",
        "segment_format",
        "typing_classes",
    },
    "filter": {"filter_program", "filter_text"},
    "detail": {"detail_facts", "detail_table", "two_way"},
    "em": {"em_people", "em_step"},
    "haplotypes": {"consistency", "haplotype_rows", "haplotype_walk"},
    "prediction": {
        "cell_pairs",
        "imputation",
        "match_symbols",
        "patient_prediction",
        "positions",
        "predicted_person",
        "prediction_table",
    },
    "search": {
        "hit_filter",
        "hit_list",
        "hit_report",
        "postings_walk",
        "rows_below",
        "trie_walk",
        "typings_of_positions",
        "verdicts",
    },
    "nomenclature": {
        "group_space",
        "level_names",
        "epitopes",
        "mac",
        "reducer",
        "release_cache",
        "release_files",
        "release_tables",
        "who_serology",
    },
    "phenotype": {"drb345", "phenotype_text"},
    "typing_interner": {"drb345_rows"},
    "kernels": {"scalar", "avx2", "avx512", "crc32c_sse42"},
    "kernel_choice": {"dispatch"},
}
FACE = {
    "errors": set(),
    "releases": {"errors"},
    "nomenclature": {"errors", "releases"},
    "install": {"errors", "releases"},
    "notebook": {"report_text"},
    "phenotype": {"errors", "nomenclature", "notebook"},
    "detail": set(),
    "match": {"detail", "errors", "nomenclature", "notebook", "phenotype"},
    "people": {"errors", "phenotype"},
    "match_table": {"detail", "errors", "match", "nomenclature", "people", "phenotype"},
    "carried": {"errors", "frequencies", "nomenclature", "people"},
    "imputation": {"carried", "errors", "match", "nomenclature", "people", "phenotype"},
    "positions": {"detail"},
    "prediction": {"carried", "errors", "match", "nomenclature", "notebook", "people", "phenotype", "positions"},
    "donor_columns": {"errors", "nomenclature", "serology"},
    "filter": {"errors"},
    "cord": {"errors", "filter", "match"},
    "serology": {"errors", "nomenclature", "phenotype"},
    "ranking": {"detail", "errors"},
    "ranked_hits": {
        "carried",
        "errors",
        "filter",
        "frequencies",
        "frequency_sets",
        "nomenclature",
        "phenotype",
        "ranking",
    },
    "search": {
        "cord",
        "errors",
        "filter",
        "match",
        "nomenclature",
        "notebook",
        "phenotype",
        "positions",
        "ranked_hits",
        "ranking",
    },
    "registry": {
        "donor_columns",
        "people",
        "carried",
        "frequencies",
        "frequency_sets",
        "ranked_hits",
        "ranking",
        "cord",
        "errors",
        "filter",
        "match",
        "nomenclature",
        "phenotype",
        "search",
        "serology",
    },
    "formats": {"errors", "releases"},
    "frequency_table": {"errors", "nomenclature"},
    "frequency_files": {"errors", "formats", "frequency_table", "releases"},
    "frequency_cache": {"errors", "formats", "releases"},
    "frequencies": {"errors", "frequency_cache", "frequency_files", "frequency_table", "nomenclature"},
    "frequency_sets": {"errors", "frequencies", "frequency_table", "releases"},
    "estimation_checkpoint": {"errors", "formats", "releases"},
    "estimation": {
        "carried",
        "errors",
        "estimation_checkpoint",
        "frequencies",
        "match",
        "nomenclature",
        "people",
        "phenotype",
    },
    "report_text": set(),
    "report_pedigree": {"report_text"},
    "report": {"report_pedigree", "report_text"},
    "registry_sizes": set(),
    "chances_donors": {"carried", "errors"},
    "chances_patients": {"carried", "errors", "nomenclature", "phenotype"},
    "chances_results": {"errors"},
    "chances_question": {
        "carried",
        "chances_donors",
        "chances_patients",
        "chances_results",
        "errors",
        "frequencies",
        "match",
        "nomenclature",
        "phenotype",
    },
    "chances": {
        "carried",
        "chances_question",
        "chances_results",
        "errors",
        "frequencies",
        "nomenclature",
        "phenotype",
        "registry_sizes",
    },
    "chances_plot": {"chances_results", "errors", "formats"},
    "roadmap": {
        "carried",
        "chances",
        "cord",
        "detail",
        "errors",
        "formats",
        "frequencies",
        "frequency_sets",
        "imputation",
        "match",
        "nomenclature",
        "phenotype",
        "prediction",
        "ranking",
        "registry",
        "releases",
        "report",
        "search",
    },
    "demo": set(),
    "console": set(),
    "cli_nomenclature": {"console", "errors", "install", "nomenclature", "releases"},
    "cli_match": {
        "cli_nomenclature",
        "console",
        "errors",
        "formats",
        "match",
        "match_table",
        "nomenclature",
        "phenotype",
    },
    "cli_estimate": {
        "cli_nomenclature",
        "console",
        "errors",
        "estimation",
        "formats",
        "frequencies",
        "frequency_files",
        "match",
    },
    "cli_chances": {
        "chances",
        "chances_plot",
        "cli_nomenclature",
        "console",
        "frequencies",
        "match",
    },
    "cli_frequencies": {"carried", "cli_nomenclature", "console", "errors", "frequencies", "frequency_files"},
    "cli_prediction": {
        "carried",
        "nomenclature",
        "imputation",
        "cli_nomenclature",
        "console",
        "errors",
        "formats",
        "frequencies",
        "frequency_sets",
        "match",
        "prediction",
        "search",
    },
    "cli_roadmap": {
        "cli_nomenclature",
        "cli_prediction",
        "console",
        "demo",
        "errors",
        "formats",
        "frequencies",
        "frequency_sets",
        "nomenclature",
        "registry",
        "roadmap",
    },
    "__main__": {"cli"},
    "cli_registry": {"cli_nomenclature", "console", "errors", "formats", "registry"},
    "cli_search": {
        "cli_nomenclature",
        "cli_prediction",
        "console",
        "cord",
        "errors",
        "match",
        "phenotype",
        "ranking",
        "registry",
        "search",
    },
    "cli": {
        "cli_chances",
        "cli_estimate",
        "cli_frequencies",
        "cli_match",
        "cli_nomenclature",
        "cli_prediction",
        "cli_registry",
        "cli_roadmap",
        "cli_search",
        "console",
        "demo",
        "errors",
        "phenotype",
        "registry",
    },
    "__init__": {
        "carried",
        "chances",
        "errors",
        "estimation",
        "frequencies",
        "frequency_sets",
        "imputation",
        "match",
        "match_table",
        "nomenclature",
        "phenotype",
        "prediction",
        "ranking",
        "registry",
        "search",
    },
}


def concept_of(stem: str) -> str:
    return next((concept for concept, rooms in ROOMS.items() if stem in rooms), stem)


@pytest.mark.parametrize("path", sorted((ROOT / "csrc").glob("[is][nr]*/**/*.[chi]*")), ids=lambda path: path.name)
def test_core_includes(path: Path) -> None:
    concept = concept_of(path.stem)
    for quoted in re.findall(r'#include "(.+?)"', path.read_text()):
        used = concept_of(Path(quoted).stem)
        assert used == concept or used in CORE[concept], f"{path.name} ({concept}) may not include {quoted}"
    outside = re.findall(r"#include <(pybind11|Python|arrow|iostream|cstdio).*>", path.read_text())
    assert not outside, f"{path.name} is core: no Python, no Arrow, no printing"


@pytest.mark.parametrize("path", sorted((ROOT / "csrc/src/kernels").glob("[!d]*.cpp")), ids=lambda path: path.name)
def test_kernel_files_include_c_headers_only(path: Path) -> None:
    assert set(re.findall(r"#include <(.+?)>", path.read_text())) <= {"stddef.h", "stdint.h", "immintrin.h"}


@pytest.mark.parametrize("path", sorted((ROOT / "bindings").iterdir()), ids=lambda path: path.name)
def test_bindings_use_public_headers_only(path: Path) -> None:
    quoted = re.findall(r'#include "(.+?)"', path.read_text())
    assert all(name.startswith("allomatch/") or (path.parent / name).exists() for name in quoted)


FACE_FILES = sorted((ROOT / "src/allomatch").glob("**/*.py"))


@pytest.mark.parametrize("path", FACE_FILES, ids=lambda path: path.relative_to(ROOT / "src/allomatch").as_posix())
def test_face_imports(path: Path) -> None:
    text = path.read_text()
    used = set(re.findall(r"^\s*from allomatch\.(\w+)[\w.]* import", text, re.M))
    for names in re.findall(r"^\s*from allomatch import (.+)", text, re.M):
        used |= {name.strip() for name in names.split(",")}
    concept = path.stem if path.parent.name == "allomatch" else path.parent.name
    assert used - {"_core", concept} <= FACE[concept], f"{path.name} uses {sorted(used - FACE[concept])}"


def test_to_import_allomatch_loads_no_library_of_others_tables() -> None:
    """Users may have pandas, polars or duckdb; their loading is paid for by those who use them."""
    heavy = ("pandas", "polars", "duckdb", "matplotlib", "rich")
    code = f"import sys, allomatch; print([name for name in {heavy} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
