"""Explain: what Handrail would make of any text, and why, without filing a ticket."""

from fastapi import APIRouter, Depends

from api.dependencies import Context, Tenant, requires_json
from api.problems import problem_responses
from domain.matching.explanation import Explanation
from services import explain as answers
from services.explain import Question

router = APIRouter(
    prefix="/api/v1/match",
    tags=["tickets"],
    dependencies=[Depends(requires_json)],
    responses=problem_responses(401, 404, 413, 415, 422, 503),
)


@router.post("/{tenant}", summary="Explain how a text would be analysed and matched")
async def explain(question: Question, tenant: Tenant, context: Context) -> Explanation:
    """The same analysis, matches, confidence and reasons that a ticket of this text would get now. Nothing is filed,
    stored or run."""
    return await answers.explain(context.backends, tenant, question)
