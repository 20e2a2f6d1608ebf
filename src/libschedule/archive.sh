#!/bin/sh
# archive.sh OUT FACE PART… - one archive of one object: the public face and what it
# needs of the parts, with only belfry_* left global, so that no name of ours can
# meet one of the program it is linked into.
set -eu
out=$1
face=$2
shift 2
object=${out%.a}.o
${LD:-ld} -r -o "$object" --whole-archive "$face" --no-whole-archive --start-group "$@" --end-group
${OBJCOPY:-objcopy} --wildcard --keep-global-symbol='belfry_*' "$object"
rm -f "$out"
${AR:-ar} rcs "$out" "$object"
rm -f "$object"
