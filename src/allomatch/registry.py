"""Registry: donors in one immutable file, opened by mapping it and searched under any nomenclature.

``Registry.create`` makes an empty file, ``add`` puts donors in (the file is replaced as a whole, or not at all), ``open`` maps it.
The file keeps the text of typings, never an interpretation; docs/file-format.md describes it. An open registry is a
snapshot: it does not change when the file is replaced. Files are created private (mode 0600).
"""

from __future__ import annotations

import operator
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from allomatch import _core
from allomatch.carried import Populations
from allomatch.cord import cord_filter, cord_preset, doses
from allomatch.donor_columns import batches_of, canonical, known_columns, reader_of
from allomatch.errors import ArgumentError, problem
from allomatch.filter import core_filters, rows_passing
from allomatch.frequencies import HaplotypeFrequencies
from allomatch.frequency_sets import FrequencySets
from allomatch.match import MatchLevel, NullPolicy, Profile, check_choice, levels_of, loci_of
from allomatch.nomenclature import LOCI, Nomenclature
from allomatch.people import row_table
from allomatch.phenotype import Phenotype
from allomatch.ranked_hits import Predictor, RegistryReaders, order_hits
from allomatch.ranking import PatientFactors, RankingPolicy
from allomatch.search import Direction, Hits, Searched
from allomatch.serology import Contradiction, merge_serology, warnings_of

__all__ = ["AddReport", "Registry"]

# Rows handed to the core at once: enough to share among threads, small enough to stop quickly and to hold in memory.
_BATCH_ROWS = 262_144

WARNING_SCHEMA = pa.schema(
    [
        ("rows", pa.int64()),
        ("row", pa.int64()),
        ("donor_id", pa.string()),
        ("field", pa.string()),
        ("value", pa.string()),
        ("code", pa.int32()),
        ("message", pa.string()),
    ]
)

ERROR_SCHEMA = pa.schema(
    [
        ("row", pa.int64()),
        ("donor_id", pa.string()),
        ("field", pa.string()),
        ("value", pa.string()),
        ("code", pa.int32()),
        ("message", pa.string()),
    ]
)


@dataclass(frozen=True, slots=True)
class AddReport:
    """What became of the rows of one ``add``.

    Attributes:
        added: Donors that went in.
        rejected: Rows that did not.
        errors: Why: a table of row (in the input, from 0), donor_id, field, value, code (docs/errors.md) and message.
        warnings: What was done to read the typings of rows that went in (names carried to another one, members left out; with
            a registry that has a nomenclature): a table of rows (how many have it), row and donor_id (of the first), field,
            value (the position), code and message.
        ignored_columns: Columns of the input that allomatch does not know.
    """

    added: int
    rejected: int
    errors: pa.Table
    warnings: pa.Table
    ignored_columns: tuple[str, ...]


class Registry:
    """Donors, ready to be searched.

    Example:
        >>> import tempfile, pyarrow as pa
        >>> path = Path(tempfile.mkdtemp()) / "small.allo"
        >>> registry = Registry.create(path)
        >>> registry.add(pa.table({"donor_id": ["D1", "D2"], "gl": ["A*01:01+A*02:01", "A*01:01+A*03:01"]})).added
        2
        >>> Registry.open(path).search("A*01:01+A*02:XX", ["A"]).donor_ids.to_pylist()
        ['D1']
    """

    def __init__(
        self,
        path: Path,
        segment: _core.Segment,
        nomenclature: Nomenclature | None,
        null_policy: NullPolicy,
        profile: Profile,
    ) -> None:
        self._path = path
        self._required = nomenclature
        self._null_policy: NullPolicy = null_policy
        self._profile: Profile = profile
        self._snapshot = self._take(segment)

    def _take(self, segment: _core.Segment) -> _Snapshot:
        nomenclature = self._required or Nomenclature.two_field()
        index = _core.SearchIndex(segment, nomenclature._core, self._null_policy, self._profile)
        return _Snapshot(segment, nomenclature, index, RegistryReaders(segment, nomenclature, self._profile))

    @classmethod
    def create(
        cls,
        path: str | os.PathLike[str],
        *,
        nomenclature: Nomenclature | None = None,
        null_policy: NullPolicy = "explicit",
        profile: Profile = "standard",
    ) -> Registry:
        """Make an empty registry file.

        Args:
            path: Where; must not exist.
            nomenclature: If given, rows with a typing that it does not know are rejected by :meth:`add`, and searches use it.
            null_policy: As in :meth:`open`.
            profile: As in :meth:`open`.

        Raises:
            FileAccessError: The file exists, or the folder cannot be written to.
            ArgumentError: An argument of the wrong kind.
        """
        empty = pa.table({"donor_id": pa.array([], pa.string()), "gl": pa.array([], pa.string())})
        return cls.build(path, empty, nomenclature=nomenclature, null_policy=null_policy, profile=profile)[0]

    @classmethod
    def build(
        cls,
        path: str | os.PathLike[str],
        table: Any,
        *,
        nomenclature: Nomenclature | None = None,
        null_policy: NullPolicy = "explicit",
        profile: Profile = "standard",
        threads: int = 0,
    ) -> tuple[Registry, AddReport]:
        """Make a registry file from a table in one step: there is no file before it is complete.

        Args:
            path: Where; must not exist.
            table: As in :meth:`add`.
            nomenclature: As in :meth:`create`.
            null_policy: As in :meth:`open`.
            profile: As in :meth:`open`.
            threads: 0 means all cores.

        Returns:
            The open registry, and what became of the rows.

        Raises:
            As :meth:`create` and :meth:`add`.
        """
        _check_open(nomenclature, null_policy, profile)
        _in_range("threads", threads, 1024)
        place = _path_bytes(path)
        if os.path.lexists(place):
            what = (
                "is a folder; name a file in it"
                if os.path.isdir(place)
                else "exists; open it instead, or choose another name"
            )
            raise problem("AlreadyExists", f"{os.fsdecode(place)!r} {what}")
        report = _write(place, table, nomenclature, threads, extend=False)
        return cls.open(path, nomenclature=nomenclature, null_policy=null_policy, profile=profile), report

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str],
        *,
        nomenclature: Nomenclature | None = None,
        null_policy: NullPolicy = "explicit",
        profile: Profile = "standard",
        validate: Literal["header", "full"] = "header",
    ) -> Registry:
        """Map a registry file.

        Args:
            path: The file.
            nomenclature: What names stand for in searches; ``None`` means :meth:`Nomenclature.two_field`.
            null_policy: ``"explicit"``: a null allele counts only where it is certain. ``"possible"``: wherever it is possible
                (SEMANTICS section 2).
            profile: ``"standard"``, or ``"atlas"``: as the search engine Atlas reads NEW (matches nothing) and codes with an
                unknown member (not read at all), for a registry that changes engines and compares.
            validate: ``"header"`` checks the head, the directory, the dictionaries and all lengths, and trusts the rest, in
                milliseconds; ``"full"`` checks the checksum of every block and every id: use it for files from elsewhere.

        Raises:
            FileAccessError: The file does not exist or cannot be read.
            FileFormatError: It is not a registry, is truncated or damaged, or has a newer format.
            ArgumentError: Unknown null policy or validation, or an argument of the wrong kind.
        """
        _check_open(nomenclature, null_policy, profile)
        if validate not in ("header", "full"):
            raise problem("InvalidArgument", f"validate is {validate!r}; it may be 'header' or 'full'")
        segment = _core.Segment.open(_path_bytes(path), full=validate == "full")
        return cls(Path(os.fsdecode(path)), segment, nomenclature, null_policy, profile)

    @property
    def path(self) -> Path:
        """The file."""
        return self._path

    @property
    def nomenclature(self) -> Nomenclature:
        """What names stand for in searches."""
        return self._snapshot.nomenclature

    def __len__(self) -> int:
        return self._snapshot.segment.donor_count

    def __repr__(self) -> str:
        return f"Registry({str(self._path)!r}, donors={len(self)}, nomenclature={self.nomenclature.release!r})"

    def info(self) -> dict[str, Any]:
        """Return what the file holds: counts, bytes by block, the trie's order of loci.

        ``hla_bytes`` are the blocks of the trie and of the typing dictionaries.
        """
        segment = self._snapshot.segment
        layout = segment.layout()
        blocks = {name: size for name, (_, size) in layout["blocks"].items()}
        return {
            "path": str(self._path),
            "donors": segment.donor_count,
            "phenotypes": segment.phenotype_count,
            "typings": layout["typings"],
            "trie_order": layout["order"],
            "trie_node_levels": layout["node_levels"],
            "file_bytes": segment.file_bytes,
            "hla_bytes": sum(size for name, size in blocks.items() if not name.startswith("donors.")),
            "blocks": blocks,
            "nomenclature": self.nomenclature.release,
        }

    def count_values(self, attribute: str, *, where: str | pc.Expression | None = None) -> dict[str | None, int]:
        """Return how many donors have each value of an attribute that holds words; None: those of whom it is not known.

        Args:
            attribute: Such as ``ethnicity``, ``donor_type`` or ``sex``.
            where: Counts only the donors that pass this filter, as in :meth:`search`.

        Raises:
            ArgumentError: The attribute is unknown, or holds numbers; or the filter cannot be used.
        """
        check_choice("attribute", attribute, str)
        if attribute not in _core.ATTRIBUTES:
            raise problem(
                "InvalidArgument", f"unknown attribute {attribute!r}; known are {', '.join(_core.ATTRIBUTES)}"
            )
        segment = self._snapshot.segment
        passed = None if where is None else rows_passing(where, segment)
        stored = segment.attribute(attribute)
        if stored is None:
            unknown = segment.donor_count if passed is None else int(np.count_nonzero(passed))
            return {None: unknown} if unknown else {}
        codes, words = stored
        if words is None:
            raise problem("InvalidArgument", f"attribute {attribute!r} holds numbers; count those that hold words")
        codes = codes if passed is None else codes[passed]
        counts = np.bincount(np.minimum(codes, len(words)), minlength=len(words) + 1).tolist()
        return {word: count for word, count in zip((*words, None), counts, strict=True) if count > 0}

    def cord_filter(self) -> str | None:
        """Return a filter (``where=``) that cord blood units pass and adult donors do not; None if no donor has a type."""
        try:
            return cord_filter(self._snapshot.segment)
        except ArgumentError:
            return None

    def unknown_typings(self) -> pa.Table:
        """Return the typings that the nomenclature cannot interpret: locus, typing, donors.

        Their donors stay findable, as untyped at that locus.
        """
        rows = self._snapshot.index.unknown_typings()
        return pa.table(
            {
                "locus": pa.array([row[0] for row in rows], pa.string()),
                "typing": pa.array([row[1] for row in rows], pa.string()),
                "donors": pa.array([row[2] for row in rows], pa.int64()),
            }
        )

    def add(self, table: Any, *, threads: int = 0) -> AddReport:
        """Add donors and write the file anew; it is replaced as a whole, or not at all.

        Args:
            table: Anything with the Arrow C stream (pyarrow, pandas, polars, duckdb). Columns: ``donor_id``; either ``gl`` or
                pairs ``A_1``, ``A_2``, ``B_1``, ... (a blank second position means homozygous, both blank untyped); and any of
                the attributes ``birth_year`` (1900 to 2100), ``sex`` (F, M), ``cmv`` (P, N and the other EMDIS codes are read by
                rankings), ``abo`` (A, B, AB, O), ``rh`` (P, N), ``ion`` (1000 to 9999), ``ethnicity``, ``donor_type``,
                ``status``, ``tnc_e7`` (total nucleated cells, 1e7),
                ``cd34_e6`` (CD34+ cells, 1e6). Nulls are "not known". Antigens reported beside DNA are ``A_ser_1``, ``A_ser_2``
                (A, B, C, DRB1, DQB1): a donor without DNA at the locus is typed by them, else the DNA decides, the antigens
                are kept as ``serology_A``, and a contradiction is a warning.
            threads: 0 means all cores.

        Returns:
            How many went in, and a table of the rows that did not and why. Good rows are never stopped by bad ones.

        Raises:
            ArgumentError: A column is missing, there twice, of a type that cannot be read, or names no known locus or a third
                position of one.
            FileAccessError: The file cannot be written, or another process is writing it.
            FileFormatError: The existing file is damaged.
            KeyboardInterrupt: Ctrl-C. The file and this registry hold all good rows of the table or, as nearly always, none:
                ``len()`` tells which.
        """
        _in_range("threads", threads, 1024)
        # A link stays a link: the file that it names is replaced.
        place = os.path.realpath(_path_bytes(self._path))
        try:
            report = _write(place, table, self._required, threads, extend=True)
            # What is in the file now counts, not what this object saw when it was opened.
            self._snapshot = self._take(_core.Segment.open(place, full=False))
        except KeyboardInterrupt:
            # It may have come when the file was replaced already.
            self._snapshot = self._take(_core.Segment.open(place, full=False))
            raise
        return report

    def search(
        self,
        patient: Phenotype | str,
        loci: str | Sequence[str] = "10/10",
        *,
        max_mismatches: int | None = None,
        per_locus: Mapping[str, int] | None = None,
        direction: Direction = "both",
        level: MatchLevel | Mapping[str, MatchLevel] | None = None,
        where: str | pc.Expression | None = None,
        patient_weight_kg: float | None = None,
        min_tnc_e7_per_kg: float | None = None,
        min_cd34_e6_per_kg: float | None = None,
        report: Literal["all", "searched"] | Sequence[str] = "all",
        frequencies: HaplotypeFrequencies | FrequencySets | None = None,
        patient_frequencies: Populations | None = None,
        ranking: RankingPolicy | None = None,
        patient_factors: PatientFactors | None = None,
        tail: float = 0.0,
        limit: int | None = None,
        offset: int = 0,
        threads: int = 0,
    ) -> Hits:
        """Find every donor within a budget of mismatches, exactly (SEMANTICS sections 2 and 3).

        Args:
            patient: A phenotype or a GL string.
            loci: ``"6/6"``, ``"8/8"``, ``"10/10"``, ``"12/12"`` or a list of loci. An untyped locus may match. ``"cord 6/6"``
                and ``"cord 8/8"`` find cord blood units only (by ``donor_type``).
            max_mismatches: Budget over all loci, 0 to 4; better donors are found too. ``None`` means 0, for cord blood 2 of 6
                and 4 of 8, which is also the most there.
            per_locus: Further limits at single loci, 0 to 2 each.
            direction: ``"both"`` counts mismatched positions, ``"gvh"`` the patient's antigens that the donor lacks,
                ``"hvg"`` the donor's that the patient lacks.
            level: What is compared, at all loci or by locus: ``"ard"``, ``"allele"`` (two fields) or ``"antigen"``. ``None``
                means ``"ard"``, and antigens at A and B for ``"cord 6/6"``. Loci that are only reported are compared by ARD.
            where: A filter on the attributes (those of :meth:`add`): a text such as ``"sex == 'M' and birth_year >= 1985 and
                status in ('available', 'reserved') and cmv is not null"``, or a ``pyarrow.compute.Expression`` over the columns
                by name. Only donors for which it is true are hits and are counted; what is not known passes no test but
                ``is null``. docs/science.md has the grammar.
            patient_weight_kg: Adds the doses of cells per kg to the hits, where the registry knows totals.
            min_tnc_e7_per_kg: Least total nucleated cells, in 1e7 per kg of the patient; a unit whose total is not known does
                not pass. ``None``: no least dose.
            min_cd34_e6_per_kg: Least CD34+ cells, in 1e6 per kg; likewise.
            report: Loci besides those searched at which the listed hits are compared too, without any part in the search:
                ``"all"`` that the patient is typed at, ``"searched"`` for none, or a list.
            frequencies: Adds probabilities of mismatches to every listed hit (:func:`allomatch.predict`), and orders the hits by
                ``ranking``. Of several sets each donor's is chosen by its ``ethnicity`` and ``ion``.
            patient_frequencies: The patient's own, of two parents' populations a pair; the default is ``frequencies``, of several
                sets the one for everyone.
            ranking: The order of the hits; the default with frequencies is SEMANTICS section 5. Without either, hits are ordered
                by mismatches, then by the most there can be, then by donor id.
            patient_factors: The patient's CMV and ABO, for the keys of the ranking that compare them.
            tail: As in :func:`allomatch.predict`.
            limit: List at most this many hits (all are counted); ``None`` lists all.
            offset: Skip this many hits of the list.
            threads: 0 means all cores; the answer is the same for any number.

        Raises:
            ArgumentError: Unknown locus or preset, a number out of range, or a filter that cannot be used.
            TypingError: The patient's typing is malformed, or the nomenclature knows none of its names.

        Example:
            See the class.
        """
        patient = patient if isinstance(patient, Phenotype) else Phenotype(patient)
        snapshot = self._snapshot
        cord = cord_preset(loci)
        names = loci_of(loci) if cord is None else cord.loci
        check_choice("direction", direction, str)
        if per_locus is not None and not isinstance(per_locus, Mapping):
            raise problem("WrongType", f"per_locus is {per_locus!r}; a mapping is needed, for example {{'DRB1': 0}}")
        limits = {loci_of([locus])[0]: most for locus, most in (per_locus or {}).items()}
        for locus, most in limits.items():
            if locus not in names:
                raise problem(
                    "InvalidArgument",
                    f"per_locus limits locus {locus!r}, which is not searched; searched are {', '.join(names)}",
                )
            _in_range(f"per_locus[{locus!r}]", most, 2)
        levels = levels_of(level, names, {} if cord is None else cord.levels)
        if max_mismatches is None:
            max_mismatches = 0 if cord is None else cord.max_mismatches
        _in_range("max_mismatches", max_mismatches, 4 if cord is None else cord.max_mismatches)
        reported = _reported(report, patient, names)
        amounts = doses(patient_weight_kg, min_tnc_e7_per_kg, min_cd34_e6_per_kg)
        filters = [*amounts.filters(), *core_filters(where, snapshot.segment)]
        if cord is not None:
            filters.insert(0, cord_filter(snapshot.segment))
        _in_range("offset", offset, None)
        _in_range("threads", threads, 1024)
        if limit is not None:
            _in_range("limit", limit, None)
        if ranking is not None:
            check_choice("ranking", ranking, RankingPolicy)
        if patient_factors is not None:
            check_choice("patient_factors", patient_factors, PatientFactors)
        ranked = frequencies is not None or ranking is not None
        predictor = None
        if frequencies is not None:
            if not isinstance(frequencies, (HaplotypeFrequencies, FrequencySets)):
                raise problem(
                    "WrongType",
                    f"frequencies are {frequencies!r:.80}; HaplotypeFrequencies or FrequencySets are needed",
                )
            predictor = Predictor(
                snapshot.readers,
                patient,
                names,
                frequencies,
                patient_frequencies,
                direction,
                tail,
                int(threads),
                by_ard=all(each == "ard" for each in levels),
            )
        result = snapshot.index.search(
            patient._core,
            names,
            int(max_mismatches),
            [int(limits.get(locus, 2)) for locus in names],
            levels,
            direction,
            filters,
            reported,
            0 if ranked else min(int(offset), 2**64 - 1),
            2**64 - 1 if limit is None or ranked else min(int(limit), 2**64 - 1),
            int(threads),
        )
        policy = ranking or _DEFAULT_RANKING
        order = None
        if ranked:
            order = order_hits(
                snapshot.index,
                result,
                snapshot.readers,
                patient,
                names,
                direction,
                predictor,
                policy,
                patient_factors or PatientFactors(),
                (int(offset), None if limit is None else int(limit)),
                int(threads),
            )
        searched = Searched(
            patient,
            dict(zip(names, levels, strict=True)),
            reported,
            int(max_mismatches),
            direction,
            snapshot.nomenclature,
            self._null_policy,
            self._profile,
            amounts,
            snapshot.segment,
            policy,
        )
        return Hits(searched, result, offset, order)


_DEFAULT_RANKING = RankingPolicy()


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """What a search needs, as one object: an ``add`` in another thread swaps all of it at once."""

    segment: _core.Segment
    nomenclature: Nomenclature
    index: _core.SearchIndex
    readers: RegistryReaders


def _check_open(nomenclature: Nomenclature | None, null_policy: NullPolicy, profile: Profile) -> None:
    """Check the arguments of create and open before anything is made."""
    if nomenclature is not None:
        check_choice("nomenclature", nomenclature, Nomenclature)
    if null_policy not in ("explicit", "possible"):
        raise problem("InvalidArgument", f"null_policy is {null_policy!r}; it may be 'explicit' or 'possible'")
    if profile not in ("standard", "atlas"):
        raise problem("InvalidArgument", f"profile is {profile!r}; it may be 'standard' or 'atlas'")


def _path_bytes(path: str | os.PathLike[str]) -> bytes:
    """Return a path as the operating system takes it."""
    place = os.fsencode(path)
    if b"\0" in place:
        raise problem("InvalidArgument", f"the path {os.fsdecode(place)!r} holds a NUL character; name another file")
    return place


def _in_range(name: str, value: int, most: int | None) -> None:
    """Check a whole number of an argument; NumPy's integers are numbers too."""
    bounds = "a whole number, 0 or more" if most is None else f"a whole number from 0 to {most}"
    try:
        number = operator.index(value)
    except TypeError:
        number = -1
    if isinstance(value, bool) or number < 0 or (most is not None and number > most):
        raise problem("InvalidArgument", f"{name} is {value!r}; it must be {bounds}")


def _reported(report: str | Sequence[str], patient: Phenotype, searched: tuple[str, ...]) -> tuple[str, ...]:
    """Return the loci to report besides those searched."""
    if isinstance(report, str):
        if report not in ("all", "searched"):
            raise problem(
                "InvalidArgument",
                f"report is {report!r}; it may be 'all', 'searched' or a list of loci such as ['DPB1']",
            )
        wanted = tuple(locus for locus in LOCI if patient[locus]) if report == "all" else ()
    else:
        # One by one: to be reported twice does no harm.
        given = report or ()
        wanted = tuple(loci_of([locus])[0] for locus in given) if isinstance(given, Sequence) else loci_of(given)
    return tuple(dict.fromkeys(locus for locus in wanted if locus not in searched))


def _write(place: bytes, table: Any, required: Nomenclature | None, threads: int, *, extend: bool) -> AddReport:
    """Write a registry file: the donors of a table, after those that are there if it is to be extended."""
    reader = reader_of(table)
    columns, ignored = known_columns(reader.schema)
    builder = _core.RegistryBuilder()
    errors: list[_core.RowError] = []
    contradictions: list[Contradiction] = []
    two_field = Nomenclature.two_field()
    row = 0
    try:
        if extend:
            builder.extend(place)
        if required is not None:
            builder.require_known(required._core)
        for batch in batches_of(reader):
            for start in range(0, batch.num_rows, _BATCH_ROWS):
                piece = batch.slice(start, _BATCH_ROWS)
                arrays = {name: canonical(name, piece.column(index)) for name, index in columns.items()}
                contradictions += merge_serology(arrays, required or two_field, row)
                errors += builder.add_batch(arrays, first_row=row, threads=threads)
                row += piece.num_rows
        _, late, warnings = builder.finish(place, replace=extend, threads=threads)
        errors += late
    finally:
        builder.close()
    errors.sort(key=lambda error: (error[0], error[2]))
    rejected = {error[0] for error in errors}
    warnings += warnings_of(contradictions, rejected)
    warnings.sort(key=lambda warning: (warning[1], warning[3]))
    tables = row_table(errors, ERROR_SCHEMA), row_table(warnings, WARNING_SCHEMA)
    return AddReport(row - len(rejected), len(rejected), *tables, ignored)
