#!/bin/sh
# Makes Handrail's namespace and search attributes where they are missing. The server and the namespace come from
# TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE; RETENTION is for how long the history of an ended ticket is kept.
set -eu

tries=${TRIES:-60}
until temporal operator cluster health >/dev/null 2>&1; do
    tries=$((tries - 1))
    if [ "$tries" -le 0 ]; then
        echo "Temporal does not answer on ${TEMPORAL_ADDRESS:-127.0.0.1:7233}" >&2
        temporal operator cluster health
        exit 1
    fi
    sleep 1
done

if ! temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" >/dev/null 2>&1; then
    temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention "${RETENTION:-720h}"
fi

# Here and not only in the worker: the server takes some seconds to know new ones, and no ticket has to wait for that.
set --
for name in HandrailTenant HandrailStatus HandrailSeverity HandrailRunbook HandrailTarget; do
    set -- "$@" --name "$name" --type Keyword
done
tries=30
until temporal operator search-attribute create --namespace "$TEMPORAL_NAMESPACE" "$@"; do
    tries=$((tries - 1)) # a namespace that was just made is not known everywhere at once
    [ "$tries" -gt 0 ] || exit 1
    sleep 1
done
echo "namespace $TEMPORAL_NAMESPACE is ready"
