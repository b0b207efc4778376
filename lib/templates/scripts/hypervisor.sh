#!/bin/sh
# What libguestfs starts in the place of qemu. Its questions about qemu go to qemu; the start of the appliance is told
# to the launch that waits for it, which writes beside this script what is to be run. Where it cannot be asked, `unasked`
# says so.
dir=${0%/*}
case " $* " in
  *" -append "*) ;;
  *) exec "$dir/qemu" "$@" ;;
esac
{
  mkfifo -m 600 "$dir/answer" &&
    printf '%s\0' "$@" >"$dir/question.part" && mv "$dir/question.part" "$dir/question"
} || {
  : >"$dir/unasked"
  exec "$dir/boot" "$@"
}
read -r answer <"$dir/answer" || exit 1
rm -f "$dir/answer"
. "$dir/run"
