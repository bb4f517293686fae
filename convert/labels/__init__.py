"""Label lists: the reader of label files, and the lists that come with detlite (`coco.txt`).

A list has one name for each class, starting at class 0 and without the background; a class without a name is `???`.
Annotations of images are not here but in `detlite.accuracy`. Add a list as one more `.txt` file, one name a line.
"""
