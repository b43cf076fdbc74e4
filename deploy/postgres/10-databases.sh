#!/bin/sh
# Runs once, when the data directory is made: an owner each for Handrail's and Temporal's databases, so that neither
# can read the other's. Passwords reach psql through its environment, never as arguments.
set -eu

: "${POSTGRES_PASSWORD_HANDRAIL:?is not set}" "${POSTGRES_PASSWORD_TEMPORAL:?is not set}"

psql -v ON_ERROR_STOP=1 --no-psqlrc --quiet -U "${POSTGRES_USER:-postgres}" -d postgres <<'SQL'
\set handrail_password `printf %s "$POSTGRES_PASSWORD_HANDRAIL"`
\set temporal_password `printf %s "$POSTGRES_PASSWORD_TEMPORAL"`
CREATE ROLE handrail LOGIN PASSWORD :'handrail_password';
CREATE ROLE temporal LOGIN PASSWORD :'temporal_password';
CREATE DATABASE handrail OWNER handrail;
CREATE DATABASE temporal OWNER temporal;
CREATE DATABASE temporal_visibility OWNER temporal;
REVOKE CONNECT, TEMPORARY ON DATABASE handrail, temporal, temporal_visibility FROM PUBLIC;
SQL
