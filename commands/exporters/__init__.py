"""The options of `detlite export`, one file an exporter that has some: an `option_group`.

What an exporter does with them is not here, but in `convert/exporters/`.

Add a file of the exporter's name, with `PLUGIN = option_group(...)`; each option's default is None.
"""
