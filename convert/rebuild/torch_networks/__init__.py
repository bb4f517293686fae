"""Networks that are rebuilt from a PyTorch file alone, without a config: MLPerf v1.0's two detectors.

Not here: other networks of PyTorch, which are read from the .onnx file that torch.onnx.export writes.

Add a network as one file with `PLUGIN = TorchNetwork(...)`, see `detlite.convert.rebuild.torch_network`.
"""
