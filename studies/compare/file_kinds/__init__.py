"""Kinds of files that can be compared, one file each.

Each says which two sides it can compare. Comparing two saved records is not here but in
`detlite.studies.compare.run_kinds`.

Add a kind as one file with `PLUGIN = Comparer(...)`, see `detlite.studies.compare.file_comparison.Comparer`.
"""
