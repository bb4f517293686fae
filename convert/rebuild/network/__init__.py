"""The layers of detectors: feature extractors, pyramids, predictors and anchors.

A network asks for its weights by name. It knows neither the format of the checkpoint, which is read in
`detlite.convert.rebuild.weights`, nor the text of the config, which is read in `detlite.convert.rebuild.odapi.config`.

Add a feature extractor as one module with a function that builds its feature maps. A family names that function in a
`detlite.convert.rebuild.network.extractor.Extractor`.
"""
