"""Releases made up for tests: laid out as the official files are, of a few alleles."""

from __future__ import annotations

from pathlib import Path


def small_release(
    folder: Path, version: str | None = "3.58.0", alleles: str = "01:01 02:01 03:01:01 03:01:02N"
) -> Path:
    """Release files as the official ones are laid out, of a few alleles."""
    head = f"# file: x\n# version: IPD-IMGT/HLA {version}\n" if version else ""
    (folder / "wmda").mkdir(parents=True, exist_ok=True)
    names = alleles.split()
    (folder / "Allelelist.txt").write_text(
        head + "AlleleID,Allele\n" + "".join(f"HLA{i:05},A*{name}\n" for i, name in enumerate(names))
    )
    expressed = "".join(f"A*;{name};\n" for name in names if not name.endswith("N"))
    (folder / "wmda/hla_nom_p.txt").write_text(head + expressed)
    (folder / "wmda/hla_nom_g.txt").write_text(head + "".join(f"A*;{name};\n" for name in names))
    return folder


def full_release(folder: Path, version: str = "3.58.0") -> Path:
    """The same with the files that a release can be read without."""
    small_release(folder, version)
    head = f"# file: x\n# version: IPD-IMGT/HLA {version}\n"
    (folder / "tce").mkdir(exist_ok=True)
    texts = {
        "Deleted_alleles.txt": head
        + "AlleleID,Allele,Description\nHLA00099,A*04:01,Shown to be identical to A*01:01\n",
        "Allele_status.txt": head
        + "Allele,Cells,Groups,Confirmed,Start,End,Partial,Type\nA*01:01,1,1,Confirmed,1,1098,Full,gDNA\n",
        "Nomenclature_2009.txt": "Current Name  Name as of April 2010\n============  =====\nA*0101  A*01:01\n",
        "wmda/rel_dna_ser.txt": head + "A*;01:01;1;;;\nA*;02:01;2;;;\nA*;03:01:01;3;;;\nA*;03:01:02N;0;;;\n",
        "wmda/rel_ser_ser.txt": head + "A;9;23/24;\n",
        "tce/dpb_tce.csv": head + "Allele,Protein,V1_Assignment,V2_Assignment,Comments\n",
    }
    for name, text in texts.items():
        (folder / name).write_text(text)
    return folder
