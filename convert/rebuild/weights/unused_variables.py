"""The variables of a checkpoint that a network does not use, sorted by purpose."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

MAX_LISTED = 5

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
    ("whole_image_blocks", "last blocks for the whole image", re.compile(r"^FirstStageFeatureExtractor/[^/]+/block4/")),
    ("zero_debias", "zero-debias helpers", re.compile(r"/(biased|local_step)$")),
    (
        "ranges",
        "quantization ranges",
        re.compile(
            r"_quant(_\d+)?/(min|max)$|/(\w*kernel|output|post_activation|quantize_layer(_\d+)?"
            r"|reduce_mean_quantizer_vars|add_three|divide_six)_(min|max)$"
        ),
    ),
    (
        "counters",
        "counters",
        re.compile(
            r"^(global_step|step|train_step|save_counter|epoch|current_epoch|iterations|current_loss_scale)$"
            r"|(^|\.)num_batches_tracked$|_rng/_state_var$|/optimizer_step$"
        ),
    ),
)
"""(field of `UnusedVariables`, title, pattern of the names); the first match counts (specs, section 9)."""


@dataclass(frozen=True)
class UnusedVariables:
    """The names of the variables that a network did not use, by purpose.

    Attributes:
        optimizer: optimizer slots and powers, which only training needs.
        moving_averages: moving averages of variables that were read without averaging, or not read.
        counters: steps, epochs, and states of random generators.
        whole_image_blocks: variables of a block that the OD API also builds for the whole image, and never uses.
        zero_debias: helper variables of zero-debiased averages.
        ranges: trained quantization ranges.
        layers: variables of layers that this detector does not have.
    """

    optimizer: tuple[str, ...] = ()
    moving_averages: tuple[str, ...] = ()
    counters: tuple[str, ...] = ()
    whole_image_blocks: tuple[str, ...] = ()
    zero_debias: tuple[str, ...] = ()
    ranges: tuple[str, ...] = ()
    layers: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return one line: the number of each kind, and the names of the first few `layers`; "" if there are none."""
        counts = [f"{len(names)} {title}" for field, title, _ in KINDS if (names := getattr(self, field))]
        if self.layers:
            more = len(self.layers) - MAX_LISTED
            some = ", ".join(self.layers[:MAX_LISTED]) + (f" and {more} more" if more > 0 else "")
            counts.append(f"{len(self.layers)} of layers that this detector does not have: {some}")
        return "; ".join(counts)


def classify(names: Iterable[str]) -> UnusedVariables:
    """Return *names* sorted by purpose."""
    found: dict[str, list[str]] = {}
    for name in sorted(names):
        kind = next((field for field, _title, pattern in KINDS if pattern.search(name)), "layers")
        found.setdefault(kind, []).append(name)
    return UnusedVariables(**{kind: tuple(members) for kind, members in found.items()})
