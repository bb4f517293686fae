#!/bin/sh
# run.sh INFERENCE DATASET OUTPUT [option of main.py ...]: run MLPerf's vision app on the model in this folder
set -eu
if [ $# -lt 3 ]; then
  echo "usage: sh run.sh INFERENCE DATASET OUTPUT [--accuracy] [--count N] [--scenario Offline] ..." >&2
  exit 2
fi
here=$(cd "$(dirname "$0")" && pwd)
if [ ! -f "$1/vision/classification_and_detection/python/main.py" ]; then
  echo "run.sh: $1 has no vision/classification_and_detection/python/main.py: give a clone of mlcommons/inference" >&2
  exit 2
fi
python=$(cd "$1/vision/classification_and_detection/python" && pwd)
data=$(cd "$2" && pwd)
mkdir -p "$3"
output=$(cd "$3" && pwd)
shift 3
for file in val2017 annotations/instances_val2017.json; do
  if [ ! -e "$data/$file" ]; then
    echo "run.sh: $data/$file is not there: the app wants val2017/ and annotations/instances_val2017.json" >&2
    exit 2
  fi
done
cd "$output" # the app keeps resized images in its working folder
exec "${PYTHON:-python3}" "$here/run_main.py" "$python/main.py" --profile @name@ --backend onnxruntime \
  --model "$here/model.onnx" --dataset-path "$data" --output "$output" \
  --mlperf_conf "$here/mlperf.conf" --user_conf "$here/user.conf" \
  --scenario SingleStream --max-batchsize 1 --threads 1 "$@"
