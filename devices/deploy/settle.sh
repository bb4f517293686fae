# work: check all of the files on stdin (sha256 mode name) as they came in, and give those that are right their names
cd "$1/lock/incoming" || exit 1
expect= programs= all=
while read -r sum mode name; do
  expect="$expect $sum:$name" all="$all $name"
  [ "$mode" != x ] || programs="$programs $name"
done
chmod 600 $all || exit 1
[ -z "$programs" ] || chmod 700 $programs || exit 1
for name in $programs; do [ -x "$name" ] || echo "not_executable $name"; done
right=
while read -r sum name; do
  case " $expect " in
  *" $sum:$name "*) right="$right $name" ;;
  *) echo "damaged $name" ;;
  esac
done <<CAME
$(sha256sum $all)
CAME
[ -z "$right" ] || mv -f $right ../../files/
