# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""The fastest straightforward scan: a compiled loop that leaves a donor as soon as the budget is spent.

What: up to five gathers a donor, two threads (each a half of the rows, without the GIL), the loci in the order in which
they exclude most donors of a sample. Invariants: plain C of any compiler at -O3, no instruction set beyond the
default; every typing id is within its verdict table (checked once a search by the tables' lengths against the largest
id, found at loading). Why threads of `concurrent.futures` and not OpenMP: the same speed, and one build flag less.
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from libc.stdint cimport int32_t, int64_t, uint8_t

_SAMPLE = 4096
_LOCI = 5


cdef int64_t _scan(
    const int32_t* a, const int32_t* b, const int32_t* c, const int32_t* d, const int32_t* e,
    const uint8_t* va, const uint8_t* vb, const uint8_t* vc, const uint8_t* vd, const uint8_t* ve,
    int64_t start, int64_t stop, int budget, int64_t* found,
) noexcept nogil:
    cdef int64_t row, count = 0
    cdef int mismatches
    for row in range(start, stop):
        mismatches = va[a[row]]
        if mismatches > budget:
            continue
        mismatches += vb[b[row]]
        if mismatches > budget:
            continue
        mismatches += vc[c[row]]
        if mismatches > budget:
            continue
        mismatches += vd[d[row]]
        if mismatches > budget:
            continue
        mismatches += ve[e[row]]
        if mismatches > budget:
            continue
        found[count] = row
        count += 1
    return count


def _part(columns, tables, int64_t start, int64_t stop, int budget):
    """Rows of start..stop-1 within the budget."""
    cdef const int32_t[::1] a = columns[0], b = columns[1], c = columns[2], d = columns[3], e = columns[4]
    cdef const uint8_t[::1] va = tables[0], vb = tables[1], vc = tables[2], vd = tables[3], ve = tables[4]
    if start == stop:
        return np.empty(0, dtype=np.int64)
    # Room for every row; pages that are never written are never real.
    result = np.empty(stop - start, dtype=np.int64)
    cdef int64_t[::1] found = result
    cdef int64_t count
    with nogil:
        count = _scan(&a[0], &b[0], &c[0], &d[0], &e[0], &va[0], &vb[0], &vc[0], &vd[0], &ve[0], start, stop, budget,
                      &found[0])
    return result[:count].copy()


class Scan:
    """Early-exit loop over five columns, two threads."""

    name = "cython"

    def __init__(self, columns, *, int threads=2):
        """Keep the columns (locus -> int32 typing ids, shape (n,)) as they are."""
        if not 1 <= len(columns) <= _LOCI:
            raise ValueError(f"{len(columns)} loci: this scan takes one to {_LOCI}")
        self._columns = {locus: np.ascontiguousarray(ids, dtype=np.int32) for locus, ids in columns.items()}
        self._rows = len(next(iter(self._columns.values())))
        if any(len(ids) != self._rows for ids in self._columns.values()):
            raise ValueError("the columns differ in length")
        self._largest = {locus: int(ids.max(initial=-1)) for locus, ids in self._columns.items()}
        self._smallest = {locus: int(ids.min(initial=0)) for locus, ids in self._columns.items()}
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads)

    def search(self, verdicts, int max_mismatches):
        """Rows with at most `max_mismatches`, ascending, int64; `verdicts` as in `Scan` of the package."""
        tables = {locus: np.ascontiguousarray(verdicts[locus], dtype=np.uint8) for locus in self._columns}
        for locus, table in tables.items():
            if len(table) <= self._largest[locus] or self._smallest[locus] < 0:
                raise IndexError(f"{locus}: a typing id is outside the {len(table)} verdicts")
        sample = slice(None, None, max(1, self._rows // _SAMPLE))
        loci = sorted(tables, key=lambda locus: -int(tables[locus][self._columns[locus][sample]].sum()))
        ordered = [self._columns[locus] for locus in loci]
        of_loci = [tables[locus] for locus in loci]
        # With fewer loci the last places count nothing: the first column again, against a table of zeros.
        nothing = np.zeros(len(of_loci[0]), dtype=np.uint8)
        ordered += [ordered[0]] * (_LOCI - len(loci))
        of_loci += [nothing] * (_LOCI - len(loci))
        bounds = [self._rows * part // self._threads for part in range(self._threads + 1)]
        parts = [
            self._pool.submit(_part, ordered, of_loci, start, stop, max_mismatches)
            for start, stop in zip(bounds[:-1], bounds[1:])
        ]
        return np.concatenate([part.result() for part in parts])
