"""The named tensors of what `torch.save` pickled: a state dict, a module, or a training checkpoint around either."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from detlite.convert.files.pickled import PickledName, PickledObject
from detlite.runtime.errors import InputError

TENSORS = ("_rebuild_tensor_v2", "_rebuild_tensor")
PARAMETERS = ("_rebuild_parameter", "_rebuild_parameter_with_state")
"""Functions of `torch._utils`, by which tensors and parameters are pickled."""

AROUND = ("state_dict", "model_state_dict", "model")
"""Entries in which training scripts put the state dict, or the module."""

PARALLEL = "module."
"""What `DataParallel` puts before each name."""

MAX_DEPTH = 50
MAX_MODULES = 50_000
MAX_TENSORS = 100_000
"""A hostile file can nest modules without end, or let them share children, so that walking them never ends."""


@dataclass(frozen=True, eq=False)
class StoredTensor:
    """A tensor in a storage, as its pickle describes it; nothing is checked.

    Attributes:
        storage: a reference to the storage.
        offset: of its first value in the storage.
        shape: its sides.
        strides: in values, one for each side.
    """

    storage: Any
    offset: Any
    shape: tuple[Any, ...]
    strides: tuple[Any, ...]


def tensors_of(value: Any) -> dict[str, StoredTensor]:
    """Return the tensors of *value*, which `read_pickle` returned, by their names in the state dict.

    Raises:
        InputError: its modules are nested too deeply, or there are too many.
    """
    found: dict[str, StoredTensor] = {}
    for path, owner in _owners(_without_wrapper(value)):
        for entries in owner:
            named = {f"{path}{name}": _tensor(one) for name, one in entries.items()}
            found |= {name: tensor for name, tensor in named.items() if tensor is not None}
        if len(found) > MAX_TENSORS:
            raise InputError(f"it holds more than {MAX_TENSORS} tensors")
    if all(name.startswith(PARALLEL) for name in found):
        return {name.removeprefix(PARALLEL): tensor for name, tensor in found.items()}
    return found


def _without_wrapper(value: Any) -> Any:
    for _level in range(MAX_DEPTH):
        inner = next((value[key] for key in AROUND if _is_mapping(value.get(key))), None) if _is_dict(value) else None
        if inner is None:
            return value
        value = inner
    raise InputError(f"its entries are nested more than {MAX_DEPTH} times")


def _is_dict(value: Any) -> bool:
    return isinstance(value, dict)


def _is_mapping(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, PickledObject) and isinstance(value.state, dict))


def _owners(value: Any) -> Iterator[tuple[str, list[dict[Any, Any]]]]:
    """Yield (path, entries that may be tensors) of a state dict, or of each module in *value*."""
    if isinstance(value, dict):
        yield "", [value]
        return
    modules, count = [(value, "", 0)], 0
    while modules:
        module, path, depth = modules.pop()
        count += 1
        if depth > MAX_DEPTH or count > MAX_MODULES:
            raise InputError(f"it nests modules more than {MAX_DEPTH} times, or holds more than {MAX_MODULES}")
        state = module.state if isinstance(module, PickledObject) and isinstance(module.state, dict) else {}
        yield path, [_entries(state.get(group)) for group in ("_parameters", "_buffers")]
        children = _entries(state.get("_modules")).items()
        modules += [(child, f"{path}{name}.", depth + 1) for name, child in children][::-1]


def _entries(value: Any) -> dict[Any, Any]:
    return value if isinstance(value, dict) else {}


def _tensor(value: Any) -> StoredTensor | None:
    """Return the tensor or parameter *value*, or None if it is neither."""
    while _made_by(value, PARAMETERS) and value.arguments:
        value = value.arguments[0]
    if not _made_by(value, TENSORS) or len(value.arguments) < 4:
        return None
    storage, offset, shape, strides = value.arguments[:4]
    return StoredTensor(storage, offset, _sides(shape), _sides(strides))


def _made_by(value: Any, functions: tuple[str, ...]) -> bool:
    maker = value.maker if isinstance(value, PickledObject) else None
    return isinstance(maker, PickledName) and maker.module == "torch._utils" and maker.name in functions


def _sides(value: Any) -> tuple[Any, ...]:
    """Return the numbers of a tuple, or of a `torch.Size`, which is made from one."""
    if isinstance(value, PickledObject) and len(value.arguments) == 1:
        value = value.arguments[0]
    return tuple(value) if isinstance(value, tuple | list) else (None,)
