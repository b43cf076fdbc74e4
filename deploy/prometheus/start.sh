#!/bin/sh
# Prometheus reads a token only from a file: this one lies on a tmpfs and holds what the environment says.
set -eu

: "${PROMETHEUS_TOKEN:?is not set: give it one of the tokens in HANDRAIL_API_TOKENS (docs/team.md)}"
umask 077
printf '%s' "$PROMETHEUS_TOKEN" >/tmp/handrail-token
unset PROMETHEUS_TOKEN
exec /bin/prometheus --config.file=/etc/handrail/prometheus.yml --storage.tsdb.path=/prometheus \
    --storage.tsdb.retention.time=30d
