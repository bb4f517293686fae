"""`resnet34-ssd1200.pytorch` of MLPerf v1.0, and state dicts of the same network."""

from detlite.convert.rebuild.detector_config import SsdResNet34
from detlite.convert.rebuild.network.ssd_resnet34 import KINDS
from detlite.convert.rebuild.torch_network import TorchNetwork

PLUGIN = TorchNetwork(
    title="MLPerf's ssd-resnet34",
    known_by=("model.layer1.0.weight", "model.layer2.0.5.conv2.weight", "additional_blocks.4.2.weight"),
    class_head="conf.0.weight",
    config=lambda shape: SsdResNet34(classes=shape[0] // KINDS[0] - 1),
)
