"""A topic of Amazon SNS: what it signed is taken, once, and nothing is opened for anybody else or without a person."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from api.context import ApiContext
from domain.base import utc_now
from tests.amazon import CONFIRMED, DAY, HOST, PEM, SUBSCRIBE, TOPIC, Amazon, Certified, amazon, message, subscription
from tests.api.caller import Caller
from tests.api.test_sources import SOURCES, deliveries

KEY = f"{HOST}{PEM}"


@pytest.fixture
def aws() -> Iterator[Amazon]:
    yield amazon()
    amazon().reset()


@pytest.fixture
async def sns_caller(lone_context: ApiContext, tmp_path: Path, aws: Amazon) -> AsyncIterator[Caller]:
    with aws.serving(tmp_path) as ports:
        async with Caller.of(replace(lone_context, sns=aws.door(ports)), tmp_path) as caller:
            answer = await caller.post(SOURCES, {"name": "cw", "kind": "cloudwatch", "topic": TOPIC})
            assert answer.status_code == 201, answer.text
            caller.client.headers["X-Test-Secret"] = answer.json()["secret"]
            yield caller


async def send(caller: Caller, body: bytes, **headers: str) -> tuple[int, str]:
    """Deliver as SNS does: the secret is in the address. Returns the status and what the source's page says."""
    path = f"/api/v1{SOURCES}/cw/{caller.client.headers['X-Test-Secret']}"
    kind = {"Authorization": "", "Content-Type": "text/plain; charset=UTF-8", **headers}
    answer = await caller.client.post(path, content=body, headers=kind)
    last = (await deliveries(caller, "cw"))[0]
    said = last["why"] or "; ".join(f"{one['became']} {one['why']}" for one in last["results"])
    return answer.status_code, said


async def test_what_its_topic_signed_is_taken_once_and_one_certificate_is_fetched(
    sns_caller: Caller, aws: Amazon
) -> None:
    for version in ("1", "2"):
        body = message(SignatureVersion=version, MessageId=f"m-{version}")
        assert (await send(sns_caller, body))[0] == 202
        status, said = await send(sns_caller, body)
        assert (status, "sent again" in said) == (202, True)
    assert aws.asked == [KEY, "crt.test.amazontrust.com/issuer.cer"]


async def test_what_its_topic_did_not_sign_is_refused_and_told(sns_caller: Caller, aws: Amazon) -> None:
    async def refused(body: bytes, words: str, **headers: str) -> None:
        status, said = await send(sns_caller, body, **headers)
        assert (status, words in said) == (422, True), said

    right = message()
    await refused(right.replace(b"almost", b"hardly"), "its signature is not one")
    await refused(message(by=aws.host), "its signature is not one")
    asked = list(aws.asked)
    await refused(message(TopicArn=f"{TOPIC}2"), "not the topic of this source")
    await refused(message(SigningCertURL="https://sns.evil.example/a.pem"), "no certificate at")
    old = (utc_now() - timedelta(hours=2)).isoformat()
    await refused(message(Timestamp=old), "longer than SNS tries")
    await refused(b'{"AlarmName": "x"}', "switch raw message delivery off")
    await refused(right, "switch raw message delivery off", **{"x-amz-sns-rawdelivery": "true"})
    sns_caller.client.headers["X-Test-Secret"] = "hrs_of-a-stranger-who-has-none"
    assert (await send(sns_caller, message()))[0] == 401
    assert aws.asked == asked, "for none of these was anything fetched"


@pytest.mark.parametrize("wrong", ["stranger", "self-signed", "ended", "another name", "redirect", "large", "nonsense"])
async def test_a_certificate_that_is_not_amazons_signs_nothing(sns_caller: Caller, aws: Amazon, wrong: str) -> None:
    signer = aws.signer
    if wrong == "stranger":
        signer = Certified("sns.amazonaws.com", Certified("Issuer", is_authority=True))
    elif wrong == "self-signed":
        signer = Certified("sns.amazonaws.com")
    elif wrong == "ended":
        signer = Certified("sns.amazonaws.com", aws.issuer, ends=-DAY)
    elif wrong == "another name":
        signer = Certified("s3.amazonaws.com", aws.issuer)
    answers: dict[str, tuple[int, bytes, dict[str, str]]] = {
        "redirect": (302, b"", {"Location": "/moved.pem"}),
        "large": (200, signer.pem() * 100, {}),
        "nonsense": (200, b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", {}),
    }
    aws.answers["/moved.pem"] = (200, signer.pem(), {})
    aws.answers[PEM] = answers.get(wrong, (200, signer.pem(), {}))
    status, said = await send(sns_caller, message(by=signer))
    assert (status, "not signed by Amazon SNS" in said) == (422, True), said
    assert f"{HOST}/moved.pem" not in aws.asked


async def test_while_amazon_cannot_be_asked_sns_is_to_send_again(
    lone_context: ApiContext, tmp_path: Path, aws: Amazon
) -> None:
    """As when its server is another's: who is asked has to prove the name in the address."""
    aws.host, honest = Certified("sns.us-east-1.amazonaws.com", aws.issuer), aws.host
    try:
        with aws.serving(tmp_path) as ports:
            async with Caller.of(replace(lone_context, sns=aws.door(ports)), tmp_path) as caller:
                added = await caller.post(SOURCES, {"name": "cw", "kind": "cloudwatch", "topic": TOPIC})
                caller.client.headers["X-Test-Secret"] = added.json()["secret"]
                status, said = await send(caller, message())
    finally:
        aws.host = honest
    assert (status, "could not be reached" in said) == (503, True), said
    assert aws.asked == []


async def test_a_person_confirms_a_subscription_and_nothing_is_opened_before(sns_caller: Caller, aws: Amazon) -> None:
    async def source() -> dict[str, Any]:
        found: dict[str, Any] = (await sns_caller.get(f"{SOURCES}/cw")).json()
        return found

    path, opened = f"{SOURCES}/cw/confirm", SUBSCRIBE.removeprefix("https://")
    assert (await sns_caller.post(path)).status_code == 409
    assert (await send(sns_caller, subscription(SubscribeURL=SUBSCRIBE.replace(HOST, "127.0.0.1"))))[0] == 422
    assert (await source())["subscription"] is None
    status, said = await send(sns_caller, subscription())
    assert (status, "asks to confirm" in said) == (202, True)
    assert opened not in aws.asked
    assert (await source())["subscription"]["confirmed_at"] is None
    aws.answers[opened.removeprefix(HOST)] = (403, b"", {})
    assert (await sns_caller.post(path)).status_code == 409
    aws.answers[opened.removeprefix(HOST)] = (200, CONFIRMED, {})
    assert (await sns_caller.post(path)).json()["subscription"]["confirmed_by"] == "sam"
    await send(sns_caller, subscription())  # sent again, as after an answer that got lost
    assert (await source())["subscription"]["confirmed_by"] == "sam"
    assert aws.asked.count(opened) == 2
    page = (await sns_caller.client.get("/t/demo/sources/cw")).text
    assert "Its subscription was confirmed by sam" in page


async def test_a_source_of_a_topic_names_it(lone_caller: Caller) -> None:
    for wrong in (
        {"kind": "cloudwatch"},
        {"kind": "alertmanager", "topic": TOPIC},
        {"kind": "cloudwatch", "topic": "arn:aws:sns:evil.example/:123456789012:x"},
    ):
        answer = await lone_caller.post(SOURCES, {"name": "x", **wrong})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "topic")
