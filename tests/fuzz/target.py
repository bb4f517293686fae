"""What is fuzzed: a reader, valid input of it, and how that input is changed."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from fuzz.mutations import Mutation, blind


@dataclass(frozen=True)
class Target:
    """A reader of files.

    Attributes:
        name: of the reader; for a plug-in its folder and its name, such as `convert.readers.frozen_graph`.
        seed: writes valid input to an empty folder; called once.
        read: reads that folder; it may return anything, and raise `DetliteError` alone.
        mutations: how a file is changed, by the pattern of its name; the first that matches counts.
        heavy: whether it needs TensorFlow or an interpreter, which takes seconds to import.
        may_abort: the reader's native code may end the process on damaged input; detlite reads such input in a
            child process, whose death is one error.
    """

    name: str
    seed: Callable[[Path], object]
    read: Callable[[Path], object]
    mutations: Mapping[str, tuple[Mutation, ...]] = field(default_factory=lambda: {"*": (blind,)})
    heavy: bool = False
    may_abort: bool = False

    def mutated(self, rng: random.Random, files: Mapping[Path, bytes]) -> tuple[Path, bytes]:
        """Return one of *files* and its changed content."""
        known = [(path, found) for path in sorted(files) if (found := self._mutations(path))]
        path, mutations = rng.choice(known)
        data = files[path]
        for _ in range(rng.choice((1, 1, 1, 2))):
            data = rng.choice(mutations)(rng, data)
        return path, data

    def _mutations(self, path: Path) -> tuple[Mutation, ...]:
        return next((found for pattern, found in self.mutations.items() if path.match(pattern)), ())
