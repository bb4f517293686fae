"""SSD with Inception V2."""

from detlite.convert.family import Family

PLUGIN = Family(
    title="SSD Inception V2",
    paper="Ioffe and Szegedy, Batch Normalization, ICML 2015; Liu et al., SSD, ECCV 2016",
    scopes=("FeatureExtractor/InceptionV2",),
    mean=(127.5, 127.5, 127.5),
    std=(127.5, 127.5, 127.5),
    archives=("ssd_inception_v2",),
)
