#!/bin/sh
# install.sh PURPOSE...: installs what tools/packages.txt lists for these purposes and is not there yet. When all is
# there it does nothing and needs neither the network nor root.
set -eu
list=$(dirname "$0")/packages.txt

missing=
for purpose in "$@"; do
    for package in $(awk -v purpose="$purpose" '$1 !~ /^#/ && $2 == purpose { print $1 }' "$list"); do
        dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || missing="$missing $package"
    done
done
[ -n "$missing" ] || exit 0

echo "to install:$missing"
if ! command -v apt-get >/dev/null; then
    echo "this system has no apt-get: install what corresponds to these Debian packages, then build with" >&2
    echo "    cmake -S . -B build -G Ninja && ninja -C build" >&2
    exit 1
fi
if [ "$(id -u)" = 0 ]; then
    root=
elif command -v sudo >/dev/null; then
    root=sudo
else
    echo "run this as root (there is no sudo): apt-get install$missing" >&2
    exit 1
fi
# Lists that cannot be refreshed may still be good enough to install from.
$root apt-get update -q || echo "the package lists could not be refreshed" >&2
# shellcheck disable=SC2086
$root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing
