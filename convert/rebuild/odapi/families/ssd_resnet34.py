"""MLPerf v1.0's ssd-resnet34: not of the OD API, and so without a feature extractor for its configs."""

from detlite.convert.rebuild.detector_config import SsdResNet34
from detlite.convert.rebuild.odapi.family import Family

PLUGIN = Family(
    title="SSD ResNet-34",
    paper="He et al., Deep Residual Learning, CVPR 2016; Liu et al., SSD, ECCV 2016",
    scopes=("ssd1200",),
    mean=(123.675, 116.28, 103.53),  # ImageNet's means and deviations of 0..1, as torchvision states them, times 255
    std=(58.395, 57.12, 57.375),
    archives=("mlperf_ssd_resnet34_pytorch",),
    presets={"ssd_resnet34": SsdResNet34()},
)
