# work: give files other names in the job's folder, as links: stdin has lines of the file's own name and the other one;
# what goes to images/ keeps its name, and stands in images.txt
cd "$1/lock/out" && rm -rf images images.txt && mkdir -p images artifact || exit 1
here=$(pwd)
files=${here%/lock/out}/files
set --
while read -r name link; do
  case $link in
  images/*)
    set -- "$@" "$files/$name"
    echo "$here/$link"
    ;;
  *) ln -sf "$files/$name" "$link" || exit 1 ;;
  esac
done >images.txt
[ "$#" = 0 ] || ln -s "$@" images/
