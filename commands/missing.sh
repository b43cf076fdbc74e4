#!/bin/sh
# Say which programs that some tests need are not here; those tests are skipped (and fail under CI=true).
PATH=$PATH:/usr/sbin:/usr/local/sbin:/sbin
missing() {
    echo "missing: $1: $2 (Debian, Ubuntu: apt-get install $3)" >&2
}
command -v sshd >/dev/null || missing "OpenSSH's sshd" "tests over real SSH are skipped" openssh-server
if ! command -v initdb >/dev/null && ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then
    missing PostgreSQL "tests on PostgreSQL are skipped" postgresql
fi
command -v chromium >/dev/null || command -v chromium-browser >/dev/null ||
    missing Chromium "tests in a browser are skipped" chromium
command -v prometheus >/dev/null && command -v prometheus-alertmanager >/dev/null ||
    missing Prometheus "the test with a real alert is skipped" "prometheus prometheus-alertmanager"
exit 0
