"""Families of detectors, one file each: what a family's graphs look like, and what builds it anew.

The layers are in `detlite.convert.rebuild.network`, not here.

Add a family as one file with `PLUGIN = Family(...)`, see `detlite.convert.rebuild.odapi.family.Family`.
"""
