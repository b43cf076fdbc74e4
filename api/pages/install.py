"""Putting the pages into the app."""

from fastapi import FastAPI

from api.pages import (
    approvals,
    channels,
    connections,
    decide,
    login,
    outputs,
    overview,
    preview,
    runbooks,
    settings,
    sources,
    static,
    ticket,
    tickets,
)

ROUTERS = (
    static.router,
    login.router,
    tickets.router,
    approvals.router,
    ticket.router,
    decide.router,
    outputs.router,
    preview.router,
    runbooks.router,
    connections.router,
    channels.router,
    sources.router,
    settings.router,
    overview.router,
)


def install_pages(app: FastAPI) -> None:
    for router in ROUTERS:
        app.include_router(router)
