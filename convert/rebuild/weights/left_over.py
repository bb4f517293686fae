"""What a checkpoint holds beside the variables that a detector takes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

MOST_NAMED = 5

KINDS: tuple[tuple[str, str, re.Pattern[str]], ...] = (
    ("moving_averages", "moving averages", re.compile(r"/ExponentialMovingAverage$|/\.OPTIMIZER_SLOT/.*/average$")),
    (
        "optimizer",
        "optimizer slots",
        re.compile(
            r"(^|/)(Momentum|RMSProp|Adam|AdamW?eightDecay|AdamW|Adagrad|Adadelta|Ftrl|LARS\w*|adam_[mv])(_\d+)?$"
            r"|(^|/)beta[12]_power(_\d+)?$|/\.OPTIMIZER_SLOT/|^_?optimizer/"
        ),
    ),
    ("zero_debias", "zero-debias helpers", re.compile(r"/(biased|local_step)$")),
    ("ranges", "quantization ranges", re.compile(r"_quant(_\d+)?/(min|max)$")),
    (
        "counters",
        "counters",
        re.compile(r"^(global_step|step|train_step|save_counter|epoch|current_epoch|iterations|current_loss_scale)$"),
    ),
)
"""Field of `LeftOver`, what it is called, and the names; the first that matches counts (specs, section 9)."""


@dataclass(frozen=True)
class LeftOver:
    """The names of the variables that nobody took, by what they are for.

    Attributes:
        optimizer: slots and powers that only training goes on with.
        moving_averages: averages of variables that were taken as they are, or were not taken.
        counters: steps, epochs.
        zero_debias: helpers of averages with zero debias.
        ranges: trained quantization ranges.
        unused: variables of layers that this detector does not have.
    """

    optimizer: tuple[str, ...] = ()
    moving_averages: tuple[str, ...] = ()
    counters: tuple[str, ...] = ()
    zero_debias: tuple[str, ...] = ()
    ranges: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return one line: how many of each kind, and the names of the first unused ones; empty where none is."""
        said = [f"{len(names)} {title}" for field, title, _ in KINDS if (names := getattr(self, field))]
        if self.unused:
            more = len(self.unused) - MOST_NAMED
            some = ", ".join(self.unused[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
            said.append(f"{len(self.unused)} of layers that this detector does not have: {some}")
        return "; ".join(said)


def classify(names: Iterable[str]) -> LeftOver:
    """Return *names*, sorted into their kinds."""
    found: dict[str, list[str]] = {}
    for name in sorted(names):
        kind = next((field for field, _title, pattern in KINDS if pattern.search(name)), "unused")
        found.setdefault(kind, []).append(name)
    return LeftOver(**{kind: tuple(members) for kind, members in found.items()})
