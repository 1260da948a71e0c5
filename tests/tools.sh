#!/bin/sh
# Unpacks into FOLDER what the tests drive and this machine does not have.
# Usage: tests/tools.sh FOLDER
set -eu
folder=$1
has() { command -v "$1" >/dev/null; }

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; elif has sudo; then sudo -n "$@"; else return 1; fi
}

wanted=
{ has prometheus && has promtool; } || wanted="$wanted prometheus"
{ has prometheus-alertmanager && has amtool; } || wanted="$wanted prometheus-alertmanager"

if [ -n "$wanted" ] || ! has docker-compose; then
    has apt-get || { echo "tests/tools.sh: no apt-get to bring$wanted docker-compose" >&2; exit 1; }
    as_root apt-get -qq update || echo 'tests/tools.sh: the list of packages may be old' >&2
fi
if [ -n "$wanted" ]; then
    scratch=$(mktemp -d)
    trap 'rm -rf "$scratch"' EXIT
    chmod 755 "$scratch"
    # shellcheck disable=SC2086  # a list of names
    (cd "$scratch" && apt-get -qq download $wanted)
    for package in "$scratch"/*.deb; do dpkg -x "$package" "$folder"; done
fi
has docker-compose || as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get -qq install --no-install-recommends docker-compose >/dev/null
