"""Reader of pickles as plain data: nothing that a pickle names is imported, and nothing is called.

Python's own unpickler is not used, even with a guarded `find_class`: a few bytes make it allocate gigabytes, and a
`BUILD` changes whatever object is on the stack. `pickletools` splits a pickle into opcodes without running them.
"""

from __future__ import annotations

import pickletools
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import IO, Any

from detlite.runtime.errors import InputError

MAX_OPCODES = 1_000_000
"""The most opcodes of one pickle; a module of 20 million parameters has 12,000."""

ORDERED = ("collections", "OrderedDict")
ENTRY_KEYS = (str, int, bytes, float, type(None))
"""The types of keys that are kept: hashing others can take unbounded time, and no weight has such a name."""


@dataclass(frozen=True)
class PickledName:
    """A class or function that a pickle names."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(eq=False)
class PickledObject:
    """What a pickle would make by calling something; it was not called.

    Attributes:
        maker: what would be called: a `PickledName`, or whatever else the pickle has there.
        arguments: of the call.
        state: what the object would be restored from, or None.
        entries: the entries that would be set in it, if it is a mapping.
    """

    maker: Any
    arguments: tuple[Any, ...]
    state: Any = None
    entries: dict[Any, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class PersistentId:
    """A reference to something outside the pickle."""

    key: Any


@dataclass(frozen=True, eq=False)
class Pickle:
    """What a pickle holds.

    Attributes:
        value: its value.
        references: what it refers to outside itself, in its order.
    """

    value: Any
    references: tuple[PersistentId, ...]


def read_pickle(stream: IO[bytes]) -> Pickle:
    """Return the pickle at the start of *stream*, which is left at the pickle's end.

    Dictionaries, lists, tuples, sets (as lists), numbers and texts are Python's own; an `OrderedDict` is a `dict`.
    Everything else is a `PickledName`, `PickledObject` or `PersistentId`.

    Raises:
        InputError: it is damaged, cut short or too long; the caller adds the name of the file to the message.
    """
    machine = _Machine()
    count = 0
    try:
        for opcode, argument, _at in pickletools.genops(stream):
            count += 1
            if count > MAX_OPCODES:
                raise InputError(f"its pickle has more than {MAX_OPCODES} opcodes")
            if opcode.name == "STOP":
                return Pickle(machine.pop(), tuple(machine.references))
            machine.step(opcode.name, argument)
    except (ValueError, IndexError, KeyError, OverflowError, MemoryError, struct.error) as error:
        text = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise InputError(f"its pickle is damaged or cut short: {text}") from error
    raise InputError("its pickle has no end")


class _Machine:
    """The stack of a pickle and its memo."""

    def __init__(self) -> None:
        self.references: list[PersistentId] = []
        self._stack: list[Any] = []
        self._marks: list[int] = []
        self._memo: dict[int, Any] = {}

    def pop(self) -> Any:
        floor = self._marks[-1] if self._marks else 0
        if len(self._stack) <= floor:
            raise IndexError("an opcode finds nothing on the stack")
        return self._stack.pop()

    def step(self, name: str, argument: Any) -> None:
        if name in PUSHES:
            self._stack.append(argument)
        elif name in MAKERS:
            self._stack.append(MAKERS[name]())
        elif name in STEPS:
            STEPS[name](self, argument)
        else:
            raise InputError(f"its pickle has the opcode {name}, which no file of weights needs")

    def popped(self, count: int) -> list[Any]:
        return [self.pop() for _number in range(count)][::-1]

    def to_mark(self) -> list[Any]:
        start = self._marks.pop()
        items, self._stack[start:] = self._stack[start:], []
        return items

    def _top(self) -> Any:
        value = self.pop()
        self._stack.append(value)
        return value

    def mark(self, _argument: Any) -> None:
        self._marks.append(len(self._stack))

    def drop(self, _argument: Any) -> None:
        if self._marks and self._marks[-1] == len(self._stack):
            self._marks.pop()
        else:
            self.pop()

    def dropto_mark(self, _argument: Any) -> None:
        self.to_mark()

    def again(self, _argument: Any) -> None:
        self._stack.append(self._top())

    def remember(self, number: Any) -> None:
        self._memo[len(self._memo) if number is None else number] = self._top()

    def recall(self, number: Any) -> None:
        self._stack.append(self._memo[number])

    def collect(self, make: Callable[[list[Any]], Any]) -> None:
        self._stack.append(make(self.to_mark()))

    def tuple_of(self, count: int) -> None:
        self._stack.append(tuple(self.popped(count)))

    def extend(self, items: list[Any]) -> None:
        """Append *items* to a list; those of an object are dropped, as no weight is there."""
        target = self._top()
        if isinstance(target, list):
            target.extend(items)

    def set_items(self, items: list[Any]) -> None:
        target = self._top()
        entries = target.entries if isinstance(target, PickledObject) else target
        if not isinstance(entries, dict):
            raise InputError("its pickle sets entries in something that is not a mapping")
        entries.update(_entries(items))

    def name_of(self, argument: Any) -> None:
        module, _, name = str(argument).partition(" ")
        self._stack.append(PickledName(module, name))

    def name_on_stack(self, _argument: Any) -> None:
        module, name = self.popped(2)
        if not isinstance(module, str) or not isinstance(name, str):
            raise InputError("its pickle names a class by something that is not text")
        self._stack.append(PickledName(module, name))

    def call(self, _argument: Any) -> None:
        maker, arguments = self.popped(2)
        self._made(maker, arguments)

    def call_with_keywords(self, _argument: Any) -> None:
        maker, arguments, _keywords = self.popped(3)
        self._made(maker, arguments)

    def call_on_mark(self, _argument: Any) -> None:
        maker, *arguments = self.to_mark()
        self._made(maker, tuple(arguments))

    def call_named(self, argument: Any) -> None:
        self.name_of(argument)
        maker = self.pop()
        self._made(maker, tuple(self.to_mark()))

    def _made(self, maker: Any, arguments: Any) -> None:
        if not isinstance(arguments, tuple):
            raise InputError("its pickle has a call whose arguments are not a tuple")
        if maker == PickledName(*ORDERED):
            pairs = arguments[0] if arguments and isinstance(arguments[0], list) else []
            flat = [part for pair in pairs if isinstance(pair, list | tuple) and len(pair) == 2 for part in pair]
            self._stack.append(_entries(flat))
        else:
            self._stack.append(PickledObject(maker, arguments))

    def restore(self, _argument: Any) -> None:
        target, state = self.popped(2)
        if isinstance(target, PickledObject):
            target.state = state
        self._stack.append(target)

    def refer(self, key: Any) -> None:
        self.references.append(PersistentId(key))
        self._stack.append(self.references[-1])


def _entries(items: list[Any]) -> dict[Any, Any]:
    """Return the entries that alternate in *items*: key, value, key, value."""
    pairs = zip(items[::2], items[1::2], strict=True)
    return {key: value for key, value in pairs if isinstance(key, ENTRY_KEYS)}


PUSHES = (
    *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
    *("STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"),
    *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
)
"""Opcodes that push their own argument."""

MAKERS: Mapping[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_LIST": list,
    "EMPTY_TUPLE": tuple,
    "EMPTY_DICT": dict,
    "EMPTY_SET": list,
}

STEPS: Mapping[str, Callable[[_Machine, Any], None]] = {
    "PROTO": lambda _machine, _argument: None,
    "FRAME": lambda _machine, _argument: None,
    "MARK": _Machine.mark,
    "POP": _Machine.drop,
    "POP_MARK": _Machine.dropto_mark,
    "DUP": _Machine.again,
    "MEMOIZE": _Machine.remember,
    **dict.fromkeys(("PUT", "BINPUT", "LONG_BINPUT"), _Machine.remember),
    **dict.fromkeys(("GET", "BINGET", "LONG_BINGET"), _Machine.recall),
    "TUPLE1": lambda machine, _argument: machine.tuple_of(1),
    "TUPLE2": lambda machine, _argument: machine.tuple_of(2),
    "TUPLE3": lambda machine, _argument: machine.tuple_of(3),
    "TUPLE": lambda machine, _argument: machine.collect(tuple),
    "LIST": lambda machine, _argument: machine.collect(list),
    "FROZENSET": lambda machine, _argument: machine.collect(list),
    "DICT": lambda machine, _argument: machine.collect(_entries),
    "APPEND": lambda machine, _argument: machine.extend([machine.pop()]),
    "APPENDS": lambda machine, _argument: machine.extend(machine.to_mark()),
    "ADDITEMS": lambda machine, _argument: machine.extend(machine.to_mark()),
    "SETITEM": lambda machine, _argument: machine.set_items(machine.popped(2)),
    "SETITEMS": lambda machine, _argument: machine.set_items(machine.to_mark()),
    "GLOBAL": _Machine.name_of,
    "STACK_GLOBAL": _Machine.name_on_stack,
    "REDUCE": _Machine.call,
    "NEWOBJ": _Machine.call,
    "NEWOBJ_EX": _Machine.call_with_keywords,
    "OBJ": _Machine.call_on_mark,
    "INST": _Machine.call_named,
    "BUILD": _Machine.restore,
    "PERSID": _Machine.refer,
    "BINPERSID": lambda machine, _argument: machine.refer(machine.pop()),
}
"""What the other opcodes do to the stack (`pickletools` describes each); the rest need an extension registry."""
