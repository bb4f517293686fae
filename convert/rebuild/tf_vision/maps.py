"""The maps that a detector of TF-Vision works on: its backbone's, or a pyramid's."""

from __future__ import annotations

from typing import Any, Protocol

from detlite.convert.rebuild.network.anchors import Size
from detlite.convert.rebuild.network.blocks import NormActivation
from detlite.convert.rebuild.network.fpn import PyramidConfig, build_fpn
from detlite.convert.rebuild.network.graph import GraphBuilder, Tensor
from detlite.convert.rebuild.network.wrapped_ranges import IMAGE
from detlite.convert.rebuild.tf_vision.backbone import backbone_of
from detlite.runtime.errors import InputError


class PyramidDetector(Protocol):
    """The config of a detector with maps on several levels."""

    @property
    def levels(self) -> tuple[int, int]:
        """The lowest and the highest level."""

    @property
    def backbone(self) -> Any:
        """The config of its backbone."""

    @property
    def pyramid(self) -> PyramidConfig | None:
        """The config of its decoder; None for the backbone's own maps."""

    @property
    def norm(self) -> NormActivation:
        """The norm and the activation of its decoder."""


def _check_size(config: PyramidDetector, size: Size, origin: str) -> None:
    """Raise `InputError` if the levels of *config* do not divide *size* (height, width); it names *origin*."""
    multiple = 2 ** config.levels[1]
    if any(side % multiple for side in size):
        raise InputError(
            f"{origin}: images of {size[0]} x {size[1]} pixels; level {config.levels[1]} needs sides that are "
            f"multiples of {multiple}: give --input"
        )


def maps_of(net: GraphBuilder, config: PyramidDetector, prefix: str, origin: str) -> dict[int, Tensor]:
    """Return the maps of *config*, by level.

    Args:
        net: the network.
        config: of the detector.
        prefix: of the names of its parts in the checkpoint: `model/_` for `model/_backbone`.
        origin: the name of the config, for errors.

    Raises:
        InputError: the levels do not divide the size of the image, or the backbone lacks one of them.
    """
    _check_size(config, net.size(net.image), origin)
    root = f"{prefix}backbone"
    image = net.ranged(net.image, f"{root}/{IMAGE}")
    maps = dict(backbone_of(config.backbone).build(net, image, config.backbone, root, False))
    wanted = range(config.levels[0], config.levels[1] + 1)
    lacking = [level for level in wanted if level not in maps] if config.pyramid is None else []
    if lacking or config.levels[0] not in maps:
        raise InputError(f"{origin}: the backbone has the levels {sorted(maps)}; want {list(wanted)}")
    if config.pyramid is not None:
        maps = build_fpn(net, maps, config.pyramid, config.norm, f"{prefix}decoder")
    return {level: maps[level] for level in wanted}
