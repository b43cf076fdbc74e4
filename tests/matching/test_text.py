"""Words: the same thing written in several ways comes out the same."""

import pytest

from matching.contrast import compare, facts_of
from matching.markdown import split_markdown
from matching.masking import mask
from matching.text import compounds, technical_names, terms


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("KubeJobFailed", "kube job failing"),
        ("HTTPRequestsSlow", "slow HTTP request"),
        ("out of disk space", "disk is full, no space left"),
        ("the service is not reachable", "unreachable service"),
        ("certificates expire", "cert expiring"),
        ("configuration reloads", "config reload"),
    ],
)
def test_the_same_words(one: str, other: str) -> None:
    shared = set(terms(one)) & set(terms(other))
    assert len(shared) >= 2


def test_camel_case_is_also_one_word() -> None:
    assert "statefulset" in compounds("MyStatefulSetDown")
    assert compounds("plain words only") == set()


@pytest.mark.parametrize(
    "value", ["10.0.3.17:9100", "https://x.example.com/a?b=1", "web-11.internal", "88.6%", "2h", "fe80::1:2:3"]
)
def test_values_are_masked(value: str) -> None:
    assert mask(f"disk on {value} full", {}).split() == ["disk", "on", "full"]


def test_label_values_are_masked_only_where_they_name_an_instance() -> None:
    labels = {"pod": "orders-api", "service": "checkout"}
    assert mask("orders-api of checkout is slow", labels).split() == ["of", "checkout", "is", "slow"]


def test_names_that_are_written_as_names() -> None:
    assert set(technical_names("The virt-api of a DaemonSet lost its PVCs, plainly").values()) == {
        "virt-api",
        "DaemonSet",
        "PVC",
    }


def test_markdown_leads_with_what_it_is_about() -> None:
    text = "# Title\n\n## Meaning\n\nThe disk is full.\n\n## Diagnosis\n\nRun df.\n\n```sh\ndf -h\n```\n"
    lead, heads, body = split_markdown(text, "Title")
    assert lead.strip() == "The disk is full."
    assert heads.split("\n") == ["Meaning", "Diagnosis"]
    assert "Run df." in body
    assert "df -h" in body


def test_facts_agree_or_conflict() -> None:
    ticket = facts_of("Some pods are not ready", "")
    conflicts, _ = compare(ticket, facts_of("No ready pods", ""))
    assert [(one.ticket, one.runbook) for one in conflicts if one.dimension == "how many"] == [("some", "all")]
    _, agreed = compare(ticket, facts_of("A few pods not ready", ""))
    assert "how many" in agreed


@pytest.mark.parametrize(
    ("text", "states"),
    [
        ("will become read-only at 85%", "soon"),
        ("is full and read-only now", "already"),
        ("will be full now", "already"),
    ],
)
def test_what_is_foretold_is_not_there_yet(text: str, states: str) -> None:
    assert facts_of(text, "")["how far"][0] == {states}


def test_a_title_may_be_for_both() -> None:
    assert facts_of("Certificate expiring or expired", "")["how far"][0] == {"soon", "already"}


def test_ready_is_not_read() -> None:
    assert terms("ready") != terms("read")
