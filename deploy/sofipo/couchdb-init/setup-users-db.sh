#!/usr/bin/env bash
# Makes the databases that CouchDB does not make by itself: its own, and the one of the events. What is there stays.
#
# In the stack it is CouchDB's health check as well: it is healthy when they are all there. Beside COUCHDB_USER and
# COUCHDB_PASSWORD it knows COUCHDB_HOST, COUCHDB_PORT, COUCHDB_DATABASES and COUCHDB_WAIT_S.
set -euo pipefail

fail() {
  printf 'setup-users-db: %s\n' "$1" >&2
  exit 1
}

[ -n "${COUCHDB_USER:-}" ] || fail 'COUCHDB_USER is not set'
[ -n "${COUCHDB_PASSWORD:-}" ] || fail 'COUCHDB_PASSWORD is not set'
url=http://${COUCHDB_HOST:-127.0.0.1}:${COUCHDB_PORT:-5984}
databases=${COUCHDB_DATABASES:-_users _replicator _global_changes business_events}
wait_s=${COUCHDB_WAIT_S:-60}
request_timeout_s=5

# A value of curl's configuration: quotes and backslashes escaped.
escaped() {
  local value=${1//\\/\\\\}
  printf '%s' "${value//\"/\\\"}"
}

# Prints the status, 000 where nobody answers. The password goes by standard input: no list of processes shows it.
status_of() {
  printf 'user = "%s:%s"\n' "$(escaped "$COUCHDB_USER")" "$(escaped "$COUCHDB_PASSWORD")" |
    curl --config - --silent --max-time "$request_timeout_s" --output /dev/null --write-out '%{http_code}' \
      --request "$1" "$url/$2" || true
}

await_server() {
  local deadline=$((SECONDS + wait_s))
  while [ "$(status_of GET '')" = 000 ]; do
    [ "$SECONDS" -lt "$deadline" ] || fail "nothing answers at $url after $wait_s seconds"
    sleep 1
  done
}

ensure_database() {
  local status
  status=$(status_of GET "$1")
  [ "$status" != 200 ] || return 0
  [ "$status" != 404 ] || status=$(status_of PUT "$1")
  case $status in
  201 | 202) printf 'setup-users-db: %s made\n' "$1" ;;
  412) ;; # somebody else has just made it
  401 | 403) fail "$url refuses $COUCHDB_USER for $1 (status $status)" ;;
  *) fail "$1 cannot be made at $url (status $status)" ;;
  esac
}

await_server
for database in $databases; do
  ensure_database "$database"
done
