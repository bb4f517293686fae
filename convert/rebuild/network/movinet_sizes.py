"""The sizes of MoViNet: what its architecture search found.

Source: Kondratyuk et al., MoViNets: Mobile Video Networks for Efficient Video Recognition, CVPR 2021, appendix C; and
`official/projects/movinet` of tensorflow/models, which also has T0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

UNSTRIDED = 3
"""The number, from 0, of the one stage whose first block does not halve its maps."""


@dataclass(frozen=True)
class MovinetLayer:
    """One block: the channels between its convolutions, and the frames and the side of its depthwise kernel."""

    expanded: int
    frames: int
    side: int


@dataclass(frozen=True)
class ClipStage:
    """Blocks with as many output channels.

    Attributes:
        channels: of each block's output.
        blocks: `184/53` for each block: 184 expanded channels, and a kernel of 5 x 3 x 3.
    """

    channels: int
    blocks: str

    @property
    def layers(self) -> tuple[MovinetLayer, ...]:
        """Its blocks."""
        parts = (block.split("/") for block in self.blocks.split())
        return tuple(MovinetLayer(int(expanded), int(kernel[0]), int(kernel[1])) for expanded, kernel in parts)


@dataclass(frozen=True)
class MovinetSize:
    """One size.

    Attributes:
        stem: the channels of its first convolution.
        stages: its five stages.
        projected: the channels that are pooled.
        head: the channels before the classes.
    """

    stem: int
    stages: tuple[ClipStage, ...]
    projected: int
    head: int


SIZES: Mapping[str, MovinetSize] = {
    "a0": MovinetSize(
        stem=8,
        stages=(
            ClipStage(8, "24/15"),
            ClipStage(32, "80/33 80/33 80/33"),
            ClipStage(56, "184/53 112/33 184/33"),
            ClipStage(56, "184/53 184/33 184/33 184/33"),
            ClipStage(104, "384/53 280/15 280/15 344/15"),
        ),
        projected=480,
        head=2048,
    ),
    "a1": MovinetSize(
        stem=16,
        stages=(
            ClipStage(16, "40/15 40/33"),
            ClipStage(40, "96/33 120/33 96/33 96/33"),
            ClipStage(64, "216/53 128/33 216/33 168/33 216/33"),
            ClipStage(64, "216/53 216/33 216/33 128/33 128/15 216/33"),
            ClipStage(136, "456/53 360/15 360/15 360/15 456/15 456/33 544/13"),
        ),
        projected=600,
        head=2048,
    ),
    "a2": MovinetSize(
        stem=16,
        stages=(
            ClipStage(16, "40/15 40/33 64/33"),
            ClipStage(40, "96/33 120/33 96/33 96/33 120/33"),
            ClipStage(72, "240/53 160/33 240/33 192/33 240/33"),
            ClipStage(72, "240/53 240/33 240/33 240/33 144/15 240/33"),
            ClipStage(144, "480/53 384/15 384/15 480/15 480/15 480/33 576/13"),
        ),
        projected=640,
        head=2048,
    ),
    "a3": MovinetSize(
        stem=16,
        stages=(
            ClipStage(16, "40/15 40/33 64/33 40/33"),
            ClipStage(48, "112/33 144/33 112/33 112/15 144/33 144/33"),
            ClipStage(80, "240/53 152/33 240/33 192/33 240/33"),
            ClipStage(88, "264/53 264/33 264/33 264/33 160/15 264/33 264/33 264/33"),
            ClipStage(168, "560/53 448/15 448/15 560/15 560/15 560/33 448/15 448/15 560/33 672/13"),
        ),
        projected=744,
        head=2048,
    ),
    "a4": MovinetSize(
        stem=24,
        stages=(
            ClipStage(24, "64/15 64/33 96/33 64/33 96/33 64/33"),
            ClipStage(56, "168/33 168/33 136/33 136/33 168/33 168/33 168/33 136/15 136/33"),
            ClipStage(96, "320/53 160/33 320/33 192/33 320/33 160/33 320/33 256/33 320/33"),
            ClipStage(96, "320/53 320/33 320/33 320/33 192/15 320/33 320/33 192/33 320/33 320/33"),
            ClipStage(
                192, "640/53 512/15 512/15 640/15 640/15 640/33 512/15 512/15 640/15 768/15 640/15 640/33 768/33"
            ),
        ),
        projected=856,
        head=2048,
    ),
    "a5": MovinetSize(
        stem=24,
        stages=(
            ClipStage(24, "64/15 64/15 96/33 64/33 96/33 64/33"),
            ClipStage(64, "192/53 152/33 152/33 152/33 192/33 192/33 192/33 152/33 152/33 192/33 192/33"),
            ClipStage(
                112, "376/53 224/33 376/33 376/33 296/33 376/33 224/33 376/33 376/33 296/33 376/33 376/33 376/33"
            ),
            ClipStage(120, "376/53 376/33 376/33 376/33 224/15 376/33 376/33 224/33 376/33 376/33 376/33"),
            ClipStage(
                224,
                "744/53 744/33 600/15 600/15 744/15 744/15 744/33 896/15 600/15 600/15 896/15 744/15 744/33 896/15 "
                "600/15 600/15 744/15 744/33",
            ),
        ),
        projected=992,
        head=2048,
    ),
    "t0": MovinetSize(
        stem=8,
        stages=(
            ClipStage(8, "16/15"),
            ClipStage(32, "72/33 72/15"),
            ClipStage(56, "112/53 112/15 112/33"),
            ClipStage(56, "184/53 184/15 184/33 184/33"),
            ClipStage(104, "344/53 344/15 344/15 344/33"),
        ),
        projected=240,
        head=1024,
    ),
}
