"""Families of detectors, one file each: the scopes and normalization of its graphs, and its feature extractors.

The layers are in `detlite.convert.rebuild.network`, not here.

Add a family as one file with `PLUGIN = Family(...)`, see `detlite.convert.rebuild.odapi.family.Family`.
"""
