#!/usr/bin/env bash
# Makes the user of the replica, and lets it and the app user in over the network, each by password alone.
#
# The image's entrypoint runs this once, when the primary's folder is new. Run again by hand it hands changed passwords to
# the server; the README says when.
set -euo pipefail

fail() {
  printf '00-config-hba: %s\n' "$1" >&2
  exit 1
}

need() {
  local name
  for name in "$@"; do
    [ -n "${!name:-}" ] || fail "$name is not set"
  done
}

# In pg_hba.conf a quote inside of a name cannot be told from the end of it.
plain_name() {
  [[ ${!1} =~ ^[A-Za-z_][A-Za-z0-9_-]*$ ]] || fail "$1 is \"${!1}\", but should be letters, digits, _ and -"
}

# PostgreSQL 15 and newer: psql reads passwords from its environment, so that no list of processes shows them.
make_users() {
  psql --no-psqlrc --no-password --quiet --set=ON_ERROR_STOP=1 \
    --username="$POSTGRES_USER" --dbname="$POSTGRES_DB" <<'SQL'
\getenv app_user POSTGRES_USER
\getenv app_password POSTGRES_PASSWORD
\getenv replica_user POSTGRES_REPLICA_USER
\getenv replica_password POSTGRES_REPLICA_PASSWORD
set password_encryption = 'scram-sha-256';
select format('create role %I', :'replica_user')
where not exists (select from pg_roles where rolname = :'replica_user') \gexec
alter role :"replica_user" with login replication nosuperuser nocreatedb nocreaterole password :'replica_password';
alter role :"app_user" with password :'app_password';
SQL
}

# Every line about the network goes, above all `trust` for the loopback that initdb leaves; these two stay.
write_rules() {
  local hba=$PGDATA/pg_hba.conf kept
  kept=$(grep -Ev '^[[:space:]]*host|^# 00-config-hba' "$hba" || true)
  # Written into the file that is there, which keeps its owner and mode.
  cat >"$hba" <<HBA
$kept
# 00-config-hba: over the network by password alone, and nobody else.
host all "$POSTGRES_USER" all scram-sha-256
host replication "$POSTGRES_REPLICA_USER" all scram-sha-256
HBA
  psql --no-psqlrc --no-password --quiet --set=ON_ERROR_STOP=1 --output=/dev/null \
    --username="$POSTGRES_USER" --dbname="$POSTGRES_DB" --command='select pg_reload_conf()'
}

need PGDATA POSTGRES_USER POSTGRES_PASSWORD POSTGRES_DB POSTGRES_REPLICA_USER POSTGRES_REPLICA_PASSWORD
plain_name POSTGRES_USER
plain_name POSTGRES_REPLICA_USER
[ "$POSTGRES_USER" != "$POSTGRES_REPLICA_USER" ] || fail 'POSTGRES_REPLICA_USER is the app user; it needs a name of its own'
make_users
write_rules
printf '00-config-hba: %s and %s come in by password\n' "$POSTGRES_USER" "$POSTGRES_REPLICA_USER"
