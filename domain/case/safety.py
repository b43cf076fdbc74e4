"""Link 5: is it safe to do now, again?"""

from typing import TYPE_CHECKING

from domain.case.links import Link, LinkName, link

if TYPE_CHECKING:
    from domain.case.build import CaseQuestion


def safety_link(question: "CaseQuestion") -> Link:
    """Return whether anything about running it now is out of the ordinary."""
    doubts = []
    if len(question.targets) > 1 and not question.runbook.unattended_hosts >= len(question.targets):
        doubts.append(
            f"it would change {len(question.targets)} hosts at once, which its runbook does not allow unattended"
        )
    return link(LinkName.SAFETY, "one host, and nothing out of the ordinary", doubts)
