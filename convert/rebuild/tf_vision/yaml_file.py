"""Reading a YAML file of TF-Vision: plain values alone, and `!!python/tuple`, which its trainer writes."""

from __future__ import annotations

import re
from collections.abc import Hashable
from pathlib import Path
from typing import Any

from detlite.convert.extras import install_line
from detlite.runtime.errors import InputError, MissingToolError
from detlite.runtime.limited_file import read_limited

TUPLE = "tag:yaml.org,2002:python/tuple"
FLOAT = "tag:yaml.org,2002:float"
EXPONENT = re.compile(r"[-+]?[0-9][0-9_]*(\.[0-9_]*)?[eE][-+]?[0-9]+$")
"""Numbers such as 1e-5, which are texts in YAML 1.1 and numbers in TF-Vision."""

LARGEST_FILE_BYTES = 1 << 20
MOST_VALUES = 100_000  # with aliases counted as often as they occur; a params.yaml has about 300
DEEPEST = 20

TOO_LARGE = "is too large or too deep: it is not a params.yaml"
UNREADABLE = (ValueError, LookupError, TypeError, AttributeError)
"""What PyYAML raises, besides its own errors, for a value that does not fit its tag: `!!bool abc`, `!!map [1]`."""


def load_yaml() -> Any:
    """Return the module `yaml`.

    Raises:
        MissingToolError: it is not installed.
    """
    try:
        import yaml
    except ModuleNotFoundError as error:
        raise MissingToolError(
            f"PyYAML is not installed, but a params.yaml needs it: {install_line('convert')}"
        ) from error
    return yaml


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the mapping in the YAML file at *path*: dictionaries with texts as keys, lists, and plain values.

    Raises:
        InputError: it cannot be read, is not YAML, has other tags, or is no mapping.
        MissingToolError: PyYAML is not installed.
    """
    yaml = load_yaml()
    try:
        text = read_limited(path, "a params.yaml", LARGEST_FILE_BYTES).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path} cannot be read as a YAML file: {error}") from error
    try:
        loaded = yaml.load(text, Loader=_loader(yaml))  # a subclass of the safe loader
    except RecursionError as error:
        raise InputError(f"{path} {TOO_LARGE}") from error
    except (*UNREADABLE, yaml.YAMLError) as error:
        said = " ".join(str(error).split())[:200]
        raise InputError(f"{path} is not YAML that detlite reads: {type(error).__name__}: {said}") from error
    if not isinstance(loaded, dict):
        raise InputError(f"{path} is not a params.yaml: want a mapping with the keys task, trainer and runtime")
    return dict(_Plain(path).of(loaded))


def _loader(yaml: Any) -> Any:
    class Loader(yaml.SafeLoader):  # type: ignore[misc]  # yaml has no types
        """The safe loader with the one further tag that a params.yaml has; a key may not occur twice."""

        def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:
            keys = [self.construct_object(key, deep=True) for key, _value in node.value]
            twice = _repeated(keys)
            if twice is not None:
                raise yaml.constructor.ConstructorError(None, None, f"the key {twice} occurs twice", node.start_mark)
            return dict(super().construct_mapping(node, deep))

    Loader.add_constructor(TUPLE, lambda loader, node: loader.construct_sequence(node, deep=True))
    Loader.add_implicit_resolver(FLOAT, EXPONENT, list("-+0123456789"))
    return Loader


def _repeated(keys: list[Any]) -> Any:
    """Return the first of *keys* that occurs twice, or None; PyYAML refuses those that cannot be keys."""
    seen = set()
    for key in keys:
        if isinstance(key, Hashable):
            if key in seen:
                return key
            seen.add(key)
    return None


class _Plain:
    """A copy of loaded values whose aliases are copies too, up to a size and a depth."""

    def __init__(self, path: Path) -> None:
        self._path, self._left = path, MOST_VALUES

    def of(self, value: Any, depth: int = 0) -> Any:
        self._left -= 1
        if self._left < 0 or depth > DEEPEST:
            raise InputError(f"{self._path} {TOO_LARGE}")
        if isinstance(value, dict):
            other = next((key for key in value if not isinstance(key, str)), None)
            if other is not None:
                raise InputError(f"{self._path}: the key {other!r} is not a name")
            return {key: self.of(inner, depth + 1) for key, inner in value.items()}
        return [self.of(inner, depth + 1) for inner in value] if isinstance(value, list) else value
