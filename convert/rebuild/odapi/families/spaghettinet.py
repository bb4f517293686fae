"""SSD with SpaghettiNet-EdgeTPU, in three sizes."""

from __future__ import annotations

from dataclasses import replace

from detlite.convert.rebuild.detector_config import FeatureExtractor, Ssd
from detlite.convert.rebuild.network.extractor import Extractor
from detlite.convert.rebuild.network.graph import GraphBuilder, Tensor
from detlite.convert.rebuild.network.slim import Slim
from detlite.convert.rebuild.network.spaghettinet import SpaghettiNet
from detlite.convert.rebuild.network.spaghettinet_nodes import ARCHITECTURES, DEFAULT
from detlite.convert.rebuild.odapi.config.presets import SSD_ANCHORS, proto_floats, ssdlite
from detlite.convert.rebuild.odapi.family import Family
from detlite.runtime.errors import InputError, unknown_name


def five_maps(net: GraphBuilder, image: Tensor, extractor: FeatureExtractor) -> list[Tensor]:
    """Return the maps of the last five nodes; the architecture, not the config, sets width, depth and batch norm.

    Raises:
        InputError: the config names an unknown architecture, or pads images, which the original never does.
    """
    name = extractor.spaghettinet_arch_name or DEFAULT
    if name not in ARCHITECTURES:
        unknown = unknown_name("spaghettinet_arch_name", name, ARCHITECTURES)
        raise InputError(f"line {extractor.line}, feature_extractor {extractor.type}: {unknown}")
    if extractor.pad_to_multiple != 1:
        raise InputError(
            f"line {extractor.line}, feature_extractor {extractor.type}: pad_to_multiple is "
            f"{extractor.pad_to_multiple}, but SpaghettiNet does not pad: remove it, since the OD API ignores it"
        )
    scope = f"FeatureExtractor/{name}"
    return SpaghettiNet(Slim(net), scope, ARCHITECTURES[name], extractor.use_explicit_padding).maps(image)


def zoo(name: str) -> Ssd:
    """Return the SSD of the architecture *name* as the zoo trained it."""
    anchors = replace(SSD_ANCHORS, num_layers=5, aspect_ratios=proto_floats(1, 2, 0.5, 3, 0.3333333))
    return replace(ssdlite("ssd_spaghettinet", spaghettinet_arch_name=name), anchors=anchors)


PLUGIN = Family(
    title="SpaghettiNet-EdgeTPU",
    paper="TensorFlow 1 Detection Model Zoo, Pixel 6 Edge TPU models, 2021",
    scopes=(
        "FeatureExtractor/spaghettinet_edgetpu_s",
        "FeatureExtractor/spaghettinet_edgetpu_m",
        "FeatureExtractor/spaghettinet_edgetpu_l",
    ),
    mean=(127.5, 127.5, 127.5),
    std=(127.5, 127.5, 127.5),
    archives=("spaghettinet",),
    extractors={"ssd_spaghettinet": Extractor(five_maps, reads=("spaghettinet_arch_name",))},
    presets={f"ssd_{name}": zoo(name) for name in ARCHITECTURES},
)
