"""What a monitoring system or a person would report of each of the lab's faults, and the runbook that mends it."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class FaultTicket:
    """A ticket about one fault on `host`; `runbook_id` is the sample runbook that it should be matched to."""

    fault: str
    host: str
    runbook_id: str
    title: str
    description: str
    severity: str
    service: str
    labels: dict[str, str] = field(default_factory=dict)
    inputs: dict[str, str | int] = field(default_factory=dict)


FAULT_TICKETS = (
    FaultTicket(
        fault="fill-disk",
        host="web-01",
        runbook_id="disk-full",
        title="Disk almost full on web-01",
        description="The filesystem under /var on web-01 is 95 % full: old nginx access logs fill the disk.",
        severity="high",
        service="nginx",
        labels={"alertname": "NodeFilesystemAlmostOutOfSpace", "instance": "web-01"},
    ),
    FaultTicket(
        fault="stop-service",
        host="web-02",
        runbook_id="service-down",
        title="nginx is down on web-02",
        description="The nginx service on web-02 has crashed and is not running; clients get connection refused.",
        severity="critical",
        service="nginx",
        labels={"alertname": "SystemdUnitFailed", "instance": "web-02"},
    ),
    FaultTicket(
        fault="runaway-process",
        host="web-02",
        runbook_id="runaway-process",
        title="High CPU usage on web-02",
        description="A runaway report-export process uses all the CPU of web-02; the host is slow, the load is high.",
        severity="high",
        service="report-export",
        labels={"alertname": "HostHighCpuLoad", "instance": "web-02"},
    ),
    FaultTicket(
        fault="expire-certificate",
        host="web-01",
        runbook_id="certificate-expiring",
        title="TLS certificate of web-01 expires soon",
        description="The self-signed TLS certificate that nginx serves on web-01 is about to expire in 2 days.",
        severity="medium",
        service="nginx",
        labels={"alertname": "SSLCertificateExpiringSoon", "instance": "web-01"},
    ),
    FaultTicket(
        fault="exhaust-pool",
        host="db-01",
        runbook_id="connection-pool-full",
        title="Database connection pool exhausted on db-01",
        description="Too many connections: all 20 of dbpool on db-01 are taken by idle clients, new ones are refused.",
        severity="critical",
        service="dbpool",
        labels={"alertname": "DatabaseConnectionPoolExhausted", "instance": "db-01"},
    ),
    FaultTicket(
        fault="bad-config",
        host="web-02",
        runbook_id="bad-config-restore",
        title="nginx reload failed after a deploy on web-02",
        description="The last deploy broke the configuration of web-02: the configuration test failed with "
        "nginx: [emerg] invalid number of arguments.",
        severity="high",
        service="nginx",
        labels={"alertname": "NginxConfigTestFailed", "instance": "web-02"},
    ),
)

FAILING_CHANGE = FaultTicket(
    fault="",
    host="web-02",
    runbook_id="nginx-worker-settings",
    title="Roll out new nginx worker settings on web-02",
    description="worker_connections are not enough on web-02; raise worker_processes to 4, worker_connections to 4k.",
    severity="low",
    service="nginx",
    labels={"alertname": "NginxWorkerConnectionsExhausted", "instance": "web-02"},
)
