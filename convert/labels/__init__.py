"""Label lists: read from label maps and text files, and the lists that every user of the zoos needs.

A list has one name for each class from 0 on, without the background, and `???` where a class has no name.
"""
