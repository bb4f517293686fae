"""SSDLite with MobileNet-EdgeTPU."""

from detlite.convert.family import Family

PLUGIN = Family(
    title="SSDLite MobileNet-EdgeTPU",
    paper="Howard and Gupta, Introducing the Next Generation of On-Device Vision Models, 2019",
    scopes=("FeatureExtractor/MobilenetEdgeTPU",),
    mean=(127.5, 127.5, 127.5),
    std=(127.5, 127.5, 127.5),
    archives=("ssdlite_mobilenet_edgetpu",),
)
