# trtexec engine onnx layers flag ...: build the engine unless it is there and right; say its sha256 and whether it was there
program=$1 engine=$2 onnx=$3 layers=$4
shift 4
[ -z "$layers" ] || set -- "$@" "--exportLayerInfo=$layers"
mkdir -p "${engine%/*}" || exit 1
sum_of() {
  set -- $(sha256sum "$1" 2>/dev/null)
  echo "$1"
}
sum=
[ -s "$engine.sha256" ] && read -r sum <"$engine.sha256"
if [ -n "$sum" ] && [ "$(sum_of "$engine")" = "$sum" ]; then
  cat "$engine.log"
  echo "engine kept $sum"
  exit 0
fi
rm -f "$engine" "$engine.sha256" "$engine.log" "$engine.layers" "$engine.partial"
command -v "$program" >/dev/null || program=/usr/src/tensorrt/bin/trtexec
"$program" --onnx="$onnx" --saveEngine="$engine.partial" "$@" >"$engine.log" 2>&1
status=$?
cat "$engine.log"
# older ones end with status 0 where they failed
if [ "$status" != 0 ] || ! grep -q '&&&& PASSED' "$engine.log" || [ ! -s "$engine.partial" ]; then
  rm -f "$engine.partial"
  exit $((status == 0 ? 1 : status))
fi
sum=$(sum_of "$engine.partial")
mv "$engine.partial" "$engine" && echo "$sum" >"$engine.sha256" || exit 1
echo "engine built $sum"
