"""Which operators run on a different processor in one model than in another."""

from __future__ import annotations

from dataclasses import dataclass

from detlite.convert.targets.edgetpu.predict import Fate, Prediction

Key = tuple[str, ...]


@dataclass(frozen=True)
class Moved:
    """Predicted changes from an old model to a new one.

    Attributes:
        to_chip: operators in both, on the CPU in the old and on the Edge TPU in the new.
        to_cpu: the reverse.
        gone: operators only in the old, with where they ran.
        come: operators only in the new, with where they run.
    """

    to_chip: tuple[str, ...]
    to_cpu: tuple[str, ...]
    gone: tuple[str, ...]
    come: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        """Whether no operator moved."""
        return not (self.to_chip or self.to_cpu or self.gone or self.come)


def moved(old: Prediction, new: Prediction) -> Moved:
    """Return which operators moved from *old* to *new*; operators are matched by the names of their outputs."""
    before, after = _by_outputs(old), _by_outputs(new)
    both = [(fate, after[key]) for key, fate in before.items() if key in after]
    return Moved(
        to_chip=tuple(_said(b) for a, b in both if b.mapped and not a.mapped),
        to_cpu=tuple(_said(b) for a, b in both if a.mapped and not b.mapped),
        gone=tuple(_placed(fate) for key, fate in before.items() if key not in after),
        come=tuple(_placed(fate) for key, fate in after.items() if key not in before),
    )


def _by_outputs(prediction: Prediction) -> dict[Key, Fate]:
    pairs = zip(prediction.graph.operators, prediction.fates, strict=True)
    return {(op.name, *(tensor.name for tensor in op.outputs)): fate for op, fate in pairs}


def _said(fate: Fate) -> str:
    return f"{fate.index} {fate.name}" + ("" if fate.mapped else f": {fate.reason}")


def _placed(fate: Fate) -> str:
    return f"{fate.index} {fate.name} ({'Edge TPU' if fate.mapped else 'CPU'})"
