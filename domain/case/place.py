"""Link 2: where is it? Exactly one host, named by the ticket as the broken one, and no other beside it."""

from typing import TYPE_CHECKING

from domain.case.links import Link, LinkName, link
from domain.case.reading import Reading
from domain.plans.plan import CI_TARGET, LOCAL_TARGET
from domain.tickets.ticket import NewTicket

if TYPE_CHECKING:
    from domain.case.build import CaseQuestion

# With one of these labels, `instance` is who reports, not what is broken.
_SUBJECTS = frozenset({"pod", "container", "namespace", "persistentvolumeclaim", "deployment", "target", "probe", "vm"})
_RELAYS = ("kube-state-metrics", "blackbox", "snmp", "cadvisor", "pushgateway", "federate", "apiserver", "kubelet")


def place_link(question: "CaseQuestion", reading: Reading, names: frozenset[str]) -> Link:
    """Return whether the hosts of the plan are those that the ticket is about."""
    if question.runbook.target == LOCAL_TARGET:
        return link(LinkName.PLACE, "the runbook runs on Handrail's own host, whatever the ticket says", [])
    others = [f"{host} ({where})" for host, where in reading.hosts.items() if not _is_one_of(host, names)]
    doubts = [f"the ticket also names another host: {', '.join(others[:5])}"] if others else []
    if question.is_target_given:
        return link(LinkName.PLACE, "a person named the host", [])
    if question.runbook.target == CI_TARGET:
        ci = question.analysis.ci if question.analysis else None
        if ci is None or ci.connection is None:
            doubts.insert(0, "no known connection is named by the ticket")
        doubts += _reporter(question.ticket)
        return link(LinkName.PLACE, ci.reason if ci else "", doubts)
    return link(LinkName.PLACE, f"the runbook is for {question.runbook.target}", doubts)


def _is_one_of(host: str, names: frozenset[str]) -> bool:
    return host in names or host.partition(".")[0] in names


def _reporter(ticket: NewTicket) -> list[str]:
    """Say when the host that the labels name may only be the one that reports."""
    lowered = {key.casefold(): value for key, value in ticket.labels.items()}
    job = lowered.get("job", "")
    if any(relay in job.casefold() for relay in _RELAYS):
        return [f"job {job} reports about others: its instance may not be what is broken"]
    subjects = [key for key in lowered if key in _SUBJECTS or key.startswith("exported_")]
    if subjects:
        return [f"label {subjects[0]} says that the broken thing is {lowered[subjects[0]]}, not the reporting instance"]
    return []
