"""Putting the pages into the app."""

from fastapi import FastAPI

from api.pages import approvals, decide, login, outputs, static, ticket, tickets

ROUTERS = (
    static.router,
    login.router,
    tickets.router,
    approvals.router,
    ticket.router,
    decide.router,
    outputs.router,
)


def install_pages(app: FastAPI) -> None:
    for router in ROUTERS:
        app.include_router(router)
