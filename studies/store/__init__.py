"""The results of a study: append-only records with checksums, blobs by digest, and an index that can be deleted.

Not here: what makes the records, and what a report reads out of them.

Add a figure to the `facts` of a record where it is made: the list, the filters and the exports then have it.
"""
