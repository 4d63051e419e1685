#!/bin/sh
# conf-examples/reference.conf and the tables of the README are printed from the rows of the
# directives and errors. Without arguments: fails when they are not current. --write: makes them so.
set -eu
src=$(cd "${SRCDIR:-$(dirname "$0")/../..}" && pwd)
tool=${BUILDDIR:-.}/rp_reference
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Replaces what stands between the two marker lines of a file by another file's content.
between() {
    awk -v name="$1" -v with="$2" '
        $0 == "<!-- " name ": made by make reference -->" {
            print; while ((getline line < with) > 0) print line; skip = 1; next }
        $0 == "<!-- end of " name " -->" { skip = 0 }
        !skip { print }' "$3"
}

"$tool" --conf > "$work/reference.conf"
"$tool" --markdown > "$work/directives.md"
"$tool" --errors > "$work/errors.md"
between directives "$work/directives.md" "$src/README.md" > "$work/README.1"
between errors "$work/errors.md" "$work/README.1" > "$work/README.md"

if [ "${1:-}" = --write ]; then
    cp "$work/reference.conf" "$src/conf-examples/reference.conf"
    cp "$work/README.md" "$src/README.md"
    exit 0
fi
for name in directives errors; do
    grep -qx "<!-- end of $name -->" "$src/README.md" || { echo "README has no $name"; exit 1; }
done
diff -u "$src/conf-examples/reference.conf" "$work/reference.conf"
diff -u "$src/README.md" "$work/README.md"
