"""The one place that says which detlite this is; `pyproject.toml` reads it from here."""

__version__ = "0.1.0"

SCHEMA_VERSION = 1
"""Of every JSON record that has no version of its own."""
