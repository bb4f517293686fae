"""Formats that images and their labels come in: folders, archives, TFRecords, videos, COCO, Pascal VOC.

One file for each format; its name is the format's name on the command line. Calibration and scoring read the same
ones. The types of labels are in `detlite.accuracy.labels`, not here.

Add a format as one file with a `PLUGIN`; nothing else has to change.
"""
