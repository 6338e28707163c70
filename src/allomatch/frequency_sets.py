"""Several frequency sets, and which one is for whom.

A set is labelled with an ethnicity, an ION, both or neither. For a person with an ethnicity and an ION it is looked for by both,
then by the ION, then by the ethnicity, then the set for everyone (SEMANTICS section 4); texts must be equal, character by
character. Where nothing is found that is an error and never a guess.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from allomatch.errors import AllomatchError, problem
from allomatch.frequencies import HaplotypeFrequencies, ion_text
from allomatch.frequency_table import codes_of
from allomatch.releases import access_problem

__all__ = ["INDEX", "FrequencySets"]

# The file of a folder that says which of its files are sets, and for whom.
INDEX = "sets.json"
_LABELS = ("population", "ethnicity", "ion", "release")
# Without an index: what may be a set, and what the set for everyone is called.
_ENDINGS = (".csv", ".csv.gz", ".freqs", ".freqs.gz", ".parquet", ".hfx")
_EVERYONE = "global"
_MOST_SETS = 1 << 16  # a row of a column is given a uint16

# Ethnicity and ION, either of which may be missing.
_Key = tuple[str | None, str | None]


class FrequencySets:
    """Frequency sets and the rule by which one is chosen.

    Example:
        >>> table = pa.table({"A": ["01:01"], "frequency": [1.0]})
        >>> cau = HaplotypeFrequencies.from_arrow(table, "CAU", ethnicity="CAU")
        >>> afa = HaplotypeFrequencies.from_arrow(table, "AFA", ethnicity="AFA")
        >>> sets = FrequencySets([cau, afa], default=cau)
        >>> sets.choose(ethnicity="AFA").population, sets.choose(ethnicity="HIS", ion="1234").population
        ('AFA', 'CAU')
    """

    __slots__ = ("_default", "_index", "_sets")

    def __init__(self, sets: Iterable[HaplotypeFrequencies], default: HaplotypeFrequencies | None = None) -> None:
        """Take sets together.

        Args:
            sets: Each has another pair of ethnicity and ION; the one that has neither is for everyone.
            default: The set for everyone else, one of these or a further one, if none of these has neither label.

        Raises:
            ArgumentError: Two sets are for the same people.
        """
        own = tuple(sets)
        if default is not None and not any(one is default for one in own):
            own = (*own, default)
        if len(own) > _MOST_SETS:
            raise problem("InvalidArgument", f"{len(own):,} sets are too many; {_MOST_SETS:,} can be used together")
        index: dict[_Key, int] = {}
        for number, one in enumerate(own):
            if not isinstance(one, HaplotypeFrequencies):
                raise problem("WrongType", f"a list of HaplotypeFrequencies is needed, it has {one!r}")
            keys: list[_Key] = [(one.ethnicity, one.ion)]
            if one is default and keys != [(None, None)]:
                keys.append((None, None))
            for key in keys:
                if key in index:
                    raise problem(
                        "InvalidArgument",
                        f"the sets {own[index[key]].population!r} and {one.population!r} are both for {_words(key)}; label them "
                        "with ethnicity= or ion=, or leave one out",
                    )
                index[key] = number
        self._sets = own
        self._index = index
        self._default = index.get((None, None))

    @property
    def sets(self) -> tuple[HaplotypeFrequencies, ...]:
        """The sets, in the order given; a further default is last."""
        return self._sets

    @property
    def default(self) -> HaplotypeFrequencies | None:
        """The set for everyone else, if there is one."""
        return None if self._default is None else self._sets[self._default]

    def __len__(self) -> int:
        """Return the number of sets."""
        return len(self._sets)

    def choose(self, ethnicity: str | None = None, ion: str | int | None = None) -> HaplotypeFrequencies:
        """Return the set for a person.

        Args:
            ethnicity: The person's; None or blank if it is not known.
            ion: The ION of the person's registry, a number or its four digits; None or blank if it is not known.

        Raises:
            ArgumentError: There is no set for this person, nor one for everyone.
        """
        key = (_blank_is_none(ethnicity), ion_text(ion))
        found = self._find(key)
        if found is None:
            raise self._nothing_for([_words(key)])
        return self._sets[found]

    def choose_columns(self, ethnicity: Any = None, ion: Any = None, n: int = 0) -> npt.NDArray[np.uint16]:
        """Choose for many people at once; each distinct pair of labels is looked up once.

        Args:
            ethnicity: A column of text (a pyarrow array, a sequence); nulls and blanks are people of whom it is not known.
                None: it is known of nobody.
            ion: Likewise, of numbers or text.
            n: The number of people, where both columns are None.

        Returns:
            For each person the index of the set in :attr:`sets`: uint16, shape (n,).

        Raises:
            ArgumentError: Columns are of different lengths, or there is no set for someone; the message says for whom.
        """
        columns = [column for column in (ethnicity, ion) if column is not None]
        n = len(columns[0]) if columns else n
        if any(len(column) != n for column in columns):
            raise problem(
                "InvalidArgument",
                f"{len(columns[0]):,} ethnicities and {len(columns[1]):,} IONs; give one of each a row",
            )
        ethnicities, by_ethnicity = _distinct(ethnicity, n)
        ions, by_ion = _distinct(ion, n)
        pairs, inverse = np.unique(by_ethnicity * len(ions) + by_ion, return_inverse=True)
        keys = [(_blank_is_none(ethnicities[pair // len(ions)]), ion_text(ions[pair % len(ions)])) for pair in pairs]
        found = [self._find(key) for key in keys]
        if missing := [_words(key) for key, number in zip(keys, found, strict=True) if number is None]:
            raise self._nothing_for(missing)
        return np.array(found, np.uint16)[inverse]

    def _find(self, key: _Key) -> int | None:
        ethnicity, ion = key
        for candidate in ((ethnicity, ion), (None, ion), (ethnicity, None), (None, None)):
            if candidate in self._index:
                return self._index[candidate]
        return None

    def _nothing_for(self, people: list[str]) -> AllomatchError:
        everyone = "" if people == [_words((None, None))] else ", and none for everyone"
        return problem(
            "InvalidArgument",
            f"no frequency set for {'; '.join(people[:5])}{f' and {len(people) - 5:,} more' if len(people) > 5 else ''}"
            f"{everyone}; there are sets for {'; '.join(map(_words, self._index)) or 'nobody'}: add one, or give default=",
        )

    # --- folders ---

    @classmethod
    def from_folder(cls, path: str | os.PathLike[str], *, cache: bool = True) -> FrequencySets:
        """Read the sets of a folder, one a file.

        Where the folder has an index ``sets.json``, that says which files are sets and for whom::

            {"sets": [{"file": "CAU.csv.gz", "population": "CAU", "ethnicity": "CAU", "ion": "1234", "release": "3.58.0"},
                      {"file": "world.parquet"}],
             "default": "world.parquet"}

        All but ``file`` may be missing. Without an index every CSV (also ``.freqs``), Parquet and HFX file is a set. What it says
        of its ethnicity and ION holds; one that says neither is for the ethnicity of its population's name (``CAU.csv.gz``:
        ``CAU``), and the file called ``global`` is for everyone.

        Args:
            path: The folder.
            cache: As in :meth:`HaplotypeFrequencies.read`.

        Raises:
            FileAccessError: The folder or a file does not exist or cannot be read.
            FileFormatError: A file, or the index, is damaged.
            ArgumentError: The folder holds no sets, or two for the same people, or a set cannot be used.
            TypingError: A name is malformed.
        """
        folder = Path(path)
        try:
            names = sorted(
                entry.name for entry in folder.iterdir() if entry.is_file() and not entry.name.startswith(".")
            )
        except OSError as error:
            raise access_problem(f"cannot read the folder {str(folder)!r}", error, "check the path") from error
        if INDEX in names:
            return cls._indexed(folder, cache)
        sets = []
        for name in names:
            if name.lower().endswith(_ENDINGS):
                one = HaplotypeFrequencies.read(folder / name, cache=cache)
                if one.ethnicity is None and one.ion is None and name.partition(".")[0] != _EVERYONE:
                    one = one.labelled(ethnicity=one.population)
                sets.append(one)
        if not sets:
            raise problem(
                "InvalidArgument", f"{str(folder)!r} holds no frequency sets; they end in {', '.join(_ENDINGS)}"
            )
        return cls(sets)

    @classmethod
    def _indexed(cls, folder: Path, cache: bool) -> FrequencySets:
        where = folder / INDEX
        try:
            index = json.loads(where.read_bytes())
            rows = [({label: row.get(label) for label in _LABELS}, str(row["file"])) for row in index["sets"]]
            default = index.get("default")
        except (ValueError, KeyError, TypeError, AttributeError) as failure:
            raise problem(
                "CorruptFile", f"{str(where)!r} is no index of sets ({failure!r}); see docs/frequencies.md"
            ) from failure
        except OSError as error:
            raise access_problem(f"cannot read {str(where)!r}", error, "mend its permissions") from error
        if outside := [name for _, name in rows if Path(name).is_absolute() or ".." in Path(name).parts]:
            raise problem("CorruptFile", f"{str(where)!r} names {outside[0]!r}, which is not in its folder")
        sets = {name: HaplotypeFrequencies.read(folder / name, **labels, cache=cache) for labels, name in rows}
        if default is not None and default not in sets:
            raise problem("CorruptFile", f"{str(where)!r} has the default {default!r}, which is none of its sets")
        return cls(sets.values(), None if default is None else sets[default])

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the sets into a new folder, Parquet files and an index, whole or not at all.

        Args:
            path: The folder; it must not exist. It and its files are the user's own (0700, 0600).

        Raises:
            FileAccessError: It exists, or cannot be written.
        """
        folder = Path(path)
        if os.path.lexists(folder):
            raise problem("AlreadyExists", f"{str(folder)!r} exists; choose another name")
        making: Path | None = None
        try:
            making = Path(tempfile.mkdtemp(prefix=".partial-", dir=folder.parent))  # private from the start
            rows = []
            for number, one in enumerate(self._sets, 1):
                name = f"{number:03}.parquet"
                one.write(making / name)
                labels = {label: getattr(one, label) for label in _LABELS}
                rows.append({"file": name, **{label: value for label, value in labels.items() if value is not None}})
            default = None if self._default is None else rows[self._default]["file"]
            index = making / INDEX
            index.write_text(json.dumps({"sets": rows, "default": default}, indent=1), encoding="utf-8")
            index.chmod(0o600)
            making.rename(folder)
        except OSError as error:
            if isinstance(error, AllomatchError):
                raise
            raise access_problem(f"cannot write {str(folder)!r}", error, "check the folder and the disk") from error
        finally:
            if making is not None:
                with suppress(OSError):
                    shutil.rmtree(making)

    def __repr__(self) -> str:
        return f"FrequencySets({[one.population for one in self._sets]}, default={self.default and self.default.population!r})"


def _blank_is_none(text: Any) -> str | None:
    if text is not None and not isinstance(text, str):
        raise problem("WrongType", f"an ethnicity is a text, this is {text!r}")
    return text if text and text.strip() else None


def _words(key: _Key) -> str:
    said = [f"{what} {value!r}" for what, value in zip(("ethnicity", "ION"), key, strict=True) if value is not None]
    return " and ".join(said) or "everyone"


def _distinct(column: Any, n: int) -> tuple[list[Any], npt.NDArray[np.int64]]:
    """Return the distinct values of a column and each row's index; of no column, None for all rows."""
    if column is None:
        return [None], np.zeros(n, np.int64)
    try:
        column = column if isinstance(column, (pa.Array, pa.ChunkedArray)) else pa.array(column, from_pandas=True)
        column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
        if pa.types.is_dictionary(column.type):
            column = pc.cast(column, column.type.value_type)
        coded = pc.dictionary_encode(column, null_encoding="encode")
    except (pa.ArrowException, TypeError, ValueError) as failure:
        raise problem("WrongType", f"this {type(column).__name__} is no column of labels: {failure}") from failure
    values, codes = codes_of(coded)
    return values.to_pylist(), codes.astype(np.int64)
