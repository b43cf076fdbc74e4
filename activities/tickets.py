"""What happens to a ticket before there is a plan, and the record of every change of its status."""

from dataclasses import replace

from temporalio import activity

from activities.claims import borne_out
from activities.messages import (
    AnalysisOutline,
    MatchesOutline,
    MatchOutline,
    Record,
    Recorded,
    ReopenOutline,
    ReopenRequested,
    TicketRef,
)
from activities.opinions import SecondOpinions
from activities.records import event_key
from db import connections, events, executions, host_changes, steps, tenants, tickets
from db.engine import Database
from domain.analysis.analysis import AnalysisRules
from domain.base import utc_now
from domain.event import EventKind
from domain.execution import ExecutionStatus
from domain.match import Reason
from domain.policy import PROPOSAL_THRESHOLD
from domain.tenant import TenantSettings
from domain.ticket import Classification, TicketStatus
from integrations.llm import LanguageModel
from services.library import Library, analysis_of, match_query
from workflows.names import ActivityName

MATCHES_KEPT = 5


class TicketGone(Exception):
    """The ticket's row is not there (yet): the activity is retried until it is."""


class TicketActivities:
    """Analysis, matching and bookkeeping; all of them may be retried at any point."""

    def __init__(
        self, database: Database, library: Library, rules: AnalysisRules, model: LanguageModel | None = None
    ) -> None:
        self._database, self._library, self._rules = database, library, rules
        self._opinions = SecondOpinions(model)

    @activity.defn(name=ActivityName.ANALYSE)
    async def analyse(self, ref: TicketRef) -> AnalysisOutline:
        """Classify a ticket and find the connection that its CI means. Raises TicketGone."""
        async with self._database.read() as session:
            ticket = await tickets.get_ticket(session, ref.tenant, ref.ticket_id)
            if ticket is None:
                raise TicketGone(ref.ticket_id)
            known = await connections.list_connections(session, ref.tenant)
            settings = await tenants.get_settings(session, ref.tenant) or TenantSettings()
            analysis, pattern = await analysis_of(session, ref.tenant, ticket, self._rules, ticket.id)
        analysis = await self._opinions.on_analysis(analysis, ticket, known, self._rules)
        async with self._database.write() as session:
            reason = "; ".join(reason.text for reason in analysis.reasons)
            found = f"{analysis.classification.value} ({analysis.classification_confidence:.2f})"
            is_first = await events.add_event(
                session,
                ticket.id,
                event_key(),
                EventKind.TICKET_ANALYZED,
                f"{found}: {reason}. {analysis.ci.reason}",
                data={"ci_name": analysis.ci.name, "connection": analysis.ci.connection},
            )
            if is_first:
                await tickets.update_ticket(
                    session,
                    ticket.id,
                    status=TicketStatus.ANALYZING.value,
                    analysis=analysis.model_dump(mode="json"),
                    classification=analysis.classification.value,
                    classification_confidence=analysis.classification_confidence,
                    analyzed_at=utc_now(),
                    pattern=pattern,
                )
            else:  # an earlier try said it already, perhaps otherwise: a language model need not say the same twice
                stored, _, _ = await tickets.get_findings(session, ticket.id)
                analysis = stored or analysis
        reason = "; ".join(reason.text for reason in analysis.reasons)
        return AnalysisOutline(
            title=ticket.title,
            severity=ticket.severity.value,
            classification=analysis.classification,
            classification_confidence=analysis.classification_confidence,
            reason=reason,
            ci_name=analysis.ci.name,
            connection=analysis.ci.connection,
            ambiguous=analysis.ci.ambiguous,
            runbook_timeout=settings.runbook_timeout,
            needs_person=analysis.needs_person,
        )

    @activity.defn(name=ActivityName.MATCH)
    async def match(self, ref: TicketRef) -> MatchesOutline:
        """Rank the runbooks for a ticket and say which one, if any, is good enough to plan with."""
        async with self._database.read() as session:
            ticket = await tickets.get_ticket(session, ref.tenant, ref.ticket_id)
            if ticket is None:
                raise TicketGone(ref.ticket_id)
            query = await match_query(session, ticket)
        matches = await self._library.match(ref.tenant, query, MATCHES_KEPT)
        matches, opinion = await self._opinions.on_matches(ref.tenant, ticket, matches, self._library)
        async with self._database.write() as session:
            best = ", ".join(f"{match.runbook_id} {match.confidence_score:.2f}" for match in matches[:3])
            told = "; ".join(part for part in (best or "no runbook is known", opinion) if part)
            if await events.add_event(session, ticket.id, event_key(), EventKind.RUNBOOKS_MATCHED, told):
                stored = [match.model_dump(mode="json") for match in matches]
                await tickets.update_ticket(session, ticket.id, matched_runbooks=stored)
            else:
                _, matches, _ = await tickets.get_findings(session, ticket.id)
        outlines = [
            MatchOutline(
                runbook_id=match.runbook_id,
                version=match.version,
                title=match.title,
                confidence_score=match.confidence_score,
                needs_person=match.needs_person,
            )
            for match in matches
        ]
        is_good = bool(outlines) and outlines[0].confidence_score >= PROPOSAL_THRESHOLD
        return MatchesOutline(matches=outlines, proposed=outlines[0] if is_good else None, second_opinion=opinion)

    @activity.defn(name=ActivityName.REOPEN)
    async def reopen(self, request: ReopenRequested) -> ReopenOutline:
        """Take a closed ticket up again: a person says that it is a real problem."""
        async with self._database.write() as session:
            ticket = await tickets.get_ticket(session, request.tenant, request.ticket_id)
            if ticket is None:
                raise TicketGone(request.ticket_id)
            settings = await tenants.get_settings(session, request.tenant) or TenantSettings()
            analysis, _, _ = await tickets.get_findings(session, ticket.id)
            reason = f"reopened by {request.actor}" + (f": {request.comment}" if request.comment else "")
            if ticket.status is TicketStatus.CLOSED and analysis is not None:
                said = Reason(text=f"{request.actor} reopened it as a real problem", weight=0)
                real = {"classification": Classification.TRUE_POSITIVE, "classification_confidence": 1.0}
                analysis = analysis.model_copy(update={**real, "reasons": [said, *analysis.reasons]})
                await tickets.reopen_ticket(session, ticket.id, request.actor, reason, analysis)
                await events.add_event(
                    session, ticket.id, event_key(), EventKind.TICKET_REOPENED, reason, actor=request.actor
                )
            elif analysis is None or not await events.has_event(session, ticket.id, event_key()):
                return ReopenOutline(
                    problem=f"it is {ticket.status.value}; only a closed ticket can be reopened",
                    ticket_status=ticket.status,
                )
        return ReopenOutline(
            ticket_status=TicketStatus.ANALYZING,
            reason=reason,
            connection=analysis.ci.connection,
            ambiguous=analysis.ci.ambiguous,
            runbook_timeout=settings.runbook_timeout,
        )

    @activity.defn(name=ActivityName.RECORD)
    async def record(self, record: Record) -> Recorded | None:
        """Set statuses and say so in the timeline, once: a try that was given up for dead changes nothing later.

        An end that the rows of the steps do not bear out is not recorded; the answer is what was, instead.
        """
        asked = record
        async with self._database.write() as session:
            record = await borne_out(session, asked)
            answer = None if record is asked else Recorded(ticket_status=TicketStatus.ESCALATED, reason=record.reason)
            is_first = await events.add_event(
                session,
                record.ticket_id,
                event_key(),
                record.kind,
                record.reason,
                execution_id=record.execution_id,
                actor=record.actor,
                data={
                    "ticket_status": record.ticket_status,
                    "execution_status": record.execution_status,
                    "step": record.step,
                },
            )
            if not is_first:
                return answer
            if answer is not None:
                await executions.mark_running_unknown(session, record.execution_id or "", record.reason)
            if record.doubt is not None:
                await tickets.update_ticket(session, record.ticket_id, doubt=record.doubt)
            if record.execution_id and record.execution_status:
                await executions.set_execution_status(
                    session, record.execution_id, record.execution_status, record.reason, record.ending
                )
                if record.execution_status is ExecutionStatus.ROLLED_BACK:
                    await host_changes.forget_changes(session, record.execution_id)
            if record.ticket_status is not None and record.kind is not EventKind.REQUEST_REFUSED:
                await tickets.set_status(session, record.ticket_id, record.ticket_status, record.reason, record.ending)
            if record.false_positive_by is not None:
                await tickets.mark_false_positive(session, record.ticket_id, record.false_positive_by)
            if record.execution_id and record.step and record.step_status:
                step = await steps.take_step(session, record.execution_id, record.step)
                await steps.save_step(session, replace(step, status=record.step_status))
        return answer
