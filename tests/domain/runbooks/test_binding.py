"""Values that a ticket brings for a runbook's inputs."""

import pytest

from domain.runbooks.binding import values_of_ticket
from domain.runbooks.inputs import InputsInvalid, bind_inputs
from domain.runbooks.runbook import InputSpec, InputType, Risk, Runbook, Step
from domain.runbooks.text import RunbookInvalid, parse_runbook
from domain.tickets.ticket import NewTicket

UNIT = InputSpec(from_=["metadata.ci.unit", "labels.name", "service"], default="nginx", pattern="[A-Za-z0-9@._-]+")


def runbook(**inputs: InputSpec) -> Runbook:
    return Runbook(id="x", title="x", risk=Risk.NONE, inputs=inputs, steps=[Step(name="x", run="true")])


def test_the_first_path_that_is_there_counts() -> None:
    ticket = NewTicket(title="x", service="c", labels={"name": "b"}, metadata={"ci": {"unit": "a"}})
    assert values_of_ticket(runbook(unit=UNIT), ticket).values == {"unit": "a"}
    assert values_of_ticket(runbook(unit=UNIT), NewTicket(title="x", service="c")).origins == {"unit": "service"}
    assert values_of_ticket(runbook(unit=UNIT), NewTicket(title="x")).values == {}


def test_a_key_with_dots_is_found() -> None:
    spec = InputSpec(from_=["labels.app.kubernetes.io/name"], pattern="[a-z]+")
    ticket = NewTicket(title="x", labels={"app.kubernetes.io/name": "shop"})
    assert values_of_ticket(runbook(name=spec), ticket).values == {"name": "shop"}


@pytest.mark.parametrize("value", ["-Hroot@evil.example", "-x", "a b", "$(reboot)", "a;b", "a\nb", "ä"])
def test_what_the_input_does_not_take_is_a_problem_and_no_value(value: str) -> None:
    found = values_of_ticket(runbook(unit=UNIT), NewTicket(title="x", service=value))
    assert found.values == {}
    assert "service is no value for the input unit" in found.problems[0]


def test_nobody_gives_a_leading_dash_to_an_input_that_a_ticket_may_fill() -> None:
    with pytest.raises(InputsInvalid, match="dash"):
        bind_inputs({"unit": UNIT}, {"unit": "-Hroot@evil.example"})


def test_numbers_are_taken_in_their_type() -> None:
    spec = InputSpec(type=InputType.INTEGER, from_=["metadata.port"], minimum=1)
    assert values_of_ticket(runbook(port=spec), NewTicket(title="x", metadata={"port": 80})).values == {"port": "80"}
    assert values_of_ticket(runbook(port=spec), NewTicket(title="x", metadata={"port": 0})).problems


def test_text_from_outside_needs_a_pattern_or_an_enum() -> None:
    text = "id: x\ntitle: x\nrisk: none\ninputs: {a: {from: service}}\nsteps: [{name: x, run: 'true'}]\n"
    with pytest.raises(RunbookInvalid, match="needs a pattern or an enum"):
        parse_runbook(text)
    assert parse_runbook(text.replace("service", "service, enum: [a, b]")).inputs["a"].from_ == ["service"]


def test_a_spec_without_it_is_written_as_before() -> None:
    assert "from" not in InputSpec().model_dump(by_alias=True)
    assert InputSpec(from_=["service"]).model_dump(by_alias=True)["from"] == ["service"]
