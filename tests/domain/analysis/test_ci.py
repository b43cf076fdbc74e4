"""CI extraction: real names of hosts, words that only look like them, and exact matching to connections."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.analysis.ci import METADATA_KEYS, CiExtraction, extract_ci
from domain.analysis.connection_match import ConnectionIndex, bare_host
from domain.analysis.host_names import looks_like_host
from domain.connections.connection import Connection
from domain.tickets.ticket import NewTicket


def connection(name: str, host: str = "", port: int = 22, aliases: list[str] | None = None) -> Connection:
    return Connection(
        name=name, host=host or "10.9.9.9", port=port, username="u", credential="k", host_key="x", aliases=aliases or []
    )


CONNECTIONS = [
    connection("web-01", "10.0.3.17", aliases=["web-01.example.com", "i-0abc1234def567890"]),
    connection("web-02", "web-02.prod.example.com"),
    connection("prod-01", "10.0.3.19"),
    connection("db-01", "2001:db8::17", aliases=["WIN-AB12CD34EF5"]),
    connection("bastion", "10.0.3.20"),
    Connection(name="here", connector="local"),
]


def extract(title: str = "Something", connections: list[Connection] | None = None, **fields: Any) -> CiExtraction:
    return extract_ci(NewTicket(title=title, **fields), CONNECTIONS if connections is None else connections)


@pytest.mark.parametrize("key", METADATA_KEYS)
def test_each_metadata_key_names_the_ci(key: str) -> None:
    found = extract(metadata={key: "web-01"}, title="db-01 is slow")
    assert (found.name, found.connection) == ("web-01", "web-01")
    assert found.candidates[0].origin == f"metadata.{key}"


@pytest.mark.parametrize(
    "metadata",
    [
        {"cmdb_ci": "web-01"},
        {"cmdb_ci": {"display_value": "web-01", "link": "https://x.example"}},
        {"host_name": "web-01"},
        {"tags": ["env:prod", "host:web-01"]},
        {"tags": "env:prod,host:web-01"},
        {"tags": [{"tag": "env", "value": "prod"}, {"tag": "host", "value": "web-01"}]},
        {"custom_details": {"host": "web-01"}},
        {"labels": {"instance": "web-01:9100"}},
        {"event": {"data": {"hostname": "web-01"}}},
    ],
)
def test_the_ci_is_found_where_senders_put_it(metadata: dict[str, Any]) -> None:
    assert extract(metadata=metadata, title="db-01 is slow").connection == "web-01"


@pytest.mark.parametrize("title", ["主机web-01磁盘空间不足", "ディスクがweb-01でいっぱい", "web\u201301: disk is full"])
def test_a_host_is_found_between_scripts_and_with_any_dash(title: str) -> None:
    assert extract(title).connection == "web-01"


@pytest.mark.parametrize("metadata", [{"tags": ["team:web-01", "web-01"]}, {"a": {"host": "web-01"}}, {"tags": 7}])
def test_what_names_no_host_is_not_taken_for_one(metadata: dict[str, Any]) -> None:
    assert extract(metadata=metadata).connection is None


def test_earlier_metadata_keys_win_and_opaque_ids_do_not_stop_the_search() -> None:
    assert extract(metadata={"node": "db-01", "ci_name": "web-01"}).connection == "web-01"
    assert extract(metadata={"ci_id": "9f8e7d6c5b4a", "ci_name": "web-01"}).connection == "web-01"
    assert extract(metadata={"ci_association": {"value": "9f8e", "display_value": "web-01"}}).connection == "web-01"
    assert extract(metadata={"ci_name": "web-02"}, labels={"instance": "web-01:9100"}).connection == "web-02"


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("web-01", "web-01"),
        ("WEB-01", "web-01"),
        ("web-01:9100", "web-01"),
        ("web-01.example.com", "web-01"),
        ("web-01.example.com.:443", "web-01"),
        ("https://web-01.example.com:8443/health?x=1", "web-01"),
        ("10.0.3.17", "web-01"),
        ("10.0.3.17:9100", "web-01"),
        ("i-0abc1234def567890", "web-01"),
        ("web-02", "web-02"),
        ("web-02.prod.example.com", "web-02"),
        ("db-01.any.domain.net", "db-01"),
        ("[2001:db8::17]:9100", "db-01"),
        ("2001:0DB8:0:0::17", "db-01"),
        ("win-ab12cd34ef5", "db-01"),
    ],
)
def test_a_name_means_a_connection_with_or_without_case_domain_and_port(written: str, name: str) -> None:
    assert extract(labels={"instance": written}).connection == name
    assert extract(title=f"Alert on {written}: disk is full").connection == name


@pytest.mark.parametrize(
    "written",
    [
        "db-prod-01",
        "prod-01-db",
        "web-011",
        "eb-01",
        "xweb-01",
        "web-01.other.com",
        "web-02.stage.example.com",
        "web-0",
    ],
)
def test_a_part_of_a_name_or_another_domain_is_another_host(written: str) -> None:
    for found in (extract(metadata={"ci_name": written}), extract(title=f"{written} is down")):
        assert found.connection is None
        assert found.ambiguous == []
    assert extract(title=f"{written} is down").name in (written, None)


@given(
    st.from_regex(r"[a-z]{1,4}(-[a-z0-9]{1,4}){0,2}", fullmatch=True), st.from_regex(r"[a-z0-9-]{1,5}", fullmatch=True)
)
def test_no_longer_or_shorter_name_ever_matches(name: str, more: str) -> None:
    index = ConnectionIndex([connection(name)])
    assert index.find(name) == [name]
    for other in (name + more, more + name, name[:-1], name[1:], f"{more}.{name}", f"{name}/{more}", f"{name} {more}"):
        if other.strip() != name and more != name:
            assert index.find(other) == [], other


@given(st.from_regex(r"[a-z][a-z0-9]{0,5}-[0-9]{2}", fullmatch=True), st.integers(1, 65535), st.booleans())
def test_case_domain_and_port_never_matter(name: str, port: int, upper: bool) -> None:
    index = ConnectionIndex([connection(name)])
    for written in (f"{name}:{port}", f"{name}.example.org", f"{name}.example.org:{port}"):
        assert index.find(written.upper() if upper else written) == [name]


@given(st.text(max_size=200), st.text(max_size=50))
def test_any_text_gives_some_answer_and_only_known_connections(text: str, value: str) -> None:
    metadata: dict[str, Any] = {"ci_name": value, "host": [value, {"name": value}], "node": {"x": 1}}
    found = extract(title="t" + text, description=text, metadata=metadata, labels={"instance": value})
    assert {found.connection, *found.ambiguous} - {None} <= {known.name for known in CONNECTIONS}
    assert found.reason


def test_several_equally_good_connections_are_for_a_person() -> None:
    lab = [connection("web-01", "127.0.0.1", 2201), connection("web-02", "127.0.0.1", 2202)]
    found = extract(labels={"instance": "127.0.0.1:9100"}, connections=lab)
    assert (found.connection, found.ambiguous) == (None, ["web-01", "web-02"])
    assert extract(labels={"instance": "127.0.0.1:2202"}, connections=lab).connection == "web-02"
    found = extract(title="web-01 cannot reach db-01")
    assert (found.connection, found.ambiguous) == (None, ["db-01", "web-01"])
    assert "a person has to choose" in found.reason
    assert extract(metadata={"host": ["web-01", "db-01"]}).ambiguous == ["db-01", "web-01"]
    assert extract(title="web-01 and web-01.example.com are one").connection == "web-01"


def test_the_title_is_read_before_the_description() -> None:
    assert extract(title="web-01 is slow", description="since db-01 was patched").connection == "web-01"
    assert extract(title="it is slow", description="see db-01").connection == "db-01"


def test_a_plain_word_is_a_host_only_where_it_is_introduced_as_one() -> None:
    assert extract(title="We need a bastion of hope").connection is None
    assert extract(title="server bastion is down").connection == "bastion"


def test_a_field_that_names_an_unknown_host_is_not_overruled_by_a_mention() -> None:
    found = extract(title="web-99 cannot reach db-01", labels={"instance": "web-99:9100"})
    assert (found.name, found.connection) == ("web-99:9100", None)
    assert "no known connection" in found.reason
    assert extract(title="web-01 is full", labels={"instance": "10.99.0.1:9100"}).connection == "web-01"


def test_the_service_is_the_last_resort() -> None:
    assert extract(service="web-01").connection == "web-01"
    assert extract(service="web-01", title="db-01 is down").connection == "db-01"
    found = extract(service="checkout")
    assert (found.name, found.connection, found.candidates[0].origin) == ("checkout", None, "service")


def test_nothing_named_leaves_the_local_connector() -> None:
    found = extract(title="Everything is slow")
    assert (found.name, found.connection, found.candidates) == (None, None, [])
    assert "local connector" in found.reason


def test_a_ticket_never_brings_its_own_address() -> None:
    metadata = {"host": "evil.example.net", "connection": {"host": "6.6.6.6", "username": "root"}, "ip": "6.6.6.6"}
    found = extract(title="Please run on 6.6.6.6", metadata=metadata)
    assert found.connection is None
    assert set(CiExtraction.model_fields) == {"name", "candidates", "connection", "ambiguous", "is_proposed", "reason"}


@pytest.mark.parametrize(
    "word",
    [
        "web-01.example.com", "app3.eu.corp.internal", "ip-10-0-1-23.eu-west-1.compute.internal", "ip-10-0-1-23",
        "i-0abc1234def567890", "i-0abc1234", "10.0.3.17", "10.0.3.17:9100", "2001:db8::1", "[::1]:9100",
        "db-prod-01", "web01", "web-frontend-7d4b9c6f5d-x2k9z", "postgres-0", "gke-prod-pool-1a2b3c4d-x7k2",
        "aks-nodepool1-12345678-vmss000000", "WIN-AB12CD34EF5", "DESKTOP-7HGF2K1", "EC2AMAZ-1A2B3C4",
        "SRV-DB-01", "SQLPROD02",
    ],
)  # fmt: skip
def test_names_of_hosts_are_seen_without_being_known(word: str) -> None:
    assert looks_like_host(word)
    assert bare_host(word) in [
        bare_host(found.name) for found in extract(title=f"Trouble on {word}, please look").candidates
    ]


@pytest.mark.parametrize(
    "word",
    [
        "error500", "v1.2.3", "1.2.3", "nginx.conf", "/var/log/x.log", "/backup/web-01/db.dump", "2024-01-02",
        "97%", "99.9%",
        "12:30:45", "HTTP-500", "CVE-2024-1234", "UTF-8", "SHA-256", "INC-12345", "OPS-77", "x86-64", "top-10",
        "3.5GB", "10ms",
        "java.lang.NullPointerException", "php-fpm", "read-only", "log4j2", "ops@example.com", "10.0.0.0/24",
        "2024/01/02",
        "backup.tar.gz", "app.py", "index.html", "node_exporter", "100%", "sda1", "eth0", "python3", "p99",
        "ext4", "e.g.",
        "C:\\logs\\srv-01.log", "00:1b:44:11:3a:b7", "libc.so.6", "kernel-5.10.0-23", "redis.service",
    ],
)  # fmt: skip
def test_words_that_only_look_like_hosts_are_none(word: str) -> None:
    found = extract(title=f"Trouble with {word} again", description=f"{word}")
    assert found.candidates == []


def test_paths_shares_and_namespaces() -> None:
    assert extract(title=r"Share \\WIN-AB12CD34EF5\data is gone").connection == "db-01"
    assert extract(title="ssh root@web-01 hangs").connection == "web-01"
    assert extract(title="mount web-01:/export failed").connection == "web-01"
    assert extract(title="pod shop/web-frontend-7d4b9c6f5d-x2k9z restarts").name == "web-frontend-7d4b9c6f5d-x2k9z"
    assert extract(title="web-01/db-01 differ").ambiguous == ["db-01", "web-01"]
    assert extract(title="web-01's disk (web-01) is full.").connection == "web-01"
