"""Stages of a sweep that do nothing but answer: for tests of what happens around them."""

import itertools
from collections.abc import Callable
from pathlib import Path

from detlite.studies.store.entry import Digests
from detlite.studies.sweep.graph import Stage
from detlite.studies.sweep.work import ARTIFACTS, StageInput, StageResult

KINDS = ("fetch", "convert", "quantize", "export", "compile", "measure", "evaluate")


def fake_stage(kind: str = "measure", name: str = "a", *, needs: str | None = None, device: str | None = None) -> Stage:
    """A stage of that *kind* of the model *name*."""
    digests = Digests(model=name, device="board" if kind == "measure" else "")
    return Stage(digests.key(kind), kind, digests, {"model": name}, {"name": name}, needs, device)


class FakeWork:
    """What fake stages do: an artifact of one file, or a figure with samples that are new each time."""

    def __init__(self, *, fails: Exception | None = None) -> None:
        self.fails = fails
        self.calls: list[str] = []
        self._numbers = itertools.count()
        self.kinds = {kind: self._does(kind) for kind in KINDS}

    def _does(self, kind: str) -> Callable[[StageInput], StageResult]:
        def work(asked: StageInput) -> StageResult:
            self.calls.append(kind)
            number = next(self._numbers)
            if kind in ARTIFACTS:
                asked.out.mkdir()
                Path(asked.out, "model.tflite").write_bytes(b"model")
            if self.fails is not None:
                raise self.fails
            same = {"evaluate": b"scores"}
            return StageResult({"number": number}, dict(asked.request), {"samples": same.get(kind, b"%d" % number)})

        return work
