"""Which configuration item a ticket is about, and which connection that means."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pydantic import Field

from domain.analysis.connection_match import ConnectionIndex, bare_host, ip_address
from domain.analysis.host_names import could_be_host, host_words, looks_like_host
from domain.base import WireModel
from domain.connections.connection import Connection
from domain.text.patterns import literal
from domain.tickets.ticket import NewTicket

METADATA_KEYS = (
    *("ci_association", "ci_id", "ci_name", "configuration_item", "server_name"),
    *("hostname", "host", "instance", "node"),
    *("cmdb_ci", "host_name", "host_display_name", "computer", "machine", "fqdn"),
)
# Objects in which senders put their own fields, one or two levels deep; and lists of `host:web-01`.
_FOLDERS = ("custom_details", "details", "labels", "commonlabels", "alert", "event", "data", "payload", "trigger")
_TAGS = ("tags", "labels", "alert_tags", "event_tags")
_TAG_KEYS = frozenset({"host", "hostname", "host_name", "instance", "node", "ci_name"})
LABEL_KEYS = (
    *("instance", "host", "hostname", "node", "server", "server_name"),
    *("nodename", "host_name", "machine", "exported_instance", "vm", "pod"),
)
MOST_CANDIDATES = 30
LONGEST_NAME = 253
MOST_TEXT = 20_000  # characters of a description that are searched
_NAME_FIELDS = ("display_value", "name", "ci_name", "hostname", "host", "id", "value")


class CiCandidate(WireModel):
    """A name that may be the CI. `origin` says where it stood: `metadata.ci_name`, `label.instance`, `title`, ..."""

    name: str
    origin: str
    known: bool = Field(description="Whether it means a connection, or several.")


class CiExtraction(WireModel):
    """The CI and its connection. `connection` is None when none is known; `ambiguous` has the equally good ones."""

    name: str | None
    candidates: list[CiCandidate] = Field(default_factory=list)
    connection: str | None = None
    ambiguous: list[str] = Field(default_factory=list)
    is_proposed: bool = Field(default=False, description="Only a language model took this word of the ticket for it.")
    reason: str


def extract_ci(ticket: NewTicket, connections: Sequence[Connection]) -> CiExtraction:
    """Find the name of the CI and the known connection it means; a name that is not known never becomes an address."""
    index = ConnectionIndex(connections)
    structured = [*_metadata_candidates(ticket.metadata, index), *_label_candidates(ticket.labels, index)]
    title = list(_known_words("title", ticket.title, index))
    description = list(_known_words("description", ticket.description[:MOST_TEXT], index))
    patterns = list(_pattern_words(ticket))
    service = [_candidate(ticket.service, "service", index)] if ticket.service and ticket.service.strip() else []
    everything = _distinct([*structured, *title, *description, *patterns, *service])
    return _decide(structured, [title, description, service], everything, index)


def with_proposals(
    ci: CiExtraction, ticket: NewTicket, connections: Sequence[Connection], names: Sequence[str]
) -> CiExtraction:
    """Let a language model's names say which connection is meant where nothing else did.

    A name counts only if it stands in the ticket and means a known connection. What a field of the ticket says is
    never overruled, and names that mean several connections decide nothing.
    """
    in_fields = (one for one in ci.candidates if one.origin.startswith(("metadata.", "label.")))
    if ci.connection or ci.ambiguous or any(_names_another_host(one) for one in in_fields):
        return ci
    index = ConnectionIndex(connections)
    text = "\n".join((ticket.title, ticket.description[:MOST_TEXT], ticket.service or "", *ticket.labels.values()))
    found = [name for name in names if _stands_in(name, text) and index.find(name)]
    meant = {connection for name in found for connection in index.find(name)}
    if len(meant) != 1:
        return ci
    connection = meant.pop()
    return CiExtraction(
        name=found[0],
        candidates=[*ci.candidates, CiCandidate(name=found[0], origin="language model", known=True)][-MOST_CANDIDATES:],
        connection=connection,
        is_proposed=True,
        reason=f"the language model takes {found[0]} for the connection {connection}; a person has to agree",
    )


def _stands_in(name: str, text: str) -> bool:
    """Whether a text has this name as a word of its own."""
    if not name.strip() or len(name) > LONGEST_NAME:
        return False
    whole = literal(name, after=r"(?<![\w-])(?<!\w\.)", before=r"(?![\w-])(?!\.\w)", ignore_case=True)
    return whole.search(text) is not None


def _decide(
    structured: list[CiCandidate],
    in_text: list[list[CiCandidate]],
    everything: list[CiCandidate],
    index: ConnectionIndex,
) -> CiExtraction:
    if known := [candidate for candidate in structured if candidate.known]:
        same_place = [candidate for candidate in known if candidate.origin == known[0].origin]
        return _extraction(same_place, everything, index)
    if stranger := next((candidate for candidate in structured if _names_another_host(candidate)), None):
        # A field says which host it is, and it is none of ours: one that the text mentions is another host.
        reason = f"{stranger.name} ({stranger.origin}) is no known connection, so only the local connector is left"
        return CiExtraction(name=stranger.name, candidates=everything, reason=reason)
    for candidates in in_text:
        if known := [candidate for candidate in candidates if candidate.known]:
            return _extraction(known, everything, index)
    if everything:
        first = everything[0]
        reason = f"{first.name} ({first.origin}) is no known connection, so only the local connector is left"
        return CiExtraction(name=first.name, candidates=everything, reason=reason)
    return CiExtraction(name=None, reason="the ticket names no host, so only the local connector is left")


def _extraction(known: list[CiCandidate], everything: list[CiCandidate], index: ConnectionIndex) -> CiExtraction:
    """Decide among names that stand at one place, all of them known."""
    meant = sorted({name for candidate in known for name in index.find(candidate.name)})
    first = known[0]
    if len(meant) == 1:
        reason = f"{first.name} ({first.origin}) is the connection {meant[0]}"
        return CiExtraction(name=first.name, candidates=everything, connection=meant[0], reason=reason)
    reason = f"{first.origin} could mean {', '.join(meant)} equally well; a person has to choose"
    return CiExtraction(name=first.name, candidates=everything, ambiguous=meant, reason=reason)


def _names_another_host(candidate: CiCandidate) -> bool:
    """Whether an unknown name is a host's; an address or an opaque id may be another name of a known host."""
    return looks_like_host(candidate.name) and ip_address(bare_host(candidate.name)) is None


def _metadata_candidates(metadata: Mapping[str, Any], index: ConnectionIndex, levels: int = 2) -> Iterator[CiCandidate]:
    lowered = {str(key).lower(): value for key, value in reversed(list(metadata.items()))}
    for key in METADATA_KEYS:
        for name in _names_in(lowered.get(key)):
            yield _candidate(name, f"metadata.{key}", index)
    for key in _TAGS:
        for name in _tagged(lowered.get(key)):
            yield _candidate(name, f"metadata.{key}", index)
    if levels:
        for key in _FOLDERS:
            inner = lowered.get(key)
            if isinstance(inner, Mapping):
                for found in _metadata_candidates(inner, index, levels - 1):
                    yield found.model_copy(update={"origin": found.origin.replace("metadata", f"metadata.{key}", 1)})


def _label_candidates(labels: Mapping[str, str], index: ConnectionIndex) -> Iterator[CiCandidate]:
    lowered = {key.lower(): value for key, value in reversed(list(labels.items()))}
    for key in LABEL_KEYS:
        for name in _names_in(lowered.get(key)):
            yield _candidate(name, f"label.{key}", index)


def _names_in(value: object) -> Iterator[str]:
    """Sources write a CI as a text, a list of texts, or an object that has a name."""
    if isinstance(value, str) and 0 < len(value.strip()) <= LONGEST_NAME:
        yield value.strip()
    elif isinstance(value, list | tuple):
        for item in value[:MOST_CANDIDATES]:
            if not isinstance(item, list | tuple):
                yield from _names_in(item)
    elif isinstance(value, Mapping):
        for field in _NAME_FIELDS:
            if isinstance(value.get(field), str) and value[field].strip():
                yield from _names_in(value[field])
                return


def _tagged(value: object) -> Iterator[str]:
    """Yield the hosts of `["env:prod", "host:web-01"]`, `"env:prod,host:web-01"`, `[{"tag": "host", "value": ...}]`."""
    tags = value.split(",") if isinstance(value, str) else value
    for one in tags[:MOST_CANDIDATES] if isinstance(tags, list) else []:
        if isinstance(one, Mapping):
            name, told = next((one[key] for key in ("tag", "name", "key") if one.get(key)), ""), one.get("value")
        else:
            name, _, told = str(one).partition(":")
        if str(name).strip().lower() in _TAG_KEYS:
            yield from _names_in(told)


def _known_words(origin: str, text: str, index: ConnectionIndex) -> Iterator[CiCandidate]:
    for word, is_introduced in host_words(text):
        if (is_introduced or could_be_host(word)) and index.find(word):
            yield CiCandidate(name=word, origin=origin, known=True)


def _pattern_words(ticket: NewTicket) -> Iterator[CiCandidate]:
    for word, _ in host_words(f"{ticket.title}\n{ticket.description[:MOST_TEXT]}"):
        if looks_like_host(word):
            yield CiCandidate(name=word, origin="pattern", known=False)


def _candidate(name: str, origin: str, index: ConnectionIndex) -> CiCandidate:
    return CiCandidate(name=name, origin=origin, known=bool(index.find(name)))


def _distinct(candidates: Iterable[CiCandidate]) -> list[CiCandidate]:
    """Keep the first mention of each name in one place; a pattern says nothing new of a name already found."""
    kept: dict[tuple[str, str], CiCandidate] = {}
    names: set[str] = set()
    for candidate in candidates:
        bare = bare_host(candidate.name)
        if candidate.origin != "pattern" or bare not in names:
            kept.setdefault((bare, candidate.origin), candidate)
            names.add(bare)
    return list(kept.values())[:MOST_CANDIDATES]
