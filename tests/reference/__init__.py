"""The oracle: a slow, obvious matcher in pure Python, held against the truth and then used to hold the core.

What: names and releases (`nomenclature`), typings (`phenotype`), the counts of one pair (`match`), a search over all
donors (`search`), and where the data lies (`truth`). Invariants: the standard library only, never `allomatch` itself,
and every count is found by trying out all resolutions. Why: two fast kernels that agree with each other can both be
wrong; this package is written so that a reader can see that it is right.
"""
