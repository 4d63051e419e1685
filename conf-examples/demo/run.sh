#!/bin/sh
# Shows a login: installs what is missing, builds the module, and starts a provider with two users,
# a small application and httpd in front of it, all on localhost. Ctrl-C stops everything.
#
#   sh conf-examples/demo/run.sh [PORT]
#
# PORT is httpd's, 8080 unless it is taken. Nothing but Debian's packages is written outside of
# conf-examples/demo/run, and that may be deleted when the demo is not running.
set -eu

demo=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$demo/../.." && pwd)
run=$demo/run
source=$run/source

mkdir -p "$run/httpd" "$source/test"
cp -Ru "$top/src" "$top/Makefile.am" "$top/configure.ac" \
    "$source/"
cp -Ru "$top/test/install.sh" "$top/test/package.json" "$top/test/package-lock.json" \
    "$top/test/provider" "$source/test/"
mkdir -p "$source/conf-examples"
cp -u "$top/conf-examples/auth_oauth.conf" "$source/conf-examples/"

sh "$source/test/install.sh" demo

# The module alone: its tests are test/run.sh's business.
if [ ! -f "$source/configure" ] || [ "$source/configure.ac" -nt "$source/configure" ] ||
    [ "$source/Makefile.am" -nt "$source/Makefile.in" ]; then
    (cd "$source" && autoreconf -fi > "$run/build.log" 2>&1) || { cat "$run/build.log"; exit 1; }
fi
mkdir -p "$run/build"
echo "building the module"
(
    cd "$run/build"
    [ -f Makefile ] && [ ! "$source/configure" -nt Makefile ] || "$source/configure" -q
    make -s -j"$(getconf _NPROCESSORS_ONLN)" mod_auth_oauth.so
) > "$run/build.log" 2>&1 || { cat "$run/build.log"; exit 1; }

# free [PORT]: PORT when it is given and free, else any that is.
free() {
    node -e '
        const net = require("net");
        const take = (port) => net.createServer()
            .once("error", () => take(0))
            .listen(port, "127.0.0.1", function () {
                console.log(this.address().port);
                this.close();
            });
        take(Number(process.argv[1] || 0));' "${1:-}"
}

APP_PORT=$(free "${1:-8080}")
PROVIDER_PORT=$(free 9080)
BACKEND_PORT=$(free)

provider=
backend=
httpd=
stop() {
    trap - EXIT INT TERM HUP
    echo
    echo "stopping"
    [ -z "$httpd" ] || kill "$httpd" 2> /dev/null || true
    [ -z "$backend" ] || kill "$backend" 2> /dev/null || true
    [ -z "$provider" ] || kill "$provider" 2> /dev/null || true
    wait
}
trap 'stop; exit 1' EXIT
trap 'stop; exit 0' INT TERM HUP

# ready NAME FILE PID: waits for the line that says so.
ready() {
    while [ ! -s "$2" ]; do
        kill -0 "$3" 2> /dev/null || { echo "$1 did not start"; exit 1; }
        sleep 0.1
    done
}

base=http://localhost:$APP_PORT
if [ ! -s "$run/client.secret" ]; then
    (umask 077 && openssl rand -hex 24 > "$run/client.secret")
fi
resource=$base/api
robot=$(openssl rand -hex 12)

: > "$run/provider.log"
node "$source/test/provider/real.mjs" --host localhost --port "$PROVIDER_PORT" \
    --client-id demo --client-name "the demo" --client-secret "$(cat "$run/client.secret")" \
    --redirect-uri "$base/oauth/callback" --post-logout-redirect-uri "$base/oauth/logout" \
    --grant-type client_credentials --resource "$resource" --resource-scope "read write" \
    --program "robot:$robot" \
    > "$run/provider.log" 2>&1 &
provider=$!
: > "$run/backend.log"
node "$demo/backend.mjs" "$BACKEND_PORT" "http://localhost:$PROVIDER_PORT" \
    > "$run/backend.log" 2>&1 &
backend=$!
ready "the provider" "$run/provider.log" "$provider"
ready "the backend" "$run/backend.log" "$backend"

server=$(command -v apache2 || command -v httpd || echo /usr/sbin/apache2)
modules=$(apxs -q LIBEXECDIR 2> /dev/null || apxs2 -q LIBEXECDIR)
export RUN_DIR="$run" APP_PORT PROVIDER_PORT BACKEND_PORT MODULES="$modules" \
    OAUTH_MODULE="$run/build/mod_auth_oauth.so"
[ "$(id -u)" -ne 0 ] || as_root=-DRUN_AS_ROOT
rm -f "$run/httpd/httpd.pid"
# shellcheck disable=SC2086
"$server" ${as_root:-} -DFOREGROUND -f "$demo/httpd.conf" &
httpd=$!
ready "httpd" "$run/httpd/httpd.pid" "$httpd"

cat << TXT

  Open            $base/
  Users           alice (groups staff, admins) and bob (staff); the password is the name
  As a program    curl -i $base/api
                  token=\$(curl -s -u robot:$robot -d grant_type=client_credentials \\
                      -d scope=read -d resource=$resource http://localhost:$PROVIDER_PORT/token |
                      sed 's/.*"access_token":"\([^"]*\)".*/\1/')
                  curl -i -H "Authorization: Bearer \$token" $base/api
  Error log       $run/httpd/error.log
  Stop            Ctrl-C

TXT
wait "$httpd"
