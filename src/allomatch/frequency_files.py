"""Files of haplotype frequencies: CSV, HFX and Parquet, read as Arrow tables, and written whole or not at all.

What a file is, its first bytes say, not its name: gzip, Parquet, a zip file or a JSON document (both HFX), or CSV. Nothing is
interpreted here but the format: names and frequencies are the business of :mod:`allomatch.frequency_table`. Every value of a CSV
file is read as text and lines are counted, so that an error can quote a value as it stands there and say on which line.

HFX is the Haplotype Frequency eXchange format (https://github.com/nmdp-bioinformatics/hfx, schema 0.1): a JSON document
with ``metadata``, and the frequencies in it (``frequencyLocation`` is ``inline``) or in a file beside it; both in one zip file or
folder.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import re
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import IO, Any, Literal, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from allomatch.errors import AllomatchError, problem
from allomatch.formats import write_whole
from allomatch.frequency_table import Place
from allomatch.releases import access_problem

__all__ = ["FORMATS", "Format", "FrequencyFile", "format_of", "read_file", "write_file"]

Format = Literal["columns", "haplotypes", "parquet"]
FORMATS: tuple[Format, ...] = ("columns", "haplotypes", "parquet")

# How HFX spells its two parts: schema 0.1, and drafts before it.
_METADATA = ("metadata", "metaData")
_ENDINGS = ".csv, .csv.gz, .freqs, .freqs.gz or .parquet"


class FrequencyFile(NamedTuple):
    """What a file holds.

    Attributes:
        table: Its columns, as they are.
        place: What its rows are called.
        labels: What it says of itself: ``population``, ``ethnicity``, ``ion``, ``release``.
    """

    table: pa.Table
    place: Place
    labels: dict[str, str]


def read_file(path: Path) -> FrequencyFile:
    """Read a file of frequencies, or a folder with an HFX document and its data.

    Args:
        path: CSV (UTF-8, comma separated; one column a locus and a column ``frequency``, or ``haplotype,count,freq`` with or
            without that heading), gzip'd or not; Parquet; an HFX bundle, document or folder.

    Raises:
        FileAccessError: It does not exist or cannot be read.
        FileFormatError: It is empty, cut short or damaged, or not what it seems to be.
        ArgumentError: It has no heading where it needs one, or is not separated by commas.
    """
    if path.is_dir():
        return _hfx_folder(path)
    data = _bytes_of(path)
    if data.startswith(b"PK\x03\x04"):
        return _hfx_zip(path, data)
    if data[:512].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return _hfx(str(path), data, lambda name: _beside(path.parent, name))
    return _table(str(path), data)


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise access_problem(f"cannot read {str(path)!r}", error, "check the path and its permissions") from error


def _table(source: str, data: bytes, header: Mapping[str, str] | None = None) -> FrequencyFile:
    """Read a Parquet or CSV file, gzip'd or not."""
    source = repr(source)
    if data.startswith(b"PAR1"):
        try:
            # A scanner would leave these bytes, which are Python's, to a thread of its own, that may outlive Python.
            table = pq.ParquetFile(pa.BufferReader(data)).read(use_threads=False)
            names = table.column_names  # they may be no text
        except (pa.ArrowException, OSError, UnicodeError) as failure:
            raise _damaged(source, failure) from failure
        place = Place(source)
    else:
        table, place = _csv(source, _unpacked(source, data))
        names = table.column_names
    if header:
        table = table.rename_columns([header.get(name, name) for name in names])
    return FrequencyFile(table, place, {})


def _damaged(source: str, failure: Exception | str) -> AllomatchError:
    return problem("CorruptFile", f"{source} is damaged or cut short: {failure}; get it again from where it came from")


def _unpacked(source: str, data: bytes) -> bytes:
    if data.startswith(b"\x1f\x8b"):
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, zlib.error) as failure:
            raise _damaged(source, failure) from failure
    data = data.removeprefix(b"\xef\xbb\xbf")
    if not data.strip():
        raise problem("CorruptFile", f"{source} is empty; it should hold haplotypes and their frequencies")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise problem("CorruptFile", f"{source} is UTF-16; save it as UTF-8")
    if not data.isascii():
        try:
            data.decode()
        except UnicodeDecodeError as failure:
            line = data.count(b"\n", 0, failure.start) + 1
            raise problem("CorruptFile", f"line {line} of {source} is not UTF-8; save it as UTF-8") from failure
    return data


# --- CSV -------------------------------------------------------------------------------------------------------------


def _csv(source: str, data: bytes) -> tuple[pa.Table, Place]:
    line = re.search(rb"[^\r\n]*\S[^\r\n]*", data)
    assert line is not None, "a file that holds nothing was refused"
    first = line.group().decode()
    cells = _cells(source, first)
    if len(cells) == 1:
        raise problem(
            "InvalidArgument", f"{source} has one column, {_short(first)}; its cells must be separated by commas"
        )
    names = _without_heading(source, cells) if "*" in first else cells
    place = Place(source, lambda row: f"line {_line_of(data, row + (names is cells))}")
    read = pa_csv.ReadOptions(column_names=None if names is cells else names)
    convert = pa_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), check_utf8=False)
    try:
        return pa_csv.read_csv(pa.BufferReader(data), read_options=read, convert_options=convert), place
    except pa.ArrowException as failure:
        for row, text in enumerate(filter(None, data.splitlines())):
            if len(found := _cells(source, text.decode())) != len(cells):
                raise problem(
                    "CorruptFile",
                    f"line {_line_of(data, row)} of {source} has {len(found)} cells and line {_line_of(data, 0)} has "
                    f"{len(cells)}; mend the line, or get the file again if it was cut short",
                ) from failure
        raise problem("CorruptFile", f"{source} cannot be read as CSV: {_short(str(failure))}") from failure


def _cells(source: str, line: str) -> list[str]:
    try:
        return next(csv.reader([line]))
    except csv.Error as failure:
        raise problem("CorruptFile", f"{source} cannot be read as CSV: {failure} in {_short(line)}") from failure


def _without_heading(source: str, cells: list[str]) -> list[str]:
    """Return what the columns of a file without a heading are: two or three, the first of haplotypes."""
    if len(cells) == 2:
        return ["haplotype", "frequency"]
    if len(cells) == 3:
        return ["haplotype", "count" if _is_number(cells[1]) else "population", "frequency"]
    raise problem(
        "MissingColumn",
        f"{source} has {len(cells)} columns and no heading; write one, such as A,C,B,DRB1,DQB1,frequency (without one, the "
        "columns are haplotype,count,frequency)",
    )


def _is_number(text: str) -> bool:
    try:
        return text.strip() == "" or float(text) >= 0
    except ValueError:
        return False


def _line_of(data: bytes, row: int) -> int:
    """Return the number, from 1, of a line that is not blank, by its number among these from 0."""
    for number, line in enumerate(data.splitlines(), 1):
        if line:
            if row == 0:
                return number
            row -= 1
    return row  # past the end: cannot be


def _short(text: str) -> str:
    text = repr(text.strip())
    return text if len(text) <= 80 else f"{text[:77]}..."


# --- HFX -------------------------------------------------------------------------------------------------------------


def _hfx_zip(path: Path, data: bytes) -> FrequencyFile:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
            document = _document(repr(str(path)), names)
            folder = PurePosixPath(document).parent

            def member(name: str) -> tuple[str, bytes]:
                inside = str(folder / name)
                if inside not in names:
                    raise problem(
                        "FileNotFound", f"{str(path)!r} lacks {inside!r}, where its metadata says the data are"
                    )
                return f"{path}:{inside}", archive.read(inside)

            return _hfx(f"{path}:{document}", archive.read(document), member)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError) as failure:
        if isinstance(failure, AllomatchError):
            raise
        raise _damaged(repr(str(path)), failure) from failure


def _hfx_folder(path: Path) -> FrequencyFile:
    document = _document(repr(str(path)), [entry.name for entry in path.iterdir() if entry.is_file()])
    return _hfx(str(path / document), _bytes_of(path / document), lambda name: _beside(path, name))


def _document(source: str, names: list[str]) -> str:
    """Return which of a bundle's files is the document."""
    found = [name for name in names if name.lower().endswith(".json") and PurePosixPath(name).name != "MANIFEST.json"]
    main = [name for name in found if PurePosixPath(name).name == "metadata.json"]
    if len(main or found) != 1:
        raise problem(
            "CorruptFile", f"{source} is no HFX bundle: it holds {len(found)} JSON documents, and none is metadata.json"
        )
    return (main or found)[0]


def _beside(folder: Path, name: str) -> tuple[str, bytes]:
    return str(folder / name), _bytes_of(folder / name)


def _hfx(source: str, text: bytes, data_of: Callable[[str], tuple[str, bytes]]) -> FrequencyFile:
    """Read an HFX document.

    Args:
        source: What it is called in errors.
        text: Its JSON.
        data_of: Returns what a file beside it is called in errors, and its bytes.
    """
    where = repr(source)
    try:
        document = json.loads(text)
    except ValueError as failure:  # also what is not UTF-8
        raise _damaged(where, f"it is no JSON document ({failure})") from failure
    document = document if isinstance(document, dict) else {}
    metadata = next((document[key] for key in _METADATA if isinstance(document.get(key), dict)), None)
    if metadata is None:
        raise problem("CorruptFile", f"{where} is no HFX document: it has no 'metadata'")
    location = metadata.get("frequencyLocation", "inline")
    if location == "inline":
        return FrequencyFile(_inline(where, document.get("frequencyData")), Place(where, _record), _labels(metadata))
    name = _local(where, location)
    called, data = data_of(name)
    said = metadata.get("checkSum")
    if isinstance(said, str) and said.lower() != hashlib.md5(data, usedforsecurity=False).hexdigest():
        raise problem(
            "ChecksumMismatch",
            f"{name!r} is not the file that {where} describes: its MD5 is not {said}; get both again",
        )
    file = _table(called, data, _header(metadata.get("frequencyFileHeader")))
    return file._replace(labels=_labels(metadata))


def _record(row: int) -> str:
    return f"frequencyData[{row}]"


def _inline(where: str, records: Any) -> pa.Table:
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise problem("CorruptFile", f"{where} has no list 'frequencyData', where its metadata says the data are")
    try:
        return pa.table(
            {
                "haplotype": pa.array([record.get("haplotype") for record in records], pa.string()),
                "frequency": pa.array([record.get("frequency") for record in records], pa.float64()),
            }
        )
    except (pa.ArrowException, TypeError) as failure:
        raise problem(
            "WrongType",
            f"'frequencyData' of {where} is not a list of haplotype (text) and frequency (number): {failure}",
        ) from failure


def _local(where: str, location: Any) -> str:
    """Return the file beside the document that a ``frequencyLocation`` names."""
    if not isinstance(location, str) or re.match(r"(?!file:)\w+:", location):
        raise problem(
            "InvalidArgument",
            f"the frequencies of {where} lie at {location!r}; download them beside it and write their name as frequencyLocation",
        )
    name = re.sub(r"^file:(//)?", "", location)
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise problem("InvalidArgument", f"{where} says that its data are {location!r}; they must lie beside it")
    return str(path)


def _header(said: Any) -> dict[str, str]:
    """Return the names of columns -> what they mean; HFX files write this mapping either way round."""
    known = ("haplotype", "frequency", "count")
    if not isinstance(said, dict):
        return {}
    return {str(b): a for a, b in said.items() if a in known} | {str(a): b for a, b in said.items() if b in known}


def _labels(metadata: dict[str, Any]) -> dict[str, str]:
    """Return what a document says of its set: population, ethnicity and release."""
    cohort = metadata.get("cohortDescription")
    populations = cohort.get("population") if isinstance(cohort, dict) else None
    one = populations if isinstance(populations, dict) else None
    if isinstance(populations, list) and len(populations) == 1 and isinstance(populations[0], dict):
        one = populations[0]
    nomenclature = metadata.get("nomenclatureUsed")
    release = nomenclature.get("version") if isinstance(nomenclature, dict) else None
    said = {"population": (one or {}).get("name"), "ethnicity": (one or {}).get("ethnicity"), "release": release}
    return {label: value for label, value in said.items() if isinstance(value, str) and value}


# --- writing ---------------------------------------------------------------------------------------------------------


def format_of(path: Path) -> Format:
    """Return the format that the ending of a name asks for.

    Example:
        >>> format_of(Path("CAU.freqs.gz"))
        'haplotypes'
    """
    name = path.name.lower().removesuffix(".gz")
    for ending, form in ((".csv", "columns"), (".freqs", "haplotypes"), (".parquet", "parquet")):
        if name.endswith(ending) and (form != "parquet" or not path.name.lower().endswith(".gz")):
            return form  # type: ignore[return-value]
    raise problem("InvalidArgument", f"cannot tell the format of {str(path)!r} by its name; end it in {_ENDINGS}")


def write_file(path: Path, table: pa.Table, form: Format) -> None:
    """Write a table of one column a locus, ``frequency`` and perhaps ``count``.

    Args:
        path: Where; a name that ends in ``.gz`` is compressed. What was there is replaced.
        table: As :meth:`allomatch.frequencies.HaplotypeFrequencies.to_arrow` gives it.
        form: The format.

    Raises:
        FileAccessError: It cannot be written; what was there stays as it was.
    """
    if form == "parquet":
        write_whole(path, lambda file: pq.write_table(table, file, compression="zstd"))
        return
    plain = table.cast(
        pa.schema([pa.field(f.name, pa.string() if pa.types.is_dictionary(f.type) else f.type) for f in table.schema])
    )
    if form == "haplotypes":
        plain = _joined(plain)

    def write(file: IO[bytes]) -> None:
        if path.name.lower().endswith(".gz"):
            # No time and no name inside: the same set gives the same bytes.
            with gzip.GzipFile("", "wb", 6, file, mtime=0) as packed:
                _write_csv(plain, packed)
        else:
            _write_csv(plain, file)

    write_whole(path, write)


def _write_csv(plain: pa.Table, file: IO[bytes] | gzip.GzipFile) -> None:
    # Arrow would quote the heading; neither names nor headings hold anything that needs it.
    file.write((",".join(plain.column_names) + "\n").encode())
    pa_csv.write_csv(plain, file, pa_csv.WriteOptions(include_header=False, quoting_style="none"))


def _joined(plain: pa.Table) -> pa.Table:
    """Return the columns ``haplotype``, ``count`` (if there is one) and ``freq``."""
    loci = [name for name in plain.column_names if name not in ("frequency", "count")]
    names = {"haplotype": pc.binary_join_element_wise(*(plain[locus] for locus in loci), "~")}
    if "count" in plain.column_names:
        names["count"] = plain["count"]
    return pa.table(names | {"freq": plain["frequency"]})
