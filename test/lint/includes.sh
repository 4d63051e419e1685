#!/bin/sh
# The direction of includes: a folder of src includes only folders above it in the list below; only
# src/httpd sees httpd, only src/jose OpenSSL, only src/io curl; inside a folder there is no cycle.
set -eu
cd "${SRCDIR:-$(dirname "$0")/../..}"
found=$(mktemp)
trap 'rm -f "$found" "$found.pairs"' EXIT

# One pass over all lines, as `make check` runs this often. Pairs of headers of one folder go to a
# file of their own.
cat /dev/null > "$found.pairs"
awk -v order="base codec jose io oauth session flow httpd" -v pairs="$found.pairs" '
    function tell(what) { print FILENAME ": " what ": " $0 }
    # A module split over several files keeps an internal header to itself, which counts as its own.
    function module(path) { sub(/.*\//, "", path); sub(/\.h$/, "", path); sub(/_internal$/, "", path); return path }
    BEGIN { count = split(order, names, " "); for (i = 1; i <= count; i++) rank[names[i]] = i }
    FNR == 1 {
        split(FILENAME, path, "/")
        folder = path[2]
        if (!(folder in rank)) print FILENAME ": not in a folder that has a place in the order"
    }
    /^#include "/ {
        name = $0
        sub(/^#include "/, "", name)
        sub(/".*/, "", name)
        if (name ~ /^\.\.\/[a-z]+\/[^\/]+$/) {
            split(name, part, "/")
            if (!(part[2] in rank) || rank[part[2]] >= rank[folder]) tell("not above " folder)
        } else if (name ~ /\//) {
            tell("a path that is not ../folder/file.h")
        } else if (FILENAME ~ /\.h$/ && module(name) != module(FILENAME)) {
            print folder, module(FILENAME), module(name) > pairs
        }
    }
    folder != "httpd" && /^#include [<"](httpd|http_|ap_|util_|mod_|mpm_|unixd|scoreboard)/ { tell("httpd") }
    folder != "jose" && /^#include <openssl/ { tell("OpenSSL") }
    folder != "io" && /^#include <curl/ { tell("curl") }
' src/*/*.[ch] > "$found"

# A cycle among the headers of a folder.
awk '{ print $1 "/" $2, $1 "/" $3 }' "$found.pairs" | tsort 2>&1 > /dev/null |
    sed 's/^/cycle: /' >> "$found" || true

if [ -s "$found" ]; then
    cat "$found"
    exit 1
fi
