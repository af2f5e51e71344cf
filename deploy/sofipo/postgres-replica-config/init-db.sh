#!/usr/bin/env bash
# Entry point of the replica: copies the primary the first time, then follows it.
#
#   init-db.sh postgres [argument ...]   copies where there is nothing yet, and runs the replica
#   init-db.sh rebuild                   copies anew over what is there, and ends
#
# A copy is made beside the data folder and moved into its place when it is whole, so an end in the middle costs nothing.
# What is there is never wiped but by `rebuild`: it may be the only copy of a primary that was lost.
set -euo pipefail
umask 077

fail() {
  printf 'init-db: %s\n' "$1" >&2
  exit 1
}

say() { printf 'init-db: %s\n' "$1"; }

for name in PGDATA POSTGRES_REPLICA_USER POSTGRES_REPLICA_PASSWORD; do
  [ -n "${!name:-}" ] || fail "$name is not set"
done
PGDATA=${PGDATA%/}
primary_host=${POSTGRES_PRIMARY_HOST:-postgres-primary}
primary_port=${POSTGRES_PRIMARY_PORT:-5432}
slot=${POSTGRES_REPLICA_SLOT:-sofipo_replica}
wait_s=${POSTGRES_PRIMARY_WAIT_S:-120}
# Beside the data folder: neither a copy nor a list of processes has the password, and a start takes over a new one.
passfile=$PGDATA.pgpass

# A value of a connection string: in quotes, with those inside and backslashes escaped.
quoted() {
  local value=${1//\\/\\\\}
  printf "'%s'" "${value//\'/\\\'}"
}

connection="host=$(quoted "$primary_host") port=$primary_port user=$(quoted "$POSTGRES_REPLICA_USER")"
connection+=" passfile=$(quoted "$passfile") application_name=$slot"

write_passfile() {
  local password=${POSTGRES_REPLICA_PASSWORD//\\/\\\\}
  mkdir -p -- "$(dirname -- "$PGDATA")"
  printf '*:*:*:*:%s\n' "${password//:/\\:}" >"$passfile"
}

# A command of the replication protocol; rows unaligned, fields parted by |.
on_primary() {
  psql --no-psqlrc --no-password --no-align --tuples-only --quiet "$connection dbname=postgres replication=true" \
    --command="$1"
}

primary_answers() { pg_isready --quiet --host="$primary_host" --port="$primary_port"; }

await_primary() {
  local deadline=$((SECONDS + wait_s))
  until primary_answers; do
    [ "$SECONDS" -lt "$deadline" ] || fail "no primary answers at $primary_host:$primary_port after $wait_s seconds"
    sleep 1
  done
}

has_database() { [ -s "$PGDATA/PG_VERSION" ]; }
is_replica() { [ -e "$PGDATA/standby.signal" ]; }
is_empty() { [ -z "$(ls -A -- "$PGDATA" 2>/dev/null)" ]; }

copy_primary() {
  local fresh=$PGDATA.new
  has_database || is_empty || fail "$PGDATA holds something that is no database; empty it, or name another PGDATA"
  rm -rf -- "$fresh"
  # A slot that an earlier copy has left would keep back the log for nobody; one that is in use is not dropped.
  on_primary "DROP_REPLICATION_SLOT \"$slot\"" >/dev/null 2>&1 || true
  say "copying $primary_host:$primary_port"
  pg_basebackup --dbname="$connection" --no-password --pgdata="$fresh" --format=plain --wal-method=stream \
    --write-recovery-conf --create-slot --slot="$slot" --checkpoint=fast
  rm -rf -- "$PGDATA"
  mv -- "$fresh" "$PGDATA"
  say 'the copy is whole'
}

# A replica of another primary would serve what is not true here. A primary that is away is no reason not to start.
refuse_stranger() {
  local here there
  here=$(LC_ALL=C pg_controldata --pgdata="$PGDATA" | sed -n 's/^Database system identifier: *//p')
  primary_answers || return 0
  there=$(on_primary IDENTIFY_SYSTEM | cut -d '|' -f 1) ||
    fail "$primary_host:$primary_port does not let $POSTGRES_REPLICA_USER in; see above"
  [ "$here" = "$there" ] ||
    fail "$PGDATA is a copy of another primary ($here) than the one at $primary_host:$primary_port ($there).
If that one was made anew by mistake, this copy may be all that is left: keep it. Else: init-db.sh rebuild"
}

write_passfile
case ${1:-postgres} in
postgres) shift "$(($# > 0 ? 1 : 0))" ;;
rebuild)
  await_primary
  copy_primary
  exit 0
  ;;
*) fail "\"$1\" should be postgres or rebuild" ;;
esac
if ! has_database; then
  await_primary
  copy_primary
elif is_replica; then
  refuse_stranger
else
  say "$PGDATA was promoted: it starts as a primary of its own (init-db.sh rebuild makes it a replica again)"
fi
# Given here, so that another host or user counts from the next start on; what pg_basebackup has written is older.
exec postgres -D "$PGDATA" -c "primary_conninfo=$connection" -c "primary_slot_name=$slot" "$@"
