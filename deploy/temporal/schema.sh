#!/bin/sh
# Brings Temporal's two databases to the schema of this image's version; does nothing where they have it.
# Host, user and password come from SQL_... in the environment.
set -eu

for database in temporal temporal_visibility; do
    folder=${database#temporal_}
    export SQL_DATABASE="$database"
    temporal-sql-tool setup-schema -v 0.0
    temporal-sql-tool update-schema -d "/etc/temporal/schema/postgresql/v12/$folder/versioned"
done
