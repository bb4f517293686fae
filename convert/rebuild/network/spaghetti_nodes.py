"""The three SpaghettiNets for Edge TPU, node by node (OD API, `ssd_spaghettinet_feature_extractor`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Inverted:
    """An inverted bottleneck: 1x1 up to *expansion* times the node's channels, depthwise, 1x1 down."""

    kernel: int
    expansion: int
    stride: int = 1


@dataclass(frozen=True)
class Grouped:
    """A fused bottleneck: full convolutions of *groups* slices, each to *expansion* times its channels, 1x1 down."""

    kernel: int
    expansion: int
    groups: int
    stride: int = 1


@dataclass(frozen=True)
class Separable:
    """A depthwise convolution and a 1x1."""

    kernel: int
    stride: int = 1


@dataclass(frozen=True)
class Node:
    """Layers of one width; every layer but the first adds its input to its output.

    Attributes:
        level: its maps have a stride of 2 to the power of *level*, nominally.
        channels: of every layer.
        sources: the nodes whose outputs it reads; one alone comes as it is, of two each through an edge of its own.
        layers: in order.
    """

    level: int
    channels: int
    sources: tuple[str, ...]
    layers: tuple[Inverted | Grouped | Separable, ...]


STEM, STEM_CHANNELS, STEM_KERNEL = "s0", 24, 5
OUTPUTS = ("c0n1", "c0n2", "c0n3", "c0n4", "c0n5")
I, F, S = Inverted, Grouped, Separable  # noqa: E741  # the letters of the published tables
FIRST = Node(2, 48, (STEM,), (F(3, 8, 3, 2),))
LAST = Node(8, 64, ("c0n4",), (S(3), S(3)))

SMALL = {
    "n0": FIRST,
    "n1": Node(3, 64, ("n0",), (F(3, 4, 4, 2), F(3, 4, 4), F(3, 4, 4))),
    "n2": Node(4, 72, ("n1",), (I(3, 8, 2), F(3, 8, 4), I(3, 8), I(3, 4))),
    "n3": Node(5, 88, ("n2",), (I(3, 8, 2), I(3, 8), I(3, 4), I(3, 4))),
    "n4": Node(6, 88, ("n3",), (I(3, 8, 2), S(5), S(5), S(5))),
    "n5": Node(7, 88, ("n4",), (S(5, 2), S(3))),
    "c0n0": Node(5, 144, ("n3", "n4"), (I(3, 4), I(3, 4), I(3, 4), I(3, 4))),
    "c0n1": Node(4, 120, ("n2", "c0n0"), (I(3, 8), I(3, 4), I(3, 4), I(3, 4))),
    "c0n2": Node(5, 168, ("c0n1", "c0n0"), (I(3, 4),)),
    "c0n3": Node(6, 136, ("n5", "c0n0"), (I(3, 4), S(3))),
    "c0n4": Node(7, 136, ("n5", "c0n0"), (I(3, 4),)),
    "c0n5": LAST,
}

MEDIUM = {
    "n0": FIRST,
    "n1": Node(3, 64, ("n0",), (F(3, 8, 4, 2), F(3, 4, 4), F(3, 4, 4), F(3, 4, 4))),
    "n2": Node(4, 72, ("n1",), (I(3, 8, 2), F(3, 8, 4), I(3, 8), I(3, 8))),
    "n3": Node(5, 96, ("n2",), (I(3, 8, 2), I(3, 8), I(3, 8), I(3, 4))),
    "n4": Node(6, 104, ("n3",), (I(3, 8, 2), I(3, 4), S(5), I(3, 4))),
    "n5": Node(7, 56, ("n4",), (S(5, 2), S(3))),
    "c0n0": Node(5, 152, ("n3", "n4"), (I(3, 8), I(3, 4), I(3, 4), I(3, 4))),
    "c0n1": Node(4, 120, ("n2", "c0n0"), (I(3, 8), I(3, 4), I(3, 4), I(3, 4))),
    "c0n2": Node(5, 168, ("c0n1", "c0n0"), (I(3, 4), S(3))),
    "c0n3": Node(6, 136, ("n5", "c0n0"), (S(3), S(3), S(3))),
    "c0n4": Node(7, 136, ("n5", "c0n0"), (I(3, 4), S(5))),
    "c0n5": LAST,
}

LARGE = {
    "n0": FIRST,
    "n1": Node(3, 64, ("n0",), (F(3, 8, 4, 2), F(3, 8, 4), F(3, 8, 4), F(3, 4, 4))),
    "n2": Node(4, 80, ("n1",), (I(3, 8, 2), I(3, 8), I(3, 8), I(3, 4))),
    "n3": Node(5, 104, ("n2",), (I(3, 8, 2), I(3, 8), I(3, 8), I(3, 8))),
    "n4": Node(6, 88, ("n3",), (I(3, 8, 2), I(5, 4), I(3, 4), I(3, 8))),
    "n5": Node(7, 56, ("n4",), (I(5, 4, 2), S(5))),
    "c0n0": Node(5, 160, ("n3", "n4"), (I(3, 8), I(3, 4), I(3, 4), I(3, 4))),
    "c0n1": Node(4, 120, ("n2", "c0n0"), (I(3, 8), I(3, 4), I(3, 4), I(3, 8))),
    "c0n2": Node(5, 168, ("c0n1", "c0n0"), (I(3, 4), I(3, 4), I(3, 4), I(3, 4))),
    "c0n3": Node(6, 112, ("n5", "c0n0"), (I(3, 8), I(3, 4), S(3))),
    "c0n4": Node(7, 128, ("n5", "c0n0"), (I(3, 4), I(3, 4))),
    "c0n5": Node(8, 64, ("c0n4",), (S(5), S(5))),
}

ARCHITECTURES: Mapping[str, Mapping[str, Node]] = {
    "spaghettinet_edgetpu_s": SMALL,
    "spaghettinet_edgetpu_m": MEDIUM,
    "spaghettinet_edgetpu_l": LARGE,
}
"""By `spaghettinet_arch_name`; nodes in the order in which they are built."""

DEFAULT = "spaghettinet_edgetpu_m"
