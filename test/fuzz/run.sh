#!/bin/sh
# Builds each libFuzzer target with AddressSanitizer and UBSan and runs it on its corpus.
#
#   sh test/fuzz/run.sh [SECONDS [TARGET...]]      20 seconds for each target unless told otherwise
set -eu

top=$(cd "$(dirname "$0")/../.." && pwd)
cd "$top"
seconds=${1:-20}
[ $# -eq 0 ] || shift
targets=${*:-$(ls test/fuzz/fuzz_*.c | sed 's|.*/fuzz_||; s|\.c$||')}
out=build/fuzz
mkdir -p "$out"

flags="-std=c11 -D_GNU_SOURCE -g -O1 -fsanitize=fuzzer-no-link,address,undefined
    -fno-sanitize-recover=undefined $(pkg-config --cflags apr-1 libcrypto libcurl jansson)"
libs=$(pkg-config --libs apr-1 apr-util-1 libcrypto libcurl jansson)

rm -f "$out"/*.o
for file in src/base/*.c src/codec/*.c src/jose/*.c src/io/*.c src/oauth/*.c; do
    # No target asks Redis anything: as a build without hiredis has it.
    case $file in
    */rp_store_redis_none.c | */rp_store_redis_address.c) ;;
    */rp_store_redis*.c | */rp_tls.c) continue ;;
    esac
    # shellcheck disable=SC2086
    clang-14 $flags -c -o "$out/$(basename "$file" .c).o" "$file"
done
for target in $targets; do
    echo "== $target"
    # shellcheck disable=SC2086
    clang-14 $flags -fsanitize=fuzzer -o "$out/$target" "test/fuzz/fuzz_$target.c" "$out"/*.o $libs
    mkdir -p "$out/corpus.$target"
    "$out/$target" -max_total_time="$seconds" -artifact_prefix="$out/" -print_final_stats=1 -verbosity=0 \
        "$out/corpus.$target" "test/fuzz/corpus/$target"
done
