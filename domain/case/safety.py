"""Link 5: is it safe to do now, again?"""

from typing import TYPE_CHECKING

from domain.case.links import Link, LinkName, link
from domain.plans.policy import FIXES_WINDOW, MOST_FIXES
from domain.runbooks.runbook import Risk

if TYPE_CHECKING:
    from domain.case.build import CaseQuestion


def safety_link(question: "CaseQuestion") -> Link:
    """Return whether anything about running it now is out of the ordinary."""
    doubts = []
    if len(question.targets) > 1 and not question.runbook.unattended_hosts >= len(question.targets):
        doubts.append(
            f"it would change {len(question.targets)} hosts at once, which its runbook does not allow unattended"
        )
    if question.fixes >= MOST_FIXES and question.runbook.risk is not Risk.NONE:
        hours = int(FIXES_WINDOW.total_seconds() // 3600)
        time = f"the {_ordinal(question.fixes + 1)} time in {hours} hours"
        doubts.append(f"it would be {time} that such a problem is fixed here: it comes back")
    return link(LinkName.SAFETY, "one host, and nothing out of the ordinary", doubts)


def _ordinal(number: int) -> str:
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
