#!/bin/sh
# What the module costs, measured: installs what is missing, builds, runs everything side by side,
# prints a table and writes test/bench/RESULTS.md.
#
#   sh test/bench/run.sh [instructions] [login] [throughput] [scale] [memory] [kill] [tokens]
set -eu

top=$(cd "$(dirname "$0")/../.." && pwd)
cd "$top"
sh test/install.sh bench
if [ ! -f configure ] || [ configure.ac -nt configure ] || [ Makefile.am -nt Makefile.in ]; then
    autoreconf -fi > /dev/null 2>&1
fi
mkdir -p build/bench
[ -f build/bench/Makefile ] && [ ! configure -nt build/bench/Makefile ] ||
    (cd build/bench && ../../configure -q CFLAGS='-O2 -g')
make -s -C build/bench -j"$(getconf _NPROCESSORS_ONLN)" mod_auth_oauth.so bench_scale
exec env BUILD_DIR="$top/build/bench" node test/bench/bench.mjs "$@"
