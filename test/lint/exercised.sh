#!/bin/sh
# Every error row and every directive is exercised by some test: a unit test names RP_E_NAME, an
# integration test names 'NAME' or the directive.
set -eu
cd "${SRCDIR:-$(dirname "$0")/../..}"
missing=0

for name in $(sed -n 's/^ *RP_ERROR([0-9]*, *\([A-Z_0-9]*\),.*/\1/p' src/base/rp_error_rows.h); do
    if ! grep -rqwE "RP_E_$name|'$name'" test/unit test/integration test/browser \
        --include='*.c' --include='*.mjs'; then
        echo "error $name: no test"
        missing=1
    fi
done

# Directive names as the module prints them.
for name in $(sed -n 's/^#* *<\{0,1\}\(OAuth[A-Za-z]*\).*/\1/p' conf-examples/reference.conf |
    sort -u); do
    if ! grep -rqw "$name" test/integration test/browser --include='*.mjs'; then
        echo "directive $name: no test"
        missing=1
    fi
done
exit $missing
