#!/bin/sh
# Installs what a Debian 12 machine still lacks to build, test, show or measure mod_auth_oauth.
#
#   sh test/install.sh build|test|demo|bench
#
# Installs only what is missing, so running it again costs nothing. Apache and Redis are wanted as
# programs, not as system services: nothing is started, because the tests start their own.
set -eu

profile=${1:-test}
here=$(cd "$(dirname "$0")" && pwd)

build='gcc libc6-dev make autoconf automake pkg-config apache2 apache2-dev libssl-dev
       libcurl4-openssl-dev libjansson-dev libhiredis-dev ca-certificates openssl'
check='libcmocka-dev clang-14 libclang-rt-14-dev clang-format-14 clang-tidy-14 clang clang-format
       clang-tidy cppcheck valgrind memcached redis-server curl chromium fonts-dejavu-core'
measure='valgrind wrk curl redis-server libapache2-mod-auth-openidc'

case $profile in
build) wanted=$build node=no ;;
test)  wanted="$build $check" node=yes ;;
demo)  wanted=$build node=yes ;;
bench) wanted="$build $measure" node=yes ;;
*)     echo "usage: install.sh build|test|demo|bench" >&2; exit 2 ;;
esac

if [ "$(id -u)" -eq 0 ]; then as_root=; else as_root=sudo; fi

installed() {
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# A Node.js from elsewhere serves as well as Debian's, and Debian's npm would conflict with it.
node_is_usable() {
    command -v npm >/dev/null 2>&1 &&
        node -e 'process.exit(parseInt(process.versions.node, 10) >= 18 ? 0 : 1)' 2>/dev/null
}

missing=
for package in $wanted; do
    installed "$package" || missing="$missing $package"
done
if [ $node = yes ] && ! node_is_usable; then missing="$missing nodejs npm"; fi

# invoke-rc.d asks this file whether a package may start its service; 101 means no.
policy=/usr/sbin/policy-rc.d
saved=

forbid_services() {
    if [ -e $policy ]; then
        saved=$policy.before-mod-auth-oauth
        $as_root mv $policy "$saved"
    fi
    trap restore_services EXIT
    trap 'exit 130' INT TERM HUP
    printf '#!/bin/sh\nexit 101\n' | $as_root tee $policy >/dev/null
    $as_root chmod 755 $policy
}

restore_services() {
    $as_root rm -f $policy
    if [ -n "$saved" ]; then $as_root mv "$saved" $policy; fi
    trap - EXIT
}

if [ -n "$missing" ]; then
    echo "install.sh: installing$missing"
    forbid_services
    $as_root apt-get update -q
    # shellcheck disable=SC2086 # a list of words
    $as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -q -y --no-install-recommends $missing
    restore_services
fi

# The copy beside the packages tells which lock they were installed from; times would not, because
# a checkout gives every file a new one.
if [ $node = yes ] && ! cmp -s "$here/package-lock.json" "$here/node_modules/.installed-from"; then
    (cd "$here" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error)
    cp "$here/package-lock.json" "$here/node_modules/.installed-from"
fi
