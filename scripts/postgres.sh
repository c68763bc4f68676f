#!/usr/bin/env bash
# Prints the URL of a Postgres server for the tests: TEST_DATABASE_URL, else one that listens on 127.0.0.1:5432, else one that this
# script starts from Debian's package in a data directory of its own, as an unprivileged user. Fails, saying so, if there is none.
# With `binaries` it prints where the newest server programs are, after installing the package where there are none.
# With `stop` it ends the server that it started.
set -euo pipefail

state="${DROVER_TEST_POSTGRES:-${TMPDIR:-/tmp}/drover-test-postgres}"
port=54329
as_owner() { if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi; }
answers() { node -e '
  const { Client } = require("pg");
  const client = new Client({ connectionString: process.argv[1], connectionTimeoutMillis: 3000 });
  client.connect().then(() => client.query("select 1")).then(() => process.exit(0), () => process.exit(1));' "$1"; }
binaries() { ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1; }
installed() {
  if [ -z "$(binaries)" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq postgresql; } >/dev/null 2>&1 || true
  fi
  [ -n "$(binaries)" ] || { echo "There is no Postgres: $1install Debian's postgresql package." >&2; exit 1; }
  binaries
}

if [ "${1:-}" = binaries ]; then installed ""; exit 0; fi

if [ "${1:-}" = stop ]; then
  [ -d "$state/data" ] && as_owner "$(binaries)/pg_ctl" -D "$state/data" -m fast stop >/dev/null 2>&1 || true
  exit 0
fi

if [ -n "${TEST_DATABASE_URL:-}" ]; then
  answers "$TEST_DATABASE_URL" || { echo "TEST_DATABASE_URL does not answer." >&2; exit 1; }
  echo "$TEST_DATABASE_URL"; exit 0
fi
for url in postgres://postgres@127.0.0.1:5432/postgres "postgres://$(id -un)@127.0.0.1:5432/postgres"; do
  if answers "$url"; then echo "$url"; exit 0; fi
done

bin="$(installed "set TEST_DATABASE_URL, or ")" || exit 1
mkdir -p "$state"
[ "$(id -u)" = 0 ] && chown postgres "$state"
[ -d "$state/data" ] || as_owner "$bin/initdb" -D "$state/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 >/dev/null
as_owner "$bin/pg_ctl" -D "$state/data" -o "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories=$state" -l "$state/log" -w start >/dev/null
echo "postgres://postgres@127.0.0.1:$port/postgres"
