"""A tour of detlite as a library, in notebook cells: python examples/library_tour.py MODEL IMAGES OUT

MODEL is anything that `detlite.read` takes; IMAGES is a folder of images; OUT is a new folder.
"""

# %% What to work on
import sys
from pathlib import Path

import detlite

MODEL, IMAGES, OUT = sys.argv[1], sys.argv[2], Path(sys.argv[3])

# %% Read: a trained model is converted, a finished one is taken as it is
model = detlite.read(MODEL, heads="raw")
image = model.contract.image
print(f"{MODEL}: {image.width} x {image.height} pixels, {len(model.contract.labels)} classes")

# %% Quantize with images like those that the model will see
photos = detlite.images(IMAGES, count=100)
int8 = detlite.quantize(model, photos)
model.save(OUT / "float")
int8.save(OUT / "int8")
print(f"{len(model.data)} bytes in float, {len(int8.data)} in int8")

# %% Do the two agree? The float model's detections are the truth; no labels are needed
fidelity = detlite.agreement(int8, model, photos).fidelity
print(f"fidelity {fidelity.value:.1f} %")

# %% What does it find? The pictures are in OUT/drawn
run = detlite.detect(int8, IMAGES, draw=OUT / "drawn")
for result in run.images:
    print(result.image, [(found.label, round(found.score, 2)) for found in result.above(0.3)])

# %% How fast is it here?
measurement = detlite.measure(int8, images=photos)
print(f"{measurement.latency.p50_ms:.2f} ms a query, {measurement.validity}")

# %% Will an Edge TPU run it?
prediction = detlite.predict_edgetpu(int8)
print(f"{len(prediction.mapped)} operators on the Edge TPU, {prediction.unmapped_count} on the CPU")

# %% Every mistake that can be cured is a DetliteError, with one line that says how
try:
    detlite.read("no such model")
except detlite.DetliteError as error:
    print(error)
