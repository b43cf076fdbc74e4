#!/bin/sh
# Without a password Grafana would take admin/admin.
set -eu

: "${GF_SECURITY_ADMIN_PASSWORD:?is not set: put GRAFANA_ADMIN_PASSWORD into .env (docs/team.md)}"
exec /run.sh
