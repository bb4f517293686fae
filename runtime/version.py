"""The one place that says which detlite this is; `pyproject.toml` reads it from here."""

__version__ = "0.1.0"
