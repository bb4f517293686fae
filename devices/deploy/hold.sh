# work token owner age_s silence_s: take the lock, answer each line with a line, let go when the lines end
work=$1 token=$2 owner=$3 most_s=$4 silence_s=$5
lock=$work/lock
boot=$(cat /proc/sys/kernel/random/boot_id 2>/dev/null || getprop ro.runtime.firstboot)
trap '' HUP INT TERM PIPE
umask 077

refuse() {
  echo "refused $*"
  exit 0
}
take() {
  mkdir "$lock" 2>/dev/null || return 1
  uptime_s
  if echo "$token" >"$lock/token" && echo "$boot" >"$lock/boot" && echo "$owner" >"$lock/owner" &&
    echo "$now" >"$lock/beat" && mkdir "$lock/incoming" "$lock/out"; then
    return 0
  fi 2>/dev/null
  rm -rf "$lock"
  refuse "no room for so much as a lock in $work"
}
look() { # sets what the lock says
  held_token= held_boot= held_owner= beat=
  read -r held_token <"$lock/token"
  read -r held_boot <"$lock/boot"
  read -r held_owner <"$lock/owner"
  read -r beat <"$lock/beat"
  case $beat in '' | *[!0-9]*) beat= && return 1 ;; esac
} 2>/dev/null
take_over() { # the lock of somebody who is not heard any more, or from before a restart
  [ "$held_boot" != "$boot" ] || end_job "$lock"
  mv "$lock" "$work/stale.$token" 2>/dev/null
  moved=
  read -r moved <"$work/stale.$token/token"
  if [ "$moved" != "$held_token" ]; then # another took it over meanwhile: it is theirs
    mv "$work/stale.$token" "$lock"
    return 1
  fi
  rm -rf "$work/stale.$token"
  take
} 2>/dev/null
finish() { # nobody may begin while a job ends; one that began meanwhile is ended too
  read -r own <"$lock/token" && [ "$own" = "$token" ] || return
  end_job "$lock"
  mv "$lock" "$work/stale.$token" || return
  end_job "$work/stale.$token"
  rm -rf "$work/stale.$token"
} 2>/dev/null
listen() { # ends when nobody is heard for too long
  while :; do
    sleep 5 >/dev/null 2>&1 </dev/null &
    echo $! >"$lock/nap" || exit
    wait $!
    read -r heard <"$lock/beat" || exit
    uptime_s
    if [ "$((now - ${heard:-now}))" -gt "$silence_s" ]; then
      finish
      kill -KILL $$
      exit
    fi
  done
} 2>/dev/null

why=$(mkdir -p "$work/files" 2>&1) || refuse "$why"
if ! take; then
  [ -d "$lock" ] || refuse "$(mkdir "$lock" 2>&1)"
  look || { sleep 1 && look; }
  uptime_s
  if [ -n "$beat" ] && [ "$held_boot" = "$boot" ] && [ "$((now - beat))" -le "$most_s" ]; then
    refuse "busy: $held_owner, heard of $((now - beat)) s ago"
  fi
  take_over || refuse "busy: another took it this moment"
fi
rm -rf "$work"/stale.*
listen &
listener=$!
echo "held $boot"
while read -r line; do
  own=
  read -r own <"$lock/token"
  [ "$own" = "$token" ] || { echo taken && break; }
  uptime_s
  echo "$now" >"$lock/beat"
  echo heard
done 2>/dev/null
nap=
read -r nap <"$lock/nap" 2>/dev/null
kill -KILL $listener $nap 2>/dev/null
finish
echo released
