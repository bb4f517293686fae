"""SSDLite with MobileNet V3, large and small."""

from detlite.convert.family import Family

PLUGIN = Family(
    title="SSDLite MobileNet V3",
    paper="Howard et al., Searching for MobileNetV3, ICCV 2019",
    scopes=("FeatureExtractor/MobilenetV3",),
    mean=(127.5, 127.5, 127.5),
    std=(127.5, 127.5, 127.5),
    archives=("ssd_mobilenet_v3",),
)
