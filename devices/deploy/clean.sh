# work: remove the files, the runs that were cut short and the engines, and say how many KiB they took
work=$1
mkdir -p "$work/runs" "$work/engines" || exit 1
total=0
for folder in files runs engines; do
  set -- $(du -s -k "$work/$folder")
  total=$((total + $1))
  rm -rf "$work/$folder" || exit 1
done
echo "$total"
