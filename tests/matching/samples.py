"""A small library of our own and the tickets to try on it."""

from domain.matching.match import RunbookDocument

DISK = RunbookDocument(
    id="nginx-disk-full",
    version=3,
    title="Free disk space on a web server",
    description="Compress and rotate old access logs, then restart nginx.",
    symptoms=["no space left on device", "filesystem almost full"],
    services=["nginx"],
    labels={"alertname": "NodeFilesystemAlmostOutOfSpace"},
    body="The disk really is full\nCompress old logs\nRestart nginx\nThere is room again",
)
LIBRARY: list[RunbookDocument] = [
    DISK,
    RunbookDocument(
        id="service-stopped",
        title="Start a service that stopped",
        symptoms=["service is not running", "unit entered failed state"],
        labels={"alertname": "SystemdUnitFailed"},
        body="The unit is failed\nStart the unit\nThe unit is active",
    ),
    RunbookDocument(
        id="certificate-renew",
        title="Renew a TLS certificate",
        symptoms=["certificate expires soon", "certificate has expired"],
        body="Renew the certificate\nReload the web server",
    ),
    RunbookDocument(
        id="memory-pressure",
        title="Relieve memory pressure",
        symptoms=["out of memory", "oom killer"],
        body="Find the biggest process\nRestart its service",
    ),
    RunbookDocument(
        id="postgres-connections",
        title="Clear idle PostgreSQL connections",
        symptoms=["too many connections", "remaining connection slots are reserved"],
        services=["postgresql"],
        body="Terminate idle sessions\nCount the sessions",
    ),
    RunbookDocument(
        id="dns-resolver",
        title="Restart the DNS resolver",
        symptoms=["name resolution failed"],
        body="Restart the resolver\nA name resolves",
    ),
    RunbookDocument(
        id="clock-drift",
        title="Correct clock drift",
        symptoms=["clock skew", "time is not synchronised"],
        body="Step the clock\nThe offset is small",
    ),
]
