"""Readers of trained models, one format per file, each with a `PLUGIN` of type `detlite.convert.reader.Reader`."""
