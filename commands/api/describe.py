"""Tickets, plans and executions as text that a person can check before approving."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from commands.output import colour, coloured, out, table, time_of
from domain.connectors import CONNECTORS
from domain.executions.aftermath import NOTHING_LEFT
from domain.executions.execution import WRONG_STEP_STATUSES, LaterChange, StepStatus, why_too_late
from domain.executions.lease import words_behind
from domain.text.signs import one_line
from domain.tickets.columns import Column, ColumnKind
from domain.tickets.ticket import NOTABLE, CloseQuestion, TicketStatus

SHORT_DIGEST = 12


def short(digest: str) -> str:
    return digest[:SHORT_DIGEST]


def print_plan(plan: dict[str, Any]) -> None:
    """Print everything that an approval of this plan would let run."""
    policy = plan["policy"]
    version = f"{plan['runbook_id']} v{plan['runbook_version']}"
    out.print(Text.assemble(("Plan ", "bold"), (short(plan["digest"]), "bold yellow"), f"  {version}: {plan['title']}"))
    facts = [
        ("policy", f"{policy['decision']}: {'; '.join(policy['reasons'])}"),
        ("kind", plan["kind"]),
        ("risk", plan["risk"]),
        ("match", f"{plan['confidence_score']:.2f}"),
        ("hosts", "; ".join(target_words(target) for target in plan["targets"]) or "none"),
        ("values", ", ".join(value_words(plan, name) for name in [*plan["inputs"], *plan["sealed_inputs"]]) or "none"),
    ]
    if plan.get("expires_at"):
        facts.append(("expires", time_of(plan["expires_at"])))
    for name, value in facts:
        out.print(Padding(Text.assemble((f"{name:8}", "dim"), value), (0, 0, 0, 2), expand=False))
    print_links(plan["links"])
    for line in plan_lines(plan):
        out.print(Padding(line, (0, 0, 0, 2), expand=False))


def value_words(plan: dict[str, Any], name: str) -> str:
    """Return an input's value, and where the ticket had it; what is said instead of a sensitive one."""
    if name in plan["sealed_inputs"]:
        return f"{name} ({plan['sealed_inputs'][name]})"
    origin = plan["input_origins"].get(name)
    return f"{name}={plan['inputs'][name]!r}" + (f" (from the ticket's {origin})" if origin else "")


def print_links(links: list[dict[str, Any]]) -> None:
    """Print the five questions of a case, each with its answer and the evidence."""
    for link in links:
        answer = (f"{link['state']:8} ", colour(link["state"]))
        text = Text.assemble(answer, f"{link['question']} ", ("; ".join(link["reasons"]), "dim"))
        out.print(Padding(text, (0, 0, 0, 2), expand=False))


def print_reasons(reasons: list[dict[str, Any]], most: int | None = None) -> None:
    """Print what spoke for and against something, with the weights."""
    for reason in reasons[:most]:
        out.print(Text(f"             {reason['weight']:+.2f} {reason['text']}", style="dim"))


def plan_lines(plan: dict[str, Any]) -> Iterator[Text]:
    """Yield a plan's steps: what runs, where, and what undoes it."""
    total = len(plan["steps"])
    for step in plan["steps"]:
        title = f"{step['position']}/{total} {step['phase']} on {step['target']}: {step['name']}"
        yield Text(title, style="bold")
        yield from block("$ ", step["run"]) if step["run"] else block("? ", step["ask"]["question"])
        for fact in step["facts"]:
            yield Text(f"    {fact['label']}: {fact['value']}", style="yellow" if fact["is_notable"] else "dim")
        if step["rollback"]:
            yield from block("undo $ ", step["rollback"]["run"], "magenta")
        elif step["no_rollback"]:
            yield from block("no undo: ", step["no_rollback"], "dim")


def block(mark: str, text: str, style: str = "cyan") -> Iterator[Text]:
    """Yield the lines of a command, the first one with its mark."""
    for number, line in enumerate(text.rstrip("\n").splitlines()):
        yield Text(f"    {mark if number == 0 else ' ' * len(mark)}{line}", style=style)


def target_words(target: dict[str, Any]) -> str:
    kind = CONNECTORS[target["connector"]]
    entry = f" with credential {target['credential']}" if kind.has_credential else ""
    return f"{target['name']} ({'' if kind.is_own_host else f'{kind.name} '}{kind.words(target)}{entry})"


def ticket_table(columns: Sequence[Column], tickets: Iterable[dict[str, Any]], title: str | None = None) -> Table:
    """Return tickets as a table."""
    rows = [[_cell(one, ticket) for one in columns] for ticket in tickets]
    return table([one.terminal for one in columns], rows, title=title)


def _cell(column: Column, ticket: dict[str, Any]) -> Any:
    value = ticket.get(column.name)
    match column.kind:
        case ColumnKind.ID:
            return ticket["id"][-8:]
        case ColumnKind.STATUS:
            return coloured(value)
        case ColumnKind.TIME:
            return time_of(value)
    return value


def print_ticket(ticket: dict[str, Any]) -> None:
    """Print a ticket with everything that happened to it, but for its timeline."""
    print_left(ticket)
    out.print(Text(one_line(ticket["title"]), style="bold"))
    print_next(ticket)
    confidence = ticket.get("classification_confidence")
    certain = "" if confidence is None else f" ({confidence:.2f})"
    analysis = ticket.get("analysis")
    facts = [
        ("id", ticket["id"]),
        ("status", Text.assemble(coloured(ticket["status"]), f"  {one_line(ticket.get('status_reason', ''))}")),
        ("waits", waiting_words(ticket)),
        *(("queue", line) for line in queue_lines(ticket.get("queue"))),
        ("severity", ticket["severity"]),
        ("is", f"{ticket.get('classification') or 'not analysed yet'}{certain}"),
        ("source", " ".join(filter(None, [ticket.get("source"), ticket.get("external_id")]))),
        ("service", ticket.get("service")),
        ("machine", analysis and analysis["ci"]["reason"]),
        ("back", (back := ticket.get("recurrence_of")) and f"after ticket {back}"),
        ("cleared", (since := ticket.get("cleared_at")) and f"by its source, {time_of(since)}"),
        ("created", time_of(ticket["created_at"])),
        ("resolved", time_of(ticket.get("resolved_at"))),
        ("Temporal", ticket.get("temporal_url")),
    ]
    for name, value in facts:
        if value:
            shown = one_line(value) if isinstance(value, str) else value
            out.print(Text.assemble((f"  {name:9}", "dim"), shown), soft_wrap=True)
    if ticket.get("description"):
        out.print(Padding(Text(ticket["description"]), (1, 2), expand=False))
    if analysis:
        out.print(Text(f"  why it is {ticket['classification']}", style="dim"))
        print_reasons(analysis["reasons"], 4)
    print_matches(ticket.get("matched_runbooks") or [])
    print_similar(ticket.get("similar_tickets") or [])
    for execution in ticket.get("executions") or []:
        print_execution(execution)
    if ticket["status"] == TicketStatus.AWAITING_APPROVAL and ticket.get("plan"):
        out.print()
        print_plan(ticket["plan"])


QUESTIONS = {
    CloseQuestion.FALSE_ALARM.value: ("false alarm? close it:", "--false-positive"),
    CloseQuestion.NOT_FOUND.value: ("not found on the host: close it?", "--not-found"),
}


def print_left(ticket: dict[str, Any]) -> None:
    """Print, before all else, what failed executions have left changed on which host."""
    for line in ticket.get("still_changed") or ([NOTHING_LEFT] if has_failed(ticket) else []):
        out.print(Text(f"{one_line(line)}.", style="bold red" if ticket["still_changed"] else "bold"), soft_wrap=True)


def has_failed(ticket: dict[str, Any]) -> bool:
    return ticket.get("person_needed") in NOTABLE


def print_next(ticket: dict[str, Any]) -> None:
    """Print what a person can do about a failure."""
    name = ticket["id"][-8:]
    undoable = [one for one in ticket["executions"] if any(step["can_undo"] for step in one["still_changed"])]
    later = [LaterChange.model_validate(one) for one in undoable[-1]["later"]] if undoable else []
    if too_late := why_too_late(later):
        out.print(f"  it cannot be undone yet: {too_late}", style="dim", soft_wrap=True)
    elif undoable:
        what = "try the failed undo again" if any(s["was_tried"] for s in undoable[-1]["still_changed"]) else "undo it"
        command = f"./handrail ticket rollback {name} --execution {undoable[-1]['id']}"
        out.print(f"  {what}: {command}", style="dim", soft_wrap=True)
    if question := ticket.get("asks_to_close"):
        asked, option = QUESTIONS[question]
        out.print(f"  {asked} ./handrail ticket cancel {name} {option} -m COMMENT", style="bold", soft_wrap=True)
    if has_failed(ticket):
        what = "or take note" if undoable else "take note"
        out.print(f"  {what} of it: ./handrail ticket note {name} -m COMMENT", style="dim", soft_wrap=True)


def waiting_words(ticket: dict[str, Any]) -> str:
    """Return why a ticket waits for a person and since when, or who took note of its failure."""
    if why := ticket.get("person_needed"):
        return f"for a person ({why}) since {time_of(ticket['person_needed_since'])}"
    if note := ticket.get("taken_note"):
        comment = f": {note['comment']}" if note["comment"] else ""
        return f"for nobody; {note['actor']} took note at {time_of(note['at'])}{comment}"
    return ""


def queue_lines(queue: dict[str, Any] | None) -> Iterator[str]:
    """Yield who is in front of a ticket on its hosts and what they wait for, or how many wait behind it."""
    if queue is None:
        return
    for one in queue["in_front"]:
        what = "holds it" if one["is_held"] else "is first in line"
        doing = f"{one['status']} since {time_of(one['since'])}: {one['reason']}"
        yield f"waits for {one['host']}: ticket {one['ticket_id']} {what} ({doing})"
    if queue["ahead"] > len(queue["in_front"]):
        yield f"{queue['ahead']} tickets are in front"
    if queue["is_held"] and queue["behind"]:
        yield f"holds {', '.join(queue['hosts'])}; {words_behind(queue['behind'])}"


def print_matches(matches: list[dict[str, Any]]) -> None:
    for place, match in enumerate(matches):
        title = f"{match['confidence_score']:.2f}  {match['runbook_id']} v{match['version']}: {match['title']}"
        out.print(Text.assemble(("  runbook  ", "dim"), title))
        print_reasons(match["reasons"], 4 if place == 0 else 0)


def print_similar(past: list[dict[str, Any]]) -> None:
    for one in past:
        what = f"{one['ticket_id']} {one_line(one['title'])}  "
        how = f"  {one['likeness']:.0%} alike, {one['runbook_id'] or 'no runbook'}  {one_line(one['status_reason'])}"
        out.print(Text.assemble(("  similar  ", "dim"), what, coloured(one["status"]), how), soft_wrap=True)


def print_execution(execution: dict[str, Any]) -> None:
    """Print one execution with its steps, if it comes with them."""
    out.print(
        Text.assemble(
            ("\nExecution ", "bold"),
            f"{execution['id']}  {execution['runbook_id']} v{execution['runbook_version']}  ",
            coloured(execution["status"]),
            f"  {one_line(execution.get('status_reason', ''))}",
        ),
        soft_wrap=True,
    )
    steps = execution.get("steps") or []
    for step in steps:
        if (result := step.get("result")) in WRONG_STEP_STATUSES:
            out.print(Text(f"  step {step['position']} {result}: {step['detail']}", style="red"), soft_wrap=True)
    if steps:
        out.print(
            Padding(
                table(["", "phase", "step", "host", "status", "exit", "undo"], map(step_row, steps)),
                (0, 2),
                expand=False,
            )
        )


def step_row(step: dict[str, Any]) -> tuple[Any, ...]:
    rollback = step.get("rollback")
    undo = f"{rollback['status']} ({rollback['position']})" if rollback and rollback.get("position") else ""
    is_possible = bool(rollback) and step["status"] != StepStatus.NOT_RUN
    return (
        step["position"],
        step["phase"],
        step["name"],
        step["host"],
        coloured(step.get("result") or step["status"]),
        step.get("exit_status"),
        undo or ("yes" if is_possible else ""),
    )
