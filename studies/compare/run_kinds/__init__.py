"""Kinds of runs, one file each: its name is the record's schema without `detlite.`, and `PLUGIN` is a `Kind`."""
