# lock token limit_s program argument ...: run the job of a held lock in a session of its own, and say how it ended
lock=$1 token=$2 limit=$3
shift 3
trap '' HUP INT TERM PIPE
read -r own <"$lock/token" && [ "$own" = "$token" ] || exit 1
setsid timeout -k 2 "$limit" "$@" </dev/null &
pid=$!
if ! echo "$pid $(started $pid)" >"$lock/job"; then # the lock is gone: nobody wants it any more
  members "$pid"
  kill -s KILL $pid $pids
fi
wait $pid
status=$?
end_job "$lock" >&2
printf '\036end %s\n' "$status" >&2
