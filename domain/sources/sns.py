"""Amazon SNS: what it delivers for a topic, which of that it signs, and where it may have us look.

Every address in a message is a stranger's until its signature is known to be right. So none is taken from it: each has
to be one at the host of the region of the topic that the source names.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Protocol
from urllib.parse import parse_qs

from pydantic import StringConstraints

from domain.sources.fitting import Fitting
from domain.sources.sender import Unreadable, json_object

TopicArn = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True,
        pattern=r"^arn:aws(?:-cn|-us-gov)?:sns:[a-z]{2}(?:-[a-z]{1,12}){1,3}-[0-9]{1,2}:[0-9]{12}:[A-Za-z0-9_-]{1,256}$",
    ),
]

NOTIFICATION, SUBSCRIPTION, END = "Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation"
_OF_SUBSCRIPTION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
SIGNED_FIELDS = {
    NOTIFICATION: ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    SUBSCRIPTION: _OF_SUBSCRIPTION,
    END: _OF_SUBSCRIPTION,
}
VERSIONS = {"1": "SHA1", "2": "SHA256"}
TRIES_FOR = timedelta(hours=1, minutes=5)
"""How old a message may be: SNS tries for an hour at most (a limit of its own), and does not sign it anew."""
AHEAD = timedelta(minutes=5)
RAW = "it is a raw message, which carries no signature: switch raw message delivery off for this subscription"

_CERTIFICATE = re.compile(r"https://([a-z0-9.-]{1,100})/[A-Za-z0-9_-]{1,200}\.pem")
_SUBSCRIBE = re.compile(r"https://([a-z0-9.-]{1,100})/\?([A-Za-z0-9%&=:._~-]{1,2000})")


class Forged(ValueError):
    """SNS did not sign it, or its certificate is not to be trusted."""


class SnsAway(Exception):
    """Amazon does not answer, so nobody can say whether it signed."""


@dataclass(frozen=True)
class Signed:
    """What SNS says it signed. `certificate`: the address of the certificate; `names`: whose it has to be, one of
    these."""

    text: bytes
    signature: bytes
    version: str
    certificate: str
    names: tuple[str, ...]


class Sns(Protocol):
    """What is asked of Amazon SNS. Both raise SnsAway."""

    async def check(self, signed: Signed) -> None:
        """Raises Forged."""

    async def confirm(self, address: str) -> None:
        """Have it deliver from now on. Raises Forged if it does not take that."""


def region_of(topic: str) -> tuple[str, str]:
    """Return the region of an ARN of AWS, and the domain of that part of AWS."""
    partition, region = topic.split(":")[1:4:2]
    return region, "amazonaws.com.cn" if partition == "aws-cn" else "amazonaws.com"


def host_of(topic: str) -> str:
    region, domain = region_of(topic)
    return f"sns.{region}.{domain}"


def names_of(topic: str) -> tuple[str, ...]:
    """Return the names that the certificate of SNS may have in a topic's region: AWS has no one way."""
    region, domain = region_of(topic)
    names = [f"sns-{region}.{domain}", f"sns-signing.{region}.{domain}", f"sns.{region}.{domain}"]
    if region.startswith("us-gov-"):
        names.append(f"sns-us-gov-west-1.{domain}")  # signs for both
    return ("sns.amazonaws.com", *names)


def envelope(body: bytes, headers: Mapping[str, str]) -> dict[str, Any]:
    """Read what SNS sends. Raises Unreadable."""
    if headers.get("x-amz-sns-rawdelivery", "").strip().lower() == "true":
        raise Unreadable("body", RAW)
    document = json_object(body)
    if "Type" not in document and "AlarmName" in document:
        raise Unreadable("body", RAW)
    if document.get("Type") not in SIGNED_FIELDS:
        raise Unreadable("Type", f"is {str(document.get('Type'))[:40]!r}, none of {', '.join(SIGNED_FIELDS)}")
    return document


def signed_of(document: Mapping[str, Any], topic: str, now: datetime) -> Signed:
    """Return what of a message is signed, and by whom, if it is one of this topic and of now. Raises Unreadable."""
    if document.get("TopicArn") != topic:
        raise Unreadable("TopicArn", f"is {str(document.get('TopicArn'))[:300]!r}, not the topic of this source")
    version = document.get("SignatureVersion")
    if version not in VERSIONS:
        raise Unreadable("SignatureVersion", f"is {str(version)[:20]!r}; known are {' and '.join(VERSIONS)}")
    address = str(document.get("SigningCertURL"))
    found = _CERTIFICATE.fullmatch(address)
    if found is None or found[1] != host_of(topic):
        raise Unreadable("SigningCertURL", f"is {address[:200]!r}, no certificate at https://{host_of(topic)}/")
    _check_time(document.get("Timestamp"), now)
    return Signed(_text(document), _signature(document), str(version), address, names_of(topic))


def subscribe_address(document: Mapping[str, Any], topic: str) -> str:
    """Return the address that confirms a subscription of this topic. Raises Unreadable for any other."""
    address = str(document.get("SubscribeURL"))
    found = _SUBSCRIBE.fullmatch(address)
    asked = parse_qs(found[2]) if found else {}
    if found is None or found[1] != host_of(topic):
        raise Unreadable("SubscribeURL", f"is {address[:200]!r}, none at https://{host_of(topic)}/")
    if (asked.get("Action"), asked.get("TopicArn")) != (["ConfirmSubscription"], [topic]):
        raise Unreadable("SubscribeURL", "does not confirm a subscription of this source's topic")
    return address


def _text(document: Mapping[str, Any]) -> bytes:
    """Return the text that is signed: the fields of its type by name, a line for the name and one for the value."""
    lines = []
    for name in SIGNED_FIELDS[document["Type"]]:
        value = document.get(name)
        if value is None and name == "Subject":
            continue
        if not isinstance(value, str):
            raise Unreadable(name, "is missing, or no text")
        if name != "Message" and "\n" in value:  # else one text could be read as two messages
            raise Unreadable(name, "has a line break")
        lines += [name, value]
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "replace")


def _signature(document: Mapping[str, Any]) -> bytes:
    try:
        return base64.b64decode(str(document.get("Signature")), validate=True)
    except (binascii.Error, ValueError):
        raise Unreadable("Signature", "is missing, or not in base64") from None


def _check_time(said: object, now: datetime) -> None:
    moment = Fitting(()).time("Timestamp", said)
    if moment is None:
        raise Unreadable("Timestamp", f"is {str(said)[:40]!r}, no time that is known here")
    if not -AHEAD <= now - moment <= TRIES_FOR:
        words = "ago, longer than SNS tries" if moment < now else "in the future: look at this machine's clock"
        raise Unreadable("Timestamp", f"is {int(abs(now - moment).total_seconds())} seconds {words}")
