"""The published detectors: a catalogue of them, and how to download, check and cache one.

`catalogue.json` holds the facts of the published tables; `sources.py` says where a model can be downloaded from.
Nothing here reads a model: `detlite.convert.load` does. Add a model as an entry of `catalogue.json`, and a kind of
source as a class with the attributes of `sources.ModelSource`.
"""
