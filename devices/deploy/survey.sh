# work: say what the machine is, what room it has, and which of the files on stdin (sha256 mode name) are there
work=$1
echo "machine $(uname -m)"
# An emulated processor: the kernel is of another kind than programs are told, or the machine says so itself
[ -z "${DETLITE_SIMULATED:-}" ] || echo "emulated detlite's simulator"
case $(cat /proc/sys/kernel/arch 2>/dev/null) in
'' | "$(uname -m)") ;;
x86_64) case $(uname -m) in i?86) ;; *) echo "emulated qemu-user" ;; esac ;;
aarch64) case $(uname -m) in arm*) ;; *) echo "emulated qemu-user" ;; esac ;;
*) echo "emulated qemu-user" ;;
esac
[ "$(getprop ro.boot.qemu 2>/dev/null)" != 1 ] || echo "emulated the Android emulator"
! grep -q QEMU /sys/class/dmi/id/sys_vendor 2>/dev/null || echo "emulated qemu"
! grep -q dummy-virt /proc/device-tree/compatible 2>/dev/null || echo "emulated qemu"
set -f
set -- $(df -P -k "$work" | tail -n 1)
echo "free_kib $4"
for tool in setsid timeout sha256sum tar; do
  command -v $tool >/dev/null || echo "lacks $tool"
done
cd "$work/files" || exit 1
expect= there= programs=
while read -r sum mode name; do
  [ -e "$name" ] || continue
  expect="$expect $sum:$name" there="$there $name"
  [ "$mode" != x ] || programs="$programs $name"
done
for name in $programs; do
  [ -x "$name" ] || chmod 700 "$name"
  [ -x "$name" ] || echo "not_executable $name"
done
[ -n "$there" ] || exit 0
while read -r sum name; do
  case " $expect " in
  *" $sum:$name "*) echo "have $name" ;;
  *) echo "replaced $name" ;;
  esac
done <<FOUND
$(sha256sum $there)
FOUND
