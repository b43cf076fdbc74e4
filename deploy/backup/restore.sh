#!/bin/sh
# Puts back what `pg_dumpall -U postgres` wrote, from stdin, into a cluster that has Handrail's databases already:
#
#     docker compose stop api worker temporal temporal-ui
#     gunzip -c handrail.sql.gz | docker compose exec -T postgres /backup/restore.sh
#
# All or nothing: today's databases are put aside first, and put back unless the whole dump went in. Passwords of roles
# are those of this environment, not those of the dump. Options for psql come from PG... in the environment.
set -eu

databases="handrail temporal temporal_visibility"
admin=${POSTGRES_USER:-postgres}
: "${POSTGRES_PASSWORD_HANDRAIL:?is not set}" "${POSTGRES_PASSWORD_TEMPORAL:?is not set}"

sql() {
    psql -v ON_ERROR_STOP=1 --no-psqlrc --quiet --tuples-only --no-align -U "$admin" -d template1 "$@"
}

exists() {
    [ "$(sql -c "SELECT count(*) FROM pg_database WHERE datname = '$1'")" = 1 ]
}

put_back() {
    for database in $databases; do
        if exists "${database}_aside"; then
            sql -c "DROP DATABASE IF EXISTS $database" -c "ALTER DATABASE ${database}_aside RENAME TO $database"
        fi
    done
}

# Roles that are there already are left, and a dump that was cut off fails at its end.
whole_dump() {
    awk '
        !data && /^CREATE ROLE / { sub(/;$/, ""); print "DO $handrail$ BEGIN " $0 "; EXCEPTION WHEN duplicate_object THEN NULL; END $handrail$;"; next }
        /^\\connect / { data = 1 }
        /^[^\\]/ && $0 != "--" { last = $0 }
        { print }
        END {
            if (last !~ /^-- PostgreSQL database cluster dump complete/) {
                print "DO $handrail$ BEGIN RAISE EXCEPTION '\''the dump is cut off: its end is missing'\''; END $handrail$;"
            }
        }'
}

users=$(sql -c "SELECT count(*) FROM pg_stat_activity WHERE datname IN ('handrail', 'temporal', 'temporal_visibility')")
if [ "$users" != 0 ]; then
    echo "the databases are in use: docker compose stop api worker temporal temporal-ui, then again" >&2
    exit 1
fi

put_back # what an earlier restore left that was killed
trap 'exit 1' INT TERM HUP
trap 'put_back && echo "nothing was restored: the databases are as they were" >&2' EXIT
for database in $databases; do
    if exists "$database"; then
        sql -c "ALTER DATABASE $database RENAME TO ${database}_aside"
    fi
done
whole_dump | sql >/dev/null
for database in $databases; do
    exists "$database" || { echo "the dump has no database $database" >&2; exit 1; }
done
trap - EXIT

for database in $databases; do
    sql -c "DROP DATABASE IF EXISTS ${database}_aside"
done
sql <<'SQL'
\set admin_password `printf %s "${POSTGRES_PASSWORD:-}"`
\set handrail_password `printf %s "$POSTGRES_PASSWORD_HANDRAIL"`
\set temporal_password `printf %s "$POSTGRES_PASSWORD_TEMPORAL"`
ALTER ROLE handrail PASSWORD :'handrail_password';
ALTER ROLE temporal PASSWORD :'temporal_password';
SELECT format('ALTER ROLE %I PASSWORD %L', current_user, :'admin_password') WHERE :'admin_password' <> '' \gexec
SQL
echo "restored; before you start the workers: ./handrail mode hil, and then look at doctor (docs/team.md)"
