"""The overview: what became of tickets, how fast, how often unattended, and whether confidence kept its word."""

from typing import Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from api.dependencies import Reading, Tenant
from api.pages import charts
from api.pages.shell import page
from services.overview import OUTCOMES, get_overview

router = APIRouter(prefix="/t/{tenant}", include_in_schema=False)

FEW = 20  # with fewer runs a share says little


@router.get("/overview")
async def overview(
    request: Request, tenant: Tenant, session: Reading, days: int = Query(default=14, ge=1, le=90)
) -> Response:
    found = await get_overview(session, tenant, days)
    values: dict[str, Any] = {
        "found": found,
        "by_day": charts.stacked(found.by_day, list(OUTCOMES)),
        "days_shown": [(day, counts) for day, counts in reversed(found.by_day) if any(counts)],
        "by_time": charts.bars(found.by_time),
        "kept": charts.calibration(found.kept),
    }
    return await page(request, tenant, "overview.html", tab="overview", title="Overview", days=days, few=FEW, **values)
