#!/bin/sh
# clang-format, clang-tidy (which is clang too, with the warnings of the build) and cppcheck over all
# C files. The scripts beside this one are run by `make check`. Argument: a configured build
# directory.
set -eu
build=${1:?build directory}
cd "$(dirname "$0")/../.."
sources=$(ls src/*/*.c test/unit/*.c)
bad=0

# Rows of a table stand one a line, whatever their length (see the fences in the file).
clang-format-14 --dry-run --Werror $sources $(ls src/*/*.h test/unit/*.h) || bad=1

# Debian 12 has hiredis without TLS, and clang-tidy has to see the header.
pkg-config --exists hiredis_ssl || sources=$(echo "$sources" | grep -v rp_store_redis_tls)

includes="$(apr-1-config --includes) -I$(apxs -q INCLUDEDIR 2> /dev/null ||
    apxs2 -q INCLUDEDIR) $(pkg-config --cflags libcrypto libcurl jansson hiredis cmocka)"
warnings=$(sed -n 's/^WARN_CFLAGS = //p' "$build/Makefile")
# shellcheck disable=SC2086
echo "$sources" | grep -v '^$' | tr ' ' '\n' |
    xargs -P "$(getconf _NPROCESSORS_ONLN)" -n 4 sh -c '
        clang-tidy-14 --quiet "$@" -- -std=c11 -D_GNU_SOURCE '"$warnings $includes"' \
            -DTEST_VECTORS=\"test/vectors\" 2> "'"$build"'/tidy.$$.log" ||
            { cat "'"$build"'/tidy.$$.log"; exit 1; }
    ' tidy || bad=1

cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr \
    --suppress=missingIncludeSystem --suppress=unknownMacro --error-exitcode=1 \
    --library=posix -j "$(getconf _NPROCESSORS_ONLN)" src || bad=1

exit $bad
