#!/bin/sh
# Functions that this project does not use, variable-length allocation on the stack, mutable statics
# outside the files that say why, and files that are too long to be one concern.
set -eu
cd "${SRCDIR:-$(dirname "$0")/../..}"
bad=0

# The words below stand in no code, whatever the spacing before the parenthesis.
banned='atoi|atol|atoll|atof|sscanf|strtok|sprintf|vsprintf|strcpy|strcat|strncpy|strncat|gets|alloca'
if grep -nEw "($banned) *\(" src/*/*.[ch] test/unit/*.[ch]; then
    echo "banned function"
    bad=1
fi

long=$(wc -l src/*/*.[ch] test/unit/*.[ch] | awk '$1 > 600 && $2 != "total"')
if [ -n "$long" ]; then
    echo "$long"
    echo "more than 600 lines"
    bad=1
fi

# File-scope statics that are neither const nor functions; the two files that own process state are
# known: what jose fetched once from OpenSSL, and the module's state struct.
if grep -nE '^static [^()=]*[a-z_\]][a-z_0-9\[\]]*( = .*)?;' src/*/*.c |
    grep -vE 'static (const|_Thread_local const)|\bconst\b' |
    grep -vE '^src/(jose/rp_crypto|httpd/rp_state)\.c:'; then
    echo "mutable static data"
    bad=1
fi
exit $bad
