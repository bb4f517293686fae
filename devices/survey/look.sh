# Answer each line of stdin: `file PATTERN` with the first line of each file, `text PATH` with all of one, `run PROGRAM
# ARGUMENT ...` with what it writes, `room PATH`, `edgetpu`, `tools`, `python PROGRAM`. A simulated device lies in a folder.
root=${DETLITE_SIMULATED:-}
first_lines() {
  for path in $root$1; do
    line=
    [ -f "$path" ] && { read -r line || [ -n "$line" ]; } <"$path" && printf '%s\t%s\n' "${path#"$root"}" "$line"
  done 2>/dev/null
}
node() { # path: how this user may use it
  if [ ! -e "$root$1" ]; then echo missing; elif [ -w "$root$1" ]; then echo writable; else echo refused; fi
}
usb() {
  for usb in "$root"/sys/bus/usb/devices/*; do
    vendor= product= speed= bus= number=
    [ -f "$usb/idVendor" ] || continue
    read -r vendor <"$usb/idVendor"
    read -r product <"$usb/idProduct"
    case $vendor:$product in 1a6e:089a) state=waiting ;; 18d1:9302) state=ready ;; *) continue ;; esac
    read -r speed <"$usb/speed"
    read -r bus <"$usb/busnum"
    read -r number <"$usb/devnum"
    while [ ${#bus} -lt 3 ]; do bus=0$bus; done
    while [ ${#number} -lt 3 ]; do number=0$number; done
    echo "usb ${usb##*/} $state ${speed:-unknown} $(node "/dev/bus/usb/$bus/$number") /dev/bus/usb/$bus/$number"
  done
} 2>/dev/null
pci() {
  for pci in "$root"/sys/bus/pci/devices/*; do
    vendor= product=
    [ -f "$pci/vendor" ] || continue
    read -r vendor <"$pci/vendor"
    read -r product <"$pci/device"
    [ "$vendor:$product" = 0x1ac1:0x089a ] && echo "pci ${pci##*/}"
  done
  for apex in "$root"/dev/apex_*; do
    [ -e "$apex" ] && echo "apex ${apex##*/} $(node "${apex#"$root"}") ${apex#"$root"}"
  done
} 2>/dev/null
room() { # the free KiB of the file system that the folder will be on
  place=$1
  while [ ! -d "$place" ]; do
    case $place in */*) place=${place%/*} ;; *) place=. ;; esac
    [ -n "$place" ] || place=/
  done
  set -- $(df -P -k "$place" | tail -n 1)
  echo "$4"
}
while read -r word rest; do
  printf '\036ask %s %s\n' "$word" "$rest"
  status=0
  case $word in
  file) first_lines "$rest" ;;
  text) tr -d '\000' <"$root$rest" 2>/dev/null || status=1 ;;
  run)
    set -f
    timeout 10 $rest 2>&1 </dev/null || status=$?
    set +f
    ;;
  room) room "$rest" ;;
  edgetpu) usb && pci ;;
  tools) for tool in setsid timeout sha256sum tar; do command -v $tool >/dev/null || echo "$tool"; done ;;
  python) timeout 60 "$rest" -c "$1" 2>&1 </dev/null || status=$? ;;
  esac
  printf '\n\036end %s\n' "$status"
done
