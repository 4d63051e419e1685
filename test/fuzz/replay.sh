#!/bin/sh
# Builds each fuzz target against the core in a build directory, and gives it the files of its corpus.
#
#   sh test/fuzz/replay.sh build/sanitize
set -eu

build=$(cd "${1:?build directory}" && pwd)
cd "$(dirname "$0")/../.."

# variable NAME: as configure found it.
variable() {
    sed -n "s/^$1 = //p" "$build/Makefile"
}
flags="-std=c11 -D_GNU_SOURCE $(variable WARN_CFLAGS) $(variable SANITIZE_CFLAGS) $(variable CFLAGS)
    $(pkg-config --cflags apr-1 libcrypto libcurl jansson)"
libs="$(pkg-config --libs apr-1 apr-util-1 libcrypto libcurl jansson) $(variable HIREDIS_SSL_LIBS)
    $(variable HIREDIS_LIBS)"

mkdir -p "$build/fuzz"
# shellcheck disable=SC2086
$(variable CC) $flags -c -o "$build/fuzz/replay.o" test/fuzz/replay.c
for source in test/fuzz/fuzz_*.c; do
    name=$(basename "$source" .c)
    # shellcheck disable=SC2086
    $(variable CC) $flags -o "$build/fuzz/$name" "$source" "$build/fuzz/replay.o" \
        "$build/librpcore.a" $libs
    printf '%s: ' "$name"
    "$build/fuzz/$name" test/fuzz/corpus/"${name#fuzz_}"/*
done
