"""Formats of data sets: folders, archives, TFRecords, videos, COCO, Pascal VOC, Open Images; one file each.

A file's name is the format's name on the command line. Calibration and scoring read the same ones. The types of labels
and their readers are in `detlite.accuracy.labels`, not here.

Add a format as one file with a `PLUGIN`, a `Dataset`: its `items` for calibration and, where it has labels, a
`LabelReader` for each kind of task. Import the readers inside its functions: all formats are loaded for their options.
"""
