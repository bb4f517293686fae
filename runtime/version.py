"""detlite's version, defined only here; `pyproject.toml` reads it."""

__version__ = "0.1.0"

SCHEMA_VERSION = 1
"""Version of every JSON record that does not have its own."""
