"""The real Prometheus and Alertmanager on a lab host's disk, with timers for the impatient."""

import contextlib
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from lab.content import DISK_KIB
from lab.faults import disk_used_percent
from tests.needs import need_program
from tests.ports import free_ports

PROMETHEUS = """
global: {{scrape_interval: 500ms, evaluation_interval: 500ms, scrape_timeout: 500ms}}
rule_files: [rules.yml]
alerting: {{alertmanagers: [{{static_configs: [{{targets: ["127.0.0.1:{alertmanager}"]}}]}}]}}
scrape_configs:
  - job_name: node
    static_configs: [{{targets: ["127.0.0.1:{exporter}"], labels: {{instance: "web-01:9100"}}}}]
"""
RULES = """
groups:
  - name: disks
    rules:
      - alert: NodeFilesystemAlmostOutOfSpace
        expr: node_filesystem_avail_bytes / node_filesystem_size_bytes < 0.15
        labels: {severity: critical, service: nginx, environment: monitored}
        annotations:
          summary: 'Disk almost full on web-01'
          description: 'The filesystem under {{ $labels.mountpoint }} on {{ $labels.instance }} is almost full.'
"""
ALERTMANAGER = """
route: {{receiver: handrail, group_by: [alertname], group_wait: 100ms, group_interval: 1s, repeat_interval: 1h}}
receivers:
  - name: handrail
    webhook_configs:
      - url: {address}
        http_config: {{authorization: {{credentials_file: {secret}}}}}
"""


@contextlib.contextmanager
def monitored(root: Path, directory: Path, address: str, secret: Path) -> Iterator[None]:
    """Watch the disk of the lab host with this tree; alerts go to a source of Handrail."""
    programs = [need_program("prometheus", "prometheus")]
    programs += [need_program("prometheus-alertmanager", "prometheus-alertmanager")]
    prometheus, alertmanager, exporter = free_ports(3)
    (directory / "prometheus.yml").write_text(PROMETHEUS.format(alertmanager=alertmanager, exporter=exporter))
    (directory / "rules.yml").write_text(RULES)
    (directory / "alertmanager.yml").write_text(ALERTMANAGER.format(address=address, secret=secret))
    commands = [
        [programs[0], "--config.file=prometheus.yml", f"--web.listen-address=127.0.0.1:{prometheus}"],
        [programs[1], "--config.file=alertmanager.yml", f"--web.listen-address=127.0.0.1:{alertmanager}"],
    ]
    commands[0] += ["--storage.tsdb.path=data"]
    commands[1] += ["--storage.path=state", "--cluster.listen-address="]
    with contextlib.ExitStack() as stack:
        stack.enter_context(exported(root, exporter))
        for command in commands:
            log = stack.enter_context((directory / f"{Path(command[0]).name}.log").open("wb"))
            process = subprocess.Popen(command, cwd=directory, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            stack.callback(process.wait)
            stack.callback(process.kill)
        yield


@contextlib.contextmanager
def exported(root: Path, port: int) -> Iterator[None]:
    """Serve what the host's own df says, as node_exporter names it."""

    class Exporter(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            size = DISK_KIB * 1024
            available = size * (100 - disk_used_percent(root)) // 100
            labels = '{device="/dev/lab",fstype="ext4",mountpoint="/var"}'
            body = f"node_filesystem_size_bytes{labels} {size}\nnode_filesystem_avail_bytes{labels} {available}\n"
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Exporter)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
