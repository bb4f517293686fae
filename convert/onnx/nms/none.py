"""Raw heads: detlite's runtime decodes and suppresses on the host, by the contract."""

from detlite.convert.onnx.nms_variant import NmsVariant

PLUGIN = NmsVariant(title="raw heads", attach=lambda model, _options: model)
