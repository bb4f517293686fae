# work: remove the files that stdin names
while read -r name; do rm -f "$1/files/$name" || exit 1; done
