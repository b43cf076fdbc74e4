"""Every kind of sender there is: a file and a line each."""

from domain.sources.alertmanager import ALERTMANAGER
from domain.sources.cloudwatch import CLOUDWATCH
from domain.sources.datadog import DATADOG
from domain.sources.generic import GENERIC
from domain.sources.grafana import GRAFANA
from domain.sources.nagios import NAGIOS
from domain.sources.pagerduty import PAGERDUTY
from domain.sources.sender import Sender
from domain.sources.zabbix import ZABBIX

SENDERS: dict[str, Sender] = {
    one.kind: one for one in (ALERTMANAGER, CLOUDWATCH, DATADOG, GENERIC, GRAFANA, NAGIOS, PAGERDUTY, ZABBIX)
}
