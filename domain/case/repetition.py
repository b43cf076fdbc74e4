"""When two tickets report the same problem, and how often it was fixed lately."""

from collections.abc import Iterable

from domain.analysis.past import title_words
from domain.matching.outcomes import environment_of
from domain.tickets.ticket import NewTicket

# What of an alert says which thing is broken; its values, its severity and who reports it do not.
SUBJECT_LABELS = (
    "name",
    "unit",
    "service",
    "mountpoint",
    "device",
    "database",
    "datname",
    "namespace",
    "pod",
    "container",
)


def problem_pattern(ticket: NewTicket) -> tuple[str, ...]:
    """Return what stays the same when a problem comes again: alert name and subject, or the title without its values.

    Two environments never have a pattern in common. The host is no part of it: fixes are counted by host.
    """
    where = environment_of(ticket.environment).casefold()
    alert = ticket.labels.get("alertname", "").strip()
    if alert:
        subject = [ticket.labels.get(key, "").strip().casefold() for key in SUBJECT_LABELS]
        return ("alert", where, alert.casefold(), *subject)
    return ("title", where, *title_words(ticket.title))


def count_alike(ticket: NewTicket, fixed: Iterable[tuple[str, NewTicket]]) -> int:
    """Return how often, on the host where it was most, the problem of a ticket was fixed. `fixed`: (host, ticket)."""
    pattern = problem_pattern(ticket)
    hosts = [host for host, other in fixed if problem_pattern(other) == pattern]
    return max((hosts.count(host) for host in set(hosts)), default=0)
