# Functions of the scripts below. Nothing is asked of the shell but POSIX, and of the device but what Android's
# toybox, busybox and coreutils have: setsid, timeout, sha256sum, df, mv, rm.
started() { # pid: when the process began, in ticks since the boot, as field 22 of its stat
  set -f
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  set -- ${stat##*) }
  echo "${20}"
}
uptime_s() { # sets now: a clock that nobody sets
  read -r now rest </proc/uptime
  now=${now%%.*}
}
members() { # session: sets pids to its processes. Not its group: toybox's timeout gives its child another one
  pids=
  for stat in /proc/[0-9]*/stat; do
    read -r line <"$stat" || continue
    set -- "$1" ${line##*) }
    [ "$5" = "$1" ] && [ "$2" != Z ] && stat=${stat#/proc/} && pids="$pids ${stat%/stat}"
  done
} 2>/dev/null
end_job() { # lock: end the job's whole session, politely for a second
  [ -s "$1/job" ] && read -r pid start <"$1/job" || return 0
  [ -d "/proc/$pid" ] && [ "$(started "$pid")" != "$start" ] && return 0
  tries=0
  members "$pid"
  while [ -n "$pids" ]; do
    if [ "$tries" -lt 10 ]; then kill -s TERM $pids; else kill -s KILL $pids; fi
    tries=$((tries + 1))
    [ "$tries" -ge 50 ] && echo "left$pids" && return 1
    sleep 0.1
    members "$pid"
  done 2>/dev/null
  rm -f "$1/job"
}
