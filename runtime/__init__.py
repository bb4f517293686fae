"""What runs on the device: numpy, an interpreter, and nothing else. Written for Python 3.9.

Here are the contract, artifacts, sessions, image and box arithmetic, back ends, and the measuring of latency. Nothing
here imports another package of detlite. Not here: anything that needs TensorFlow, Pillow or the network.

Add a back end as one file in `backends/`, and a load scenario as one file in `measure/scenarios/`.
"""
