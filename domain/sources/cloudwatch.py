"""Alarms of Amazon CloudWatch, as topics of Amazon SNS deliver them: JSON in a text, or whatever was published."""

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from domain.sources import sns
from domain.sources.reports import NoTicket, Report, ReportState, report_of
from domain.sources.sender import Read, Sender, Sent, mapping

STATES = {"ALARM": ReportState.FIRING, "OK": ReportState.CLEARED}
NO_DATA = "INSUFFICIENT_DATA"
HOSTS = ("host", "hostname", "instance", "instancename", "instanceid", "dbinstanceidentifier")
"""Dimensions that name a machine, best first, in lower case: a host's name says more to a connection than an id."""
SERVICES = ("service", "servicename", "functionname", "loadbalancer", "queuename", "clustername")
ENVIRONMENTS = ("environment", "env", "environmentname")
MOST_DIMENSIONS = 60
_ARN = re.compile(r"arn:(aws|aws-cn|aws-us-gov):cloudwatch:([a-z0-9-]{1,40}):[0-9]{12}:alarm:.{1,300}", re.DOTALL)
CONSOLES = {
    "aws": "https://{}.console.aws.amazon.com",
    "aws-cn": "https://console.amazonaws.cn",
    "aws-us-gov": "https://console.amazonaws-us-gov.com",
}


def read(sent: Sent) -> Read:
    """Raises Unreadable."""
    document = sns.envelope(sent.body, sent.headers)
    found = Read()
    if isinstance(document.get("MessageId"), str):
        found.delivery = document["MessageId"]
    found.add(lambda: report(sent.source, document))
    return found


def report(source: str, document: dict[str, Any]) -> Report:
    """Raises NoTicket."""
    topic = str(document.get("TopicArn"))
    if document["Type"] == sns.SUBSCRIPTION:
        raise NoTicket("Type", f"it asks to confirm that {topic[:300]} delivers here; nothing comes before that")
    if document["Type"] == sns.END:
        raise NoTicket("Type", f"{topic[:300]} delivers here no longer: the subscription was ended")
    alarm = alarm_of(document.get("Message"))
    return alarm_report(source, topic, alarm) if alarm else text_report(source, topic, document)


def alarm_of(message: object) -> dict[str, Any]:
    """Return the alarm in a message; nothing of any other message."""
    try:
        alarm = mapping(json.loads(message)) if isinstance(message, str) else {}
    except (ValueError, RecursionError):
        return {}
    return alarm if alarm.get("AlarmName") else {}


def alarm_report(source: str, topic: str, alarm: dict[str, Any]) -> Report:
    """Raises NoTicket."""
    trigger, state = mapping(alarm.get("Trigger")), str(alarm.get("NewStateValue")).strip().upper()
    dimensions = dict(dimensions_of(trigger))
    by_name = {name.lower(): value for name, value in dimensions.items()}
    metric = mapping(mapping(mapping(first_metric(trigger)).get("MetricStat")).get("Metric")) or trigger
    reported = STATES.get(state, ReportState.FIRING)
    changed = alarm.get("StateChangeTime")
    return report_of(
        source,
        key=alarm.get("AlarmArn") or f"{topic}/{alarm['AlarmName']}",
        state=reported,
        title=alarm["AlarmName"],
        description="\n".join(str(alarm[one]) for one in ("AlarmDescription", "NewStateReason") if alarm.get(one)),
        environment=one_of(by_name, ENVIRONMENTS),
        service=one_of(by_name, SERVICES),
        labels={
            "alarm": alarm["AlarmName"],
            "namespace": metric.get("Namespace"),
            "metric": metric.get("MetricName"),
            "region": alarm.get("Region"),
            "account": alarm.get("AWSAccountId"),
        }
        | dimensions,
        metadata={
            name: alarm[field]
            for name, field in (
                ("old_state", "OldStateValue"),
                ("trigger", "Trigger"),
                ("alarm_rule", "AlarmRule"),
                ("children", "TriggeringChildren"),
            )
            if alarm.get(field)
        }
        | {"topic": topic},
        hosts=[by_name[name] for name in HOSTS if name in by_name],
        starts_at=changed if reported is ReportState.FIRING else None,
        ends_at=changed if reported is ReportState.CLEARED else None,
        links={"cloudwatch": console_link(alarm.get("AlarmArn"), alarm["AlarmName"])},
        notes=[] if state in STATES else [odd_state(state)],
    )


def odd_state(state: str) -> str:
    words = "the alarm has too little data" if state == NO_DATA else f"its state is {state[:40]!r}"
    return f"{words}: taken as firing"


def text_report(source: str, topic: str, document: dict[str, Any]) -> Report:
    """Return what somebody published who is no alarm: it never clears. Raises NoTicket."""
    subject = document.get("Subject")
    return report_of(
        source,
        key=f"{topic}/{subject}" if subject else None,
        title=subject,
        description=document.get("Message"),
        metadata={"topic": topic},
        starts_at=document.get("Timestamp"),
        notes=["its message is no alarm of CloudWatch: taken as its text"],
    )


def first_metric(trigger: dict[str, Any]) -> Any:
    """Return the metric of an alarm on an expression that is one, not calculated; the first of them."""
    metrics = trigger.get("Metrics")
    found = metrics if isinstance(metrics, list) else []
    return next((one for one in found if mapping(mapping(one).get("MetricStat")).get("Metric")), None)


def dimensions_of(trigger: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the dimensions of an alarm, or of the first metric of its expression."""
    metric = mapping(mapping(mapping(first_metric(trigger)).get("MetricStat")).get("Metric"))
    listed = trigger.get("Dimensions") or metric.get("Dimensions")
    for one in (listed if isinstance(listed, list) else [])[:MOST_DIMENSIONS]:
        fields = {name.lower(): value for name, value in mapping(one).items()}
        name, value = fields.get("name"), fields.get("value")
        if isinstance(name, str) and isinstance(value, str) and name.strip() and value.strip():
            yield name, value


def one_of(values: dict[str, str], names: tuple[str, ...]) -> str | None:
    return next((values[name] for name in names if name in values), None)


def console_link(arn: object, name: object) -> str | None:
    """Return where AWS shows an alarm, by the region of its ARN; None for what is no ARN of one."""
    found = _ARN.fullmatch(arn) if isinstance(arn, str) else None
    if found is None:
        return None
    console = CONSOLES[found[1]].format(found[2])
    alarm = quote(str(name)[:300].encode("utf-8", "replace"), safe="")
    return f"{console}/cloudwatch/home?region={found[2]}#alarmsV2:alarm/{alarm}"


ALARM: dict[str, Any] = {
    "AlarmName": "web-01-disk-almost-full",
    "AlarmDescription": "The disk of web-01 is almost full",
    "AWSAccountId": "123456789012",
    "NewStateValue": "ALARM",
    "NewStateReason": "Threshold Crossed: 1 datapoint [96.0 (30/11/26 08:14:00)] was greater than 90.0.",
    "StateChangeTime": "2026-11-30T08:15:00.000+0000",
    "Region": "EU (Frankfurt)",
    "AlarmArn": "arn:aws:cloudwatch:eu-central-1:123456789012:alarm:web-01-disk-almost-full",
    "OldStateValue": "OK",
    "Trigger": {
        "MetricName": "disk_used_percent",
        "Namespace": "CWAgent",
        "StatisticType": "Statistic",
        "Statistic": "AVERAGE",
        "Unit": None,
        "Dimensions": [{"value": "web-01", "name": "host"}, {"value": "/var", "name": "path"}],
        "Period": 60,
        "EvaluationPeriods": 1,
        "ComparisonOperator": "GreaterThanThreshold",
        "Threshold": 90.0,
    },
}
SAMPLE: dict[str, Any] = {
    "Type": sns.NOTIFICATION,
    "MessageId": "6f8ad0a5-9d56-5f4a-8a3a-8e1b1f7f0001",
    "TopicArn": "arn:aws:sns:eu-central-1:123456789012:alarms",
    "Subject": 'ALARM: "web-01-disk-almost-full" in EU (Frankfurt)',
    "Message": json.dumps(ALARM),
    "Timestamp": "2026-11-30T08:15:01.000Z",
    "SignatureVersion": "2",
    "Signature": "",
    "SigningCertURL": "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0.pem",
    "UnsubscribeURL": "https://sns.eu-central-1.amazonaws.com/?Action=Unsubscribe",
}

CLOUDWATCH = Sender(
    kind="cloudwatch",
    called="Amazon CloudWatch (through SNS)",
    read=read,
    sample=json.dumps(SAMPLE).encode(),
    has_topic=True,
    retries=True,
)
