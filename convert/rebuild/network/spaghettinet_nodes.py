"""The nodes of the three SpaghettiNets for Edge TPU (OD API, `ssd_spaghettinet_feature_extractor`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class InvertedLayer:
    """An inverted bottleneck: 1x1 convolution to *expansion* times the node's channels, depthwise, 1x1 projection."""

    kernel: int
    expansion: int
    stride: int = 1


@dataclass(frozen=True)
class GroupedLayer:
    """A fused bottleneck: *groups* convolutions, each to *expansion* times its channels, then a 1x1 projection."""

    kernel: int
    expansion: int
    groups: int
    stride: int = 1


@dataclass(frozen=True)
class SeparableLayer:
    """A depthwise convolution and a 1x1 convolution."""

    kernel: int
    stride: int = 1


@dataclass(frozen=True)
class SpaghettiNode:
    """Layers of one width; every layer but the first has a residual connection.

    Attributes:
        level: the nominal stride of its output is 2 to the power of *level*.
        channels: the output channels of every layer.
        sources: the nodes that it reads: one directly, or two through an edge each.
        layers: in order.
    """

    level: int
    channels: int
    sources: tuple[str, ...]
    layers: tuple[InvertedLayer | GroupedLayer | SeparableLayer, ...]


STEM, STEM_CHANNELS, STEM_KERNEL = "s0", 24, 5
OUTPUTS = ("c0n1", "c0n2", "c0n3", "c0n4", "c0n5")
I, F, S = InvertedLayer, GroupedLayer, SeparableLayer  # noqa: E741  # the letters of the published tables
FIRST = SpaghettiNode(2, 48, (STEM,), (F(3, 8, 3, 2),))
LAST = SpaghettiNode(8, 64, ("c0n4",), (S(3), S(3)))

SMALL = {
    "n0": FIRST,
    "n1": SpaghettiNode(3, 64, ("n0",), (F(3, 4, 4, 2), F(3, 4, 4), F(3, 4, 4))),
    "n2": SpaghettiNode(4, 72, ("n1",), (I(3, 8, 2), F(3, 8, 4), I(3, 8), I(3, 4))),
    "n3": SpaghettiNode(5, 88, ("n2",), (I(3, 8, 2), I(3, 8), I(3, 4), I(3, 4))),
    "n4": SpaghettiNode(6, 88, ("n3",), (I(3, 8, 2), S(5), S(5), S(5))),
    "n5": SpaghettiNode(7, 88, ("n4",), (S(5, 2), S(3))),
    "c0n0": SpaghettiNode(5, 144, ("n3", "n4"), (I(3, 4), I(3, 4), I(3, 4), I(3, 4))),
    "c0n1": SpaghettiNode(4, 120, ("n2", "c0n0"), (I(3, 8), I(3, 4), I(3, 4), I(3, 4))),
    "c0n2": SpaghettiNode(5, 168, ("c0n1", "c0n0"), (I(3, 4),)),
    "c0n3": SpaghettiNode(6, 136, ("n5", "c0n0"), (I(3, 4), S(3))),
    "c0n4": SpaghettiNode(7, 136, ("n5", "c0n0"), (I(3, 4),)),
    "c0n5": LAST,
}

MEDIUM = {
    "n0": FIRST,
    "n1": SpaghettiNode(3, 64, ("n0",), (F(3, 8, 4, 2), F(3, 4, 4), F(3, 4, 4), F(3, 4, 4))),
    "n2": SpaghettiNode(4, 72, ("n1",), (I(3, 8, 2), F(3, 8, 4), I(3, 8), I(3, 8))),
    "n3": SpaghettiNode(5, 96, ("n2",), (I(3, 8, 2), I(3, 8), I(3, 8), I(3, 4))),
    "n4": SpaghettiNode(6, 104, ("n3",), (I(3, 8, 2), I(3, 4), S(5), I(3, 4))),
    "n5": SpaghettiNode(7, 56, ("n4",), (S(5, 2), S(3))),
    "c0n0": SpaghettiNode(5, 152, ("n3", "n4"), (I(3, 8), I(3, 4), I(3, 4), I(3, 4))),
    "c0n1": SpaghettiNode(4, 120, ("n2", "c0n0"), (I(3, 8), I(3, 4), I(3, 4), I(3, 4))),
    "c0n2": SpaghettiNode(5, 168, ("c0n1", "c0n0"), (I(3, 4), S(3))),
    "c0n3": SpaghettiNode(6, 136, ("n5", "c0n0"), (S(3), S(3), S(3))),
    "c0n4": SpaghettiNode(7, 136, ("n5", "c0n0"), (I(3, 4), S(5))),
    "c0n5": LAST,
}

LARGE = {
    "n0": FIRST,
    "n1": SpaghettiNode(3, 64, ("n0",), (F(3, 8, 4, 2), F(3, 8, 4), F(3, 8, 4), F(3, 4, 4))),
    "n2": SpaghettiNode(4, 80, ("n1",), (I(3, 8, 2), I(3, 8), I(3, 8), I(3, 4))),
    "n3": SpaghettiNode(5, 104, ("n2",), (I(3, 8, 2), I(3, 8), I(3, 8), I(3, 8))),
    "n4": SpaghettiNode(6, 88, ("n3",), (I(3, 8, 2), I(5, 4), I(3, 4), I(3, 8))),
    "n5": SpaghettiNode(7, 56, ("n4",), (I(5, 4, 2), S(5))),
    "c0n0": SpaghettiNode(5, 160, ("n3", "n4"), (I(3, 8), I(3, 4), I(3, 4), I(3, 4))),
    "c0n1": SpaghettiNode(4, 120, ("n2", "c0n0"), (I(3, 8), I(3, 4), I(3, 4), I(3, 8))),
    "c0n2": SpaghettiNode(5, 168, ("c0n1", "c0n0"), (I(3, 4), I(3, 4), I(3, 4), I(3, 4))),
    "c0n3": SpaghettiNode(6, 112, ("n5", "c0n0"), (I(3, 8), I(3, 4), S(3))),
    "c0n4": SpaghettiNode(7, 128, ("n5", "c0n0"), (I(3, 4), I(3, 4))),
    "c0n5": SpaghettiNode(8, 64, ("c0n4",), (S(5), S(5))),
}

ARCHITECTURES: Mapping[str, Mapping[str, SpaghettiNode]] = {
    "spaghettinet_edgetpu_s": SMALL,
    "spaghettinet_edgetpu_m": MEDIUM,
    "spaghettinet_edgetpu_l": LARGE,
}
"""The nodes by `spaghettinet_arch_name`, in build order."""

DEFAULT = "spaghettinet_edgetpu_m"
