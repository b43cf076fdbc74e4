"""What SNS delivers: which of it is signed, and which addresses in it are ever looked at. What alarms say."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.sources import sns
from domain.sources.reports import NoTicket, ReportState
from domain.sources.sender import Unreadable
from domain.sources.sns import AHEAD, TRIES_FOR, names_of, signed_of, subscribe_address
from tests.domain.sources.test_every_sender import payload, read
from tests.domain.sources.test_senders import WHEN, only

TOPIC = "arn:aws:sns:eu-central-1:123456789012:alarms"
AT = datetime(2025, 11, 30, 8, 15, 1, 120_000, tzinfo=UTC)
HERE = "https://sns.eu-central-1.amazonaws.com"


def document(name: str = "firing", **fields: Any) -> dict[str, Any]:
    return sns.envelope(payload("cloudwatch", name), {}) | fields


def refused(field: str, topic: str = TOPIC, at: datetime = AT, **fields: Any) -> str:
    with pytest.raises(Unreadable) as error:
        signed_of(document(**fields), topic, at)
    assert error.value.field == field
    return error.value.detail


def test_what_is_signed_is_what_amazon_documents() -> None:
    signed = signed_of(document("text", Message="a\nb \N{SNOWMAN}"), TOPIC, AT)
    mid = document("text")["MessageId"]
    words = f"Message\na\nb \N{SNOWMAN}\nMessageId\n{mid}\nSubject\nBackup failed\n"
    assert (
        signed.text.decode() == f"{words}Timestamp\n2025-11-30T08:15:01.120Z\nTopicArn\n{TOPIC}\nType\nNotification\n"
    )
    asks = signed_of(document("subscription"), TOPIC, AT).text.decode().splitlines()
    assert asks[::2] == ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
    assert b"Subject" not in signed_of(document("text", Subject=None), TOPIC, AT).text
    refused("MessageId", MessageId="1\nSubject\nother")  # one text would be two messages
    refused("Message", Message={"a": 1})


@pytest.mark.parametrize(
    "address",
    [
        f"http{HERE.removeprefix('https')}/a.pem",
        f"{HERE}:443/a.pem",
        f"{HERE}/a.txt",
        f"{HERE}/a.pem?x=1",
        f"{HERE}/a.pem#x",
        f"{HERE}/../a.pem",
        f"{HERE}/a.pem\n",
        f"{HERE}.evil.example/a.pem",
        "https://sns.eu-central-1.amazonaws.com@evil.example/a.pem",
        "https://user@sns.eu-central-1.amazonaws.com/a.pem",
        "https://sns.us-east-1.amazonaws.com/a.pem",
        "https://sns.eu-central-1.amazonaws.com.cn/a.pem",
        "https://snsxeu-central-1.amazonaws.com/a.pem",
        "https://sns.eu-central-1.amazonaws.com\\@evil.example/a.pem",
        "https://SNS.eu-central-1.amazonaws.com/a.pem",
        "https://127.0.0.1/a.pem",
        None,
        {"x": 1},
    ],
)
def test_a_certificate_is_looked_for_at_the_host_of_the_topics_region_alone(address: object) -> None:
    refused("SigningCertURL", SigningCertURL=address)


@pytest.mark.parametrize(
    ("topic", "host", "name"),
    [
        (TOPIC, "sns.eu-central-1.amazonaws.com", "sns.amazonaws.com"),
        (
            "arn:aws-cn:sns:cn-north-1:123456789012:a",
            "sns.cn-north-1.amazonaws.com.cn",
            "sns-cn-north-1.amazonaws.com.cn",
        ),
        (
            "arn:aws-us-gov:sns:us-gov-east-1:123456789012:a",
            "sns.us-gov-east-1.amazonaws.com",
            "sns-us-gov-west-1.amazonaws.com",
        ),
        (
            "arn:aws:sns:me-south-1:123456789012:a",
            "sns.me-south-1.amazonaws.com",
            "sns-signing.me-south-1.amazonaws.com",
        ),
    ],
)
def test_each_part_of_aws_has_hosts_and_certificates_of_its_own(topic: str, host: str, name: str) -> None:
    address = f"https://{host}/SimpleNotificationService-0.pem"
    signed = signed_of(document(TopicArn=topic, SigningCertURL=address), topic, AT)
    assert signed.certificate == address
    assert name in names_of(topic)


def test_what_is_of_another_topic_or_time_or_not_signed_at_all_is_refused_in_words() -> None:
    assert "not the topic" in refused("TopicArn", TopicArn=TOPIC + "2")
    refused("SignatureVersion", SignatureVersion="3")
    refused("Signature", Signature="%%%")
    refused("Timestamp", Timestamp="soon")
    second = timedelta(seconds=1)
    for away in (TRIES_FOR, -AHEAD):
        signed_of(document(), TOPIC, AT + away)
    assert "longer than SNS tries" in refused("Timestamp", at=AT + TRIES_FOR + second)
    assert "clock" in refused("Timestamp", at=AT - AHEAD - second)
    for body, headers in ((b'{"AlarmName": "x"}', {}), (b"{}", {"x-amz-sns-rawdelivery": "true"})):
        with pytest.raises(Unreadable, match="switch raw message delivery off"):
            sns.envelope(body, headers)


def test_only_what_confirms_this_topic_at_amazon_is_ever_opened() -> None:
    right = str(document("subscription")["SubscribeURL"])
    assert subscribe_address({"SubscribeURL": right}, TOPIC) == right
    wrong = [right.replace(HERE, one) for one in ("https://127.0.0.1", "https://a@sns.eu-central-1.amazonaws.com")]
    wrong += [right.replace("https", "http"), right.replace("Confirm", "Delete"), right.replace(":alarms", ":other")]
    for address in [*wrong, right + "&TopicArn=other", f"{right} ", None]:
        with pytest.raises(Unreadable):
            subscribe_address({"SubscribeURL": address}, TOPIC)


def test_alarms() -> None:
    report, over, again = (only("cloudwatch", one) for one in ("firing", "cleared", "repeated"))
    assert (report.hosts, report.starts_at, over.state) == (("i-0123456789abcdef0",), WHEN, ReportState.CLEARED)
    assert report.key == over.key == again.key
    assert over.ends_at is not None
    assert again.starts_at is not None
    assert again.starts_at > over.ends_at
    assert read("cloudwatch", "firing").delivery != read("cloudwatch", "repeated").delivery
    link = "https://eu-central-1.console.aws.amazon.com/cloudwatch/home?region=eu-central-1#alarmsV2:alarm/"
    assert report.links == {"cloudwatch": f"{link}High%20CPU%20of%20web-01"}
    odd = only("cloudwatch", "odd")
    assert (odd.key, odd.state, odd.hosts) == (f"{TOPIC}/High CPU of web-01", ReportState.FIRING, ("web-01",))
    assert (odd.service, odd.environment) == ("shop", "prod")
    assert any("too little data" in note for note in odd.notes)
    both = only("cloudwatch", "composite")
    assert both.links["cloudwatch"].startswith("https://console.amazonaws.cn/cloudwatch/home?region=cn-north-1#")
    assert both.metadata["alarm_rule"] == "ALARM(web) AND ALARM(db)"
    hostile = only("cloudwatch", "hostile")
    assert (hostile.links, hostile.state) == ({}, ReportState.FIRING)


def test_what_a_topic_says_that_is_no_alarm() -> None:
    said = only("cloudwatch", "text")
    assert (said.title, said.key) == ("Backup failed", f"{TOPIC}/Backup failed")
    for name in ("subscription", "ended"):
        [one] = read("cloudwatch", name).reports
        assert isinstance(one, NoTicket)
