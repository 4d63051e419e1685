#!/bin/sh
# The direction of includes: a folder of src includes only folders above it in the list below; only
# src/httpd sees httpd, only src/jose OpenSSL, only src/io curl; inside a folder there is no cycle.
set -eu
cd "${SRCDIR:-$(dirname "$0")/../..}"
order="base codec jose io oauth session flow httpd"
found=$(mktemp)
trap 'rm -f "$found" "$found.pairs"' EXIT

rank() {
    n=0
    for folder in $order; do
        n=$((n + 1))
        [ "$folder" = "$1" ] && echo "$n" && return
    done
    echo 0
}

for folder in $order; do
    own=$(rank "$folder")
    for file in src/"$folder"/*.[ch]; do
        sed -n 's|^#include "\.\./\([a-z]*\)/.*|\1|p' "$file" | sort -u | while read -r other; do
            theirs=$(rank "$other")
            if [ "$theirs" -eq 0 ] || [ "$theirs" -ge "$own" ]; then
                echo "$file includes ../$other, which is not above $folder"
            fi
        done
        grep -nE '^#include "(\.\./){2}|^#include "[^"]*/\.\./' "$file" |
            sed "s|^|$file: a path that is not ../folder/file.h: |" || true
        if [ "$folder" != httpd ]; then
            grep -nE '^#include [<"](httpd|http_|ap_|util_|mod_|mpm_|unixd|scoreboard)' "$file" |
                sed "s|^|$file: httpd: |" || true
        fi
        if [ "$folder" != jose ]; then
            grep -n '^#include <openssl' "$file" | sed "s|^|$file: OpenSSL: |" || true
        fi
        if [ "$folder" != io ]; then
            grep -n '^#include <curl' "$file" | sed "s|^|$file: curl: |" || true
        fi
    done
    # A cycle among the folder's own headers; a module split over several files keeps an internal
    # header (_internal.h) to itself, which counts as its own.
    for file in src/"$folder"/*.h; do
        from=$(basename "$file" | sed 's/\.h$//; s/_internal$//')
        sed -n 's|^#include "\([a-z_0-9]*\)\.h"|\1|p' "$file" | sed 's/_internal$//' |
            grep -vx "$from" | sed "s|^|$from |" || true
    done > "$found.pairs"
    tsort "$found.pairs" 2>&1 > /dev/null | sed "s|^|src/$folder: cycle: |"
done > "$found"

if [ -s "$found" ]; then
    cat "$found"
    exit 1
fi
