"""Kinds of networks that are built anew from a config.

Not here: the layers (`detlite.convert.rebuild.network`), and backbones with their normalization, which are families
(`detlite.convert.rebuild.odapi.families`).

Add an architecture as one file, see `detlite.convert.rebuild.architecture`.
"""
