# limit_s program argument ...: run a program until stdin ends: when the other end lets go, or is lost
limit=$1
shift
timeout -k 2 "$limit" "$@" </dev/null &
read -r line
kill $!
wait
