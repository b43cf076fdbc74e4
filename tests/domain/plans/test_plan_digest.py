"""A plan that waits has the digest that was approved, whatever fields a later release gives to its parts."""

from domain.plans.plan import Phase, Plan, PlannedStep, Target, Verdict, VerdictDecision
from domain.runbooks.runbook import Risk, Step

FIRST = "ae24e3089ff6428bccc509fd113e6c347e4976c291099f41026b0821d1a995a2"
"""What the releases of before make of it. A new field has to be left out while it is empty, never this changed."""


def test_a_new_field_changes_no_digest_of_before() -> None:
    steps = [
        {"name": "look", "run": "test -e /spool", "timeout": "7m"},
        {"name": "ask", "ask": {"question": "How many?", "answers": {"size": {"type": "integer", "minimum": 1}}}},
        {
            "name": "do",
            "run": "rm -r /spool",
            "register": "gone",
            "when": "size < 3",
            "retries": {"attempts": 2, "every": "3s"},
            "idempotent": True,
            "expect": {"exit_codes": [0, 3], "pattern": "ok"},
            "rollback": {"run": "mkdir /spool"},
        },
    ]
    phases = [Phase.PRECHECK, Phase.STEP, Phase.STEP]
    plan = Plan(
        runbook_id="clear-spool",
        runbook_version=3,
        runbook_digest="d",
        title="Clear the spool",
        risk=Risk.LOW,
        inputs={"days": "7"},
        targets=[Target(name="web-01", connector="ssh", host="web-01", username="ops")],
        steps=[
            PlannedStep(position=at, phase=phase, target="web-01", spec=Step.model_validate(spec))
            for at, (phase, spec) in enumerate(zip(phases, steps, strict=True), start=1)
        ],
        confidence_score=0.9,
        verdict=Verdict(decision=VerdictDecision.ASK, reasons=["human-in-the-loop mode"]),
    )
    assert plan.digest() == FIRST
