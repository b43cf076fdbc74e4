"""What holds for every kind of sender, whatever it sends: it is read or refused in words, and costs nothing else."""

from contextlib import suppress
from pathlib import Path

import pytest

from domain.sources.registry import SENDERS
from domain.sources.reports import NoTicket, Report
from domain.sources.sender import Read, Sender, Sent, Unreadable
from domain.text.storable import why_unstorable

PAYLOADS = Path(__file__).parent / "payloads"
KINDS = {"firing", "cleared", "repeated", "odd", "malformed", "hostile"}
senders = pytest.mark.parametrize("sender", SENDERS.values(), ids=list(SENDERS))


def payload(kind: str, name: str) -> bytes:
    return (PAYLOADS / kind / f"{name}.json").read_bytes()


def read(kind: str, name: str) -> Read:
    return SENDERS[kind].read(Sent("mine", payload(kind, name)))


@senders
def test_every_kind_of_payload_is_tried(sender: Sender) -> None:
    assert {path.stem for path in (PAYLOADS / sender.kind).iterdir()} >= KINDS


@senders
def test_whatever_is_read_can_be_kept(sender: Sender) -> None:
    for path in sorted((PAYLOADS / sender.kind).iterdir()):
        try:
            found = sender.read(Sent("mine", path.read_bytes()))
        except Unreadable:
            assert path.stem not in KINDS - {"malformed"}, path
            continue
        assert found.reports, path
        for one in found.reports:
            if isinstance(one, Report):
                assert one.source == "mine", "a payload does not choose whose report it is"
                assert why_unstorable(one.as_ticket().model_dump(mode="json")) is None, path


@senders
@pytest.mark.parametrize("body", [b"", b"null", b"[]", b'"x"', b"\xff\xfe{", b"[" * 100_000, b'{"a": 1e999}', b"{}"])
def test_what_is_no_delivery_is_refused_and_never_an_accident(sender: Sender, body: bytes) -> None:
    found: list[Report | NoTicket] = []
    with suppress(Unreadable):
        found = sender.read(Sent("mine", body)).reports
    assert all(isinstance(one, NoTicket) for one in found)


@senders
def test_its_sample_is_read(sender: Sender) -> None:
    [report] = sender.read(Sent("mine", sender.sample)).reports
    assert isinstance(report, Report)
    assert report.key
    assert report.hosts or sender.kind == "pagerduty", "an incident says no host"
