"""SSD with SpaghettiNet-EdgeTPU, in three sizes."""

from detlite.convert.family import Family

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
)
