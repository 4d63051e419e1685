#!/bin/sh
# Installs what is missing, builds with warnings as errors, and runs every test.
#
#   sh test/run.sh              everything
#   sh test/run.sh STAGE...     any of: unit integration browser lint sanitize
#
# Builds go to build/ below the checkout. Ends with the runners' own totals.
set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
cd "$top"
stages=${*:-unit lint integration browser sanitize}
logs=$top/build/logs
jobs=$(getconf _NPROCESSORS_ONLN)

sh test/install.sh test
mkdir -p "$logs"
rm -f "$logs"/*

wanted() {
    case " $stages " in *" $1 "*) return 0 ;; esac
    return 1
}

say() {
    printf '\n== %s (%s s)\n' "$1" "$(($(date +%s) - started))"
}

started=$(date +%s)

# build NAME CC [configure options]: an out-of-tree build in build/NAME.
build() {
    name=$1
    cc=$2
    shift 2
    mkdir -p "build/$name"
    if [ ! -f "build/$name/Makefile" ] || [ configure -nt "build/$name/Makefile" ]; then
        (cd "build/$name" && ../../configure -q CC="$cc" --enable-werror "$@")
    fi
    make -s -C "build/$name" -j"$jobs" all
}

# unit NAME [TESTS]: cmocka's programs and the lint scripts of `make check` in build/NAME; or TESTS.
unit() {
    make -s -C "build/$1" -j"$jobs" check ${2:+"TESTS=$2"} > "$logs/unit-$1.log" 2>&1 || {
        cat "$logs/unit-$1.log"
        cat "build/$1"/test-suite.log
        return 1
    }
    cat "build/$1"/*_test.log | grep -E '^\[(  PASSED  |  FAILED  )\]' > "$logs/cmocka-$1" || true
}

# node_tests NAME BUILD FILES...: several files at a time, since tests wait more than they compute
# (and node 18 has no option for that), the largest first; their reports and totals are kept. What
# hangs ends, too.
RUNNERS=3
node_tests() {
    name=$1
    dir=$2
    shift 2
    status=0
    # shellcheck disable=SC2012
    ls -S "$@" | BUILD_DIR="$top/build/$dir" LOG="$logs/$name" xargs -P $RUNNERS -n 1 sh -c '
        timeout 900 node --test "$1" > "$LOG.$(basename "$1" .test.mjs).log" 2>&1' file || status=1
    grep -hE '^(# |ℹ )(tests|pass|fail|cancelled|skipped|todo) ' "$logs/$name".*.log |
        awk '{ n[$2] += $3 } END { for (what in n) print "#", what, n[what] }' | sort \
        > "$logs/node-$name"
    if [ $status -ne 0 ]; then
        for log in "$logs/$name".*.log; do
            grep -qE '^(# |ℹ )fail 0$' "$log" || cat "$log"
        done
        return 1
    fi
    cat "$logs/node-$name"
}

# What computes while the tests with servers wait: the build with sanitizers (-O1, since it is there
# for what they find, not for speed), its unit tests and what fuzzing found, and lint, where clang
# reads everything with the warnings of the build.
meanwhile() {
    unit=
    if wanted sanitize; then
        build sanitize gcc --enable-sanitizers CFLAGS='-O1 -g'
        : > "$logs/sanitize-is-built"
        # The scripts have nothing to do with sanitizers.
        # shellcheck disable=SC2016
        {
            unit sanitize '$(check_PROGRAMS)' && sh test/fuzz/replay.sh build/sanitize
        } > "$logs/meanwhile-unit.log" 2>&1 &
        unit=$!
    fi
    if wanted lint; then
        sh test/lint/run.sh "$top/build/gcc"
    fi
    if [ -n "$unit" ]; then
        wait "$unit" || { cat "$logs/meanwhile-unit.log"; return 1; }
    fi
}

say "configure"
if [ ! -f configure ] || [ configure.ac -nt configure ] || [ Makefile.am -nt Makefile.in ]; then
    autoreconf -fi > "$logs/autoreconf.log" 2>&1 || { cat "$logs/autoreconf.log"; exit 1; }
fi

say "build with gcc, warnings as errors"
build gcc gcc

say "in the background: build and unit tests with sanitizers, lint"
(set -e; meanwhile) > "$logs/meanwhile.log" 2>&1 &
meanwhile=$!
# Tests by the clock come first.
renice -n 5 -p "$meanwhile" > /dev/null 2>&1 || true
# Whatever ends this script ends that, too.
trap 'kill "$meanwhile" 2> /dev/null || true' EXIT

if wanted unit; then
    say "unit tests"
    unit gcc
fi

if wanted integration; then
    say "integration tests"
    node_tests integration gcc test/integration/*.test.mjs
fi

if wanted browser; then
    say "browser tests"
    node_tests browser gcc test/browser/*.test.mjs
fi

if wanted sanitize; then
    while [ ! -f "$logs/sanitize-is-built" ] && kill -0 "$meanwhile" 2> /dev/null; do sleep 1; done
    say "integration tests under AddressSanitizer and UBSan"
    SANITIZE=1 node_tests sanitize sanitize test/integration/*.test.mjs
fi

say "what ran in the background"
wait "$meanwhile" || { cat "$logs/meanwhile.log"; exit 1; }

say "totals"
grep -H . "$logs"/cmocka-* "$logs"/node-* 2> /dev/null | sed "s|^$logs/||" || true

# Sums "PASSED ] 12 test" of cmocka and "pass 12" of node.
sum() {
    cat "$logs"/cmocka-* "$logs"/node-* 2> /dev/null | awk -v cmocka="$1" -v node="$2" '
        $0 ~ cmocka && match($0, /[0-9]+ test/) { n += substr($0, RSTART, RLENGTH) + 0 }
        $2 == node { n += $3 }
        END { print n + 0 }'
}
printf '%s passed, %s failed, %s skipped\n' "$(sum PASSED pass)" "$(sum FAILED fail)" \
    "$(sum NOTHING skipped)"
