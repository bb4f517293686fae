# limit_s program argument ...: run a program, end it after limit_s, and say how it ended
limit=$1
shift
timeout -k 2 "$limit" "$@"
printf '\036end %s\n' "$?" >&2
