"""Variables of a runbook: each is known before it is read, and none is set by two."""

import difflib
import re
from collections.abc import Iterable, Iterator

from domain.runbooks.expressions import ExpressionInvalid, parse_expression
from domain.runbooks.runbook import Runbook, Step
from domain.runbooks.shell_names import assigned_names, references
from domain.text.yaml_lines import Location

Found = tuple[Location, str, str, int]  # location, message, mend, line within the command or -1

_ENVIRONMENT = re.compile(r"[A-Z_][A-Z0-9_]*")
_PROXIES = frozenset({"http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy"})
# A value under a name that programs obey would change what a command does. Those begin with a capital or `_` (PATH,
# LD_PRELOAD, GIT_SSH, SUDO_ASKPASS: nobody knows them all), but for a few.
_FREE = re.compile(r"[a-z][A-Za-z0-9_]*")
_OBEYED = re.compile(r"[a-z]*_proxy|(npm|yarn|fish|handrail)_\w*", re.IGNORECASE)


def check_names(runbook: Runbook) -> Iterator[Found]:
    """Yield every name that is reserved, set twice, or read before it is known."""
    for name in runbook.inputs:
        yield from _reserved(("inputs", name), name)
    all_steps = [*runbook.prechecks, *runbook.steps, *runbook.postchecks]
    everything = {*runbook.inputs, *(name for step in all_steps for name in step.provides)}
    known: dict[str, str] = dict.fromkeys(runbook.inputs, "an input")
    for phase in ("prechecks", "steps", "postchecks"):
        for index, step in enumerate(getattr(runbook, phase)):
            location: Location = (phase, index)
            yield from _check_when(location, step, known, everything)
            yield from _unknown((*location, "run"), step.run or "", known, everything)
            for name, place in _provided(location, step):
                yield from _reserved(place, name)
                if name in known:
                    yield place, f"{name} is already {known[name]}", "choose another name", -1
                known.setdefault(name, f"registered by {step.name!r}")
            if step.rollback:
                yield from _unknown((*location, "rollback", "run"), step.rollback.run, known, everything)


def _provided(location: Location, step: Step) -> Iterator[tuple[str, Location]]:
    for name in step.ask.answers if step.ask else ():
        yield name, (*location, "ask", "answers", name)
    if step.register_as:
        yield step.register_as, (*location, "register")


def _reserved(location: Location, name: str) -> Iterator[Found]:
    if not _FREE.fullmatch(name) or _OBEYED.fullmatch(name):
        message = f"{name} may be a variable that programs obey; a name of ours begins with a small letter"
        yield location, message, f"choose another name, such as my_{name.lower().strip('_')}", -1


def _check_when(location: Location, step: Step, known: dict[str, str], everything: set[str]) -> Iterator[Found]:
    if step.when is None:
        return
    place: Location = (*location, "when")
    try:
        names = parse_expression(step.when).names
    except ExpressionInvalid as error:
        yield place, str(error), "write something like `int(free_mb) < 100 and mode == 'soft'`", -1
        return
    for name in sorted(names - known.keys()):
        yield place, _why(name, everything, "names"), _mend(name, known, everything), -1


def _unknown(place: Location, command: str, known: dict[str, str], everything: set[str]) -> Iterator[Found]:
    """Yield each name once that the shell would read and nobody has set."""
    own = assigned_names(command)
    reported: set[str] = set()
    for name, line in references(command):
        is_environment = bool(_ENVIRONMENT.fullmatch(name)) or name in _PROXIES
        if name in known or name in own or name in reported or (is_environment and name not in everything):
            continue
        reported.add(name)
        yield place, _why(name, everything, "reads"), _mend(name, known, everything), line


def _why(name: str, everything: set[str], verb: str) -> str:
    if name in everything:
        return f"{verb} ${name}, which only a later step registers"
    return f"{verb} ${name}, which is no input, registered by no earlier step and not set in the command"


def _mend(name: str, known: Iterable[str], everything: set[str]) -> str:
    if name in everything:
        return "move the step that registers it before this one"
    near = difflib.get_close_matches(name, list(known), n=1)
    hint = f"did you mean ${near[0]}? otherwise " if near else ""
    unset = f"write ${{{name}:-}} if it may be unset"
    return f"{hint}declare it under inputs, or `register: {name}` in an earlier step, or {unset}"
