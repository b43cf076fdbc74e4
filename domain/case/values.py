"""Link 4: with which values? Those of the ticket, or a default that the ticket does not contradict."""

from typing import TYPE_CHECKING

from domain.case.links import Link, LinkName, link
from domain.case.reading import Reading
from domain.case.words import words
from domain.runbooks.runbook import InputType

if TYPE_CHECKING:
    from domain.case.build import CaseQuestion


def values_link(question: "CaseQuestion", reading: Reading) -> Link:
    """Return whether the plan's values are those that the ticket speaks of."""
    values = set(question.inputs.values())
    doubts = list(question.value_problems)
    doubts += [
        f"the ticket speaks of {path}, and the plan has no such value"
        for path in sorted(reading.paths)
        if not _is_known(path, values)
    ]
    units = {unit for unit in reading.units if not _has(unit, values)}
    doubts += [f"the ticket speaks of the unit {unit}, and the plan has no such value" for unit in sorted(units)]
    doubts += _other_services(question, reading)
    return link(LinkName.VALUES, "what the ticket names is what the plan uses", doubts)


def _is_known(path: str, values: set[str]) -> bool:
    directory, _, name = path.rpartition("/")
    return path in values or path.rstrip("/") in values or (directory in values and name in values)


def _has(unit: str, values: set[str]) -> bool:
    return unit in values or f"{unit}.service" in values


def _other_services(question: "CaseQuestion", reading: Reading) -> list[str]:
    """A runbook for several services acts on the one that an input says: the ticket must mean that one."""
    services = {service.casefold(): service for service in question.runbook.match.services}
    said = {word.text.casefold() for sentence in reading.sentences() for word in words(sentence)}
    doubts = []
    for name, spec in question.runbook.inputs.items():
        value = question.inputs.get(name, "").casefold().removesuffix(".service")
        is_service = spec.type is InputType.STRING and str(spec.default or "").casefold() in services
        if not is_service or name in question.given:
            continue
        if value not in services:
            doubts.append(f"the runbook is for {', '.join(services.values())}, and the ticket says {value}")
            continue
        others = sorted((said & services.keys()) - {value})
        doubts += [f"the ticket is about {services[other]}, and the plan acts on {services[value]}" for other in others]
        if spec.from_ and name not in question.origins and value not in said:
            doubts.append(f"the ticket does not name {services[value]}, on which the plan would act by default")
    return list(dict.fromkeys(doubts))
