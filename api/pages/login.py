"""Logging in with an API token, and out."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from api import auth
from api.auth import SESSION_COOKIE, authenticate, is_same_origin, new_session, owner_of
from api.dependencies import Actor, Context
from api.pages.forms import read_form
from api.pages.render import go_to, html, text_of
from api.problems import Problem
from services.sessions import SESSION_LIFE
from services.tenants import first_tenant

router = APIRouter(include_in_schema=False)


@router.get("/")
async def home(actor: Actor, context: Context) -> Response:
    """The tickets of the demo tenant, or of the first there is."""
    async with context.database.read() as session:
        return go_to(f"/t/{await first_tenant(session)}/tickets")


@router.get("/login")
async def login_page(request: Request, context: Context, after: Annotated[str, Query(alias="next")] = "/") -> Response:
    if await authenticate(request, context) is not None:
        return go_to(_ours(after))
    if request.headers.get("sec-fetch-site") == "cross-site":
        # A link from elsewhere, such as a chat: a strict cookie only comes along once the step is from our own page.
        return html(request, text_of("again.html", address=_ours(after)))
    return _login(request, after)


@router.post("/login")
async def log_in(request: Request, context: Context) -> Response:
    """Take a token; the session's cookie never reaches a script or another site."""
    if not is_same_origin(request):
        raise Problem(403, "this form did not come from Handrail's own login page; open /login and try again")
    fields = await read_form(request)
    after = _ours(fields.get("next", "/"))
    owner = owner_of(fields.get("token", "").strip(), context)
    if owner is None:
        context.failures.note(request)
        return _login(request, after, "That is no token of this Handrail.", 401)
    answer = go_to(after)
    answer.set_cookie(
        SESSION_COOKIE,
        new_session(owner, context),
        max_age=int(SESSION_LIFE.total_seconds()),
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return answer


@router.post("/logout")
async def log_out(request: Request, actor: Actor, context: Context) -> Response:
    """End the session for good: its cookie, wherever it was copied to, lets nobody in any more."""
    await auth.log_out(request, context)
    answer = go_to("/login")
    answer.delete_cookie(SESSION_COOKIE)
    return answer


def _login(request: Request, after: str, problem: str = "", status: int = 200) -> Response:
    return html(request, text_of("login.html", after=_ours(after), problem=problem), status)


def _ours(address: str) -> str:
    """Return an address if it is a path of ours, else the home page: a login never leads elsewhere."""
    is_path = address.startswith("/") and not address.startswith(("//", "/\\")) and address.isprintable()
    return address if is_path and "\\" not in address else "/"
