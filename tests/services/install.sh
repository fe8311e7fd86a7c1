#!/bin/sh
# What the tests with real servers need from the system: `install.sh postgresql java`.
# Installs it where we are root on Debian; says loudly what will be skipped elsewhere.
set -eu

wanted=""
for name in "$@"; do
    case "$name" in
        postgresql) ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null || wanted="$wanted postgresql" ;;
        java) command -v java >/dev/null && command -v keytool >/dev/null || wanted="$wanted default-jre-headless"
              command -v mvn >/dev/null || wanted="$wanted maven" ;;
    esac
done
[ -n "$wanted" ] || exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    export DEBIAN_FRONTEND=noninteractive
    # shellcheck disable=SC2086 # a list of packages
    if { apt-get update -q && apt-get install -y -q --no-install-recommends $wanted; } >&2; then exit 0; fi
fi
echo "*** Not installed:$wanted. The tests that need it are SKIPPED. As root: apt-get install -y$wanted" >&2
