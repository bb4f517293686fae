"""Kinds of records that can be compared, one file each.

The file's name is the schema of the record without `detlite.`, and the name of the record's file in a folder.
Comparing two models themselves is not here but in `detlite.studies.compare.file_kinds`.

Add a kind as one file with `PLUGIN = RunKind(...)`, see `detlite.studies.compare.run_kind.RunKind`.
"""
