# Run as the first process of a device's namespaces; ROOT, SCRATCH, QEMU, ADDRESS, KIND, ROOM_MIB come from outside.
set -eu
hostname "$KIND"
ip link set lo up
ip addr add "$ADDRESS/30" dev eth0
ip link set eth0 up
mount -t binfmt_misc none /proc/sys/fs/binfmt_misc
printf '%s' ':qemu-aarch64:M::\x7f\x45\x4c\x46\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00:\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff:'"$QEMU"':F' >/proc/sys/fs/binfmt_misc/register
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/sshd /run/root
R=/run/root
mount --bind "$ROOT" $R
mount -o remount,bind,ro $R
mount -t proc proc $R/proc
mount --bind "$SCRATCH/boot_id" $R/proc/sys/kernel/random/boot_id
mount -t tmpfs -o mode=755 tmpfs $R/dev
for d in null zero random urandom tty full; do
  touch $R/dev/$d
  mount --bind /dev/$d $R/dev/$d
done
mkdir -p $R/dev/pts $R/dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts $R/dev/pts
ln -s pts/ptmx $R/dev/ptmx
mount -t tmpfs -o mode=755 tmpfs $R/sys
cp -a "$SCRATCH/sys/." $R/sys/
mount -t tmpfs -o mode=1777 tmpfs $R/tmp
for folder in home/mendel data/local/tmp; do
  if [ -n "$ROOM_MIB" ]; then
    mount -t tmpfs -o "size=${ROOM_MIB}m,mode=777" tmpfs $R/$folder
  else
    mount --bind "$SCRATCH/data" $R/$folder
  fi
done
case $KIND in
phone)
  mount --bind $R/usr/bin/mksh $R/usr/bin/dash # Android's own shell, also where /bin/sh is asked for
  while :; do # as init does: a daemon that dies is started again
    env -i QEMU_CPU=cortex-a76 PATH=/system/bin ANDROID_DATA=/data ANDROID_ROOT=/system HOME=/ PYTHONPATH=/opt/site \
      /usr/sbin/chroot --userspec=2000:2000 $R /usr/lib/android-sdk/platform-tools/adbd || true
    sleep 0.5
  done
  ;;
board)
  for file in passwd group shadow; do mount --bind "$SCRATCH/etc/$file" /etc/$file; done
  while :; do
    /usr/sbin/sshd -D -e -f "$SCRATCH/sshd_config" || true
    sleep 0.5
  done
  ;;
esac
