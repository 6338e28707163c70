"""``allomatch nomenclature``: the releases and allele codes of this machine, and what a name stands for."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from allomatch.console import AsJson, err, print_json, say
from allomatch.errors import AllomatchError
from allomatch.install import install_macs, install_release
from allomatch.nomenclature import LEVELS, Nomenclature
from allomatch.releases import mac_file, releases

__all__ = ["ReleaseOption", "nomenclature_app", "open_nomenclature"]

nomenclature_app = typer.Typer(no_args_is_help=True, help="IPD-IMGT/HLA releases on this machine.")

ReleaseOption = Annotated[
    str,
    typer.Option(
        "--nomenclature",
        "-n",
        help="A release such as 3.58.0, 'two-field', or 'auto': the newest installed, else two-field.",
    ),
]


def open_nomenclature(name: str) -> Nomenclature:
    """Open what the option :data:`ReleaseOption` names."""
    if name == "two-field" or (name == "auto" and not releases()):
        return Nomenclature.two_field()
    return Nomenclature.load(None if name == "auto" else name)


@nomenclature_app.command("list")
def nomenclature_list(as_json: AsJson = False) -> None:
    """List the releases that are installed and the allele codes, from ALLOMATCH_DATA and the user's cache.

    Example: allomatch nomenclature list
    """
    found: dict[str, dict[str, Any]] = {}
    for release, folder in releases().items():
        found[release] = {"folder": str(folder), "alleles": None, "problem": None}
        try:
            found[release]["alleles"] = Nomenclature.load(release).allele_count
        except AllomatchError as failure:
            found[release]["problem"] = str(failure)
    macs = mac_file()
    if as_json:
        print_json({"releases": found, "macs": None if macs is None else str(macs)})
        return
    for release, facts in found.items():
        state = f"{facts['alleles']:,} alleles" if facts["problem"] is None else f"cannot be read: {facts['problem']}"
        say(f"{release}  {facts['folder']}  {state}")
    if not found:
        say("No release is installed; searches use 'two-field'.")
    say(f"Multiple allele codes: {macs or 'none; allomatch nomenclature install-macs'}")


@nomenclature_app.command("show")
def nomenclature_show(
    name: Annotated[str, typer.Argument(help="A name with its locus: A*02:01, A*01:01:01G, A*02:AB, B44, A*0201...")],
    nomenclature: ReleaseOption = "auto",
    as_json: AsJson = False,
) -> None:
    """Show what a name stands for under a release: alleles, groups, antigens, and what it is called now.

    Example: allomatch nomenclature show A*02:01:01G
    """
    nom = open_nomenclature(nomenclature)
    alleles = nom.expand(name)
    facts: dict[str, Any] = {
        "name": name,
        "nomenclature": nom.release,
        "current_name": nom.current_name(name),
        "null": nom.is_null(name),
        **{level: nom.reduce(name, level).split("/") for level in LEVELS if level != "serology"},
        "serology": nom.serology(name),
        "alleles": alleles,
        "warnings": [warning.message for warning in nom.warnings(name)],
    }
    if as_json:
        print_json(facts)
        return
    say(f"{name} under {nom.release}:")
    if facts["current_name"] != name:
        say(f"  now called    {facts['current_name']}")
    for level, words in _LEVEL_WORDS.items():
        say(f"  {words:<13} {_some(facts[level]) or 'none'}")
    say(f"  {'protein':<13} {'none' if facts['null'] else 'yes'}")
    say(f"  {len(alleles):,} allele{'s' if len(alleles) != 1 else ''}{': ' if alleles else ''}{_some(alleles)}")
    for message in facts["warnings"]:
        say(f"  warning: {message}")


# How a level is called where it is shown.
_LEVEL_WORDS = {
    "ard": "compares as",
    "P": "P group",
    "G": "G group",
    "g": "small g group",
    "two-field": "two fields",
    "first-field": "first field",
    "serology": "antigens",
}


def _some(texts: list[str], most: int = 8) -> str:
    """Join texts; of many the first ones, and how many more there are."""
    return "/".join(texts[:most]) + (f" and {len(texts) - most:,} more" if len(texts) > most else "")


@nomenclature_app.command("install")
def nomenclature_install(
    release: Annotated[str, typer.Argument(help="For example 3.58.0.")],
    source: Annotated[
        Path | None, typer.Option("--from", help="A folder with the official files, instead of downloading them.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Install a release: download its official files (ANHIG/IMGTHLA), or copy them from a folder.

    Example: allomatch nomenclature install 3.58.0
    """
    with err.status(f"installing {release}") as status:
        folder = install_release(release, source, progress=lambda file: status.update(f"fetching {file}"))
    if as_json:
        print_json({"release": release, "folder": str(folder)})
    else:
        say(f"Installed {release} in {folder}.")


@nomenclature_app.command("install-macs")
def nomenclature_install_macs(
    source: Annotated[
        Path | None, typer.Option("--from", help="numer.v3 or alpha.v3, .txt or .zip, instead of downloading it.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Install the NMDP's list of multiple allele codes: download it, or copy it from a file.

    Example: allomatch nomenclature install-macs
    """
    with err.status("installing the multiple allele codes") as status:
        path = install_macs(source, progress=lambda file: status.update(f"fetching {file}"))
    if as_json:
        print_json({"file": str(path)})
    else:
        say(f"Installed {path}.")
