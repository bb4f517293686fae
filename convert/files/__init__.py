"""File formats and file handling that know nothing of models.

Readers of untrusted files (archives, protobuf text format, protobuf wire format), the atomic writer that every output
goes through, and the location of the cache. A format that describes a model belongs in the package that reads that
model. Add a format as one module whose errors are `InputError`s that name the file.
"""
