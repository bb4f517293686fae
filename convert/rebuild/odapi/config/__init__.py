"""A `pipeline.config` of the TF Object Detection API as typed values.

A field that is not read is an error that names its line, never ignored. The text format itself is parsed in
`detlite.convert.files.text_format`, not here.

Add a part of the config as one module with a function from its fields to a frozen dataclass.
"""
