"""The API and web UI as a command."""

import asyncio
import signal
from functools import partial

import uvicorn
from fastapi import FastAPI

from api.context import ApiContext
from api.main import create_app
from db.cipher import Cipher
from db.engine import Database
from domain.analysis.analysis import default_rules
from integrations.sns import AmazonSns
from log_setup import set_up_logging
from payload_codec import SealingCodec
from process.private import make_private
from reconciler.periodically import run_periodically
from services.library import Library
from services.spool import Spool
from services.spooled import take_next
from services.standby import Standby
from settings import Settings
from temporal_client import connect
from workflows.client import TicketClient

SHUTDOWN_SECONDS = 5
SPOOL_SECONDS = 1.0


async def serve_api(settings: Settings) -> None:
    """Serve the API and web UI until SIGTERM or SIGINT; requests under way are answered first."""
    set_up_logging(settings.log_level)
    if settings.home.is_dir():  # one that needs nothing of it may have none
        make_private(settings.home)
    database = Database(settings.resolved_database_url())
    cipher = Cipher(settings.cipher_keys())
    # Lazy: tickets are taken while Temporal is not reachable, and told to it later.
    client = await connect(settings.resolved_temporal_address(), settings.temporal_namespace, cipher, lazy=True)
    standby = Standby(Spool(settings.spool, cipher))
    context = ApiContext(
        database=database,
        cipher=cipher,
        tickets=TicketClient(client, cipher.signer()),
        library=Library(database),
        rules=default_rules(),
        codec=SealingCodec(cipher),
        tokens=settings.tokens(),
        temporal_ui_url=settings.resolved_temporal_ui_url(),
        temporal_namespace=settings.temporal_namespace,
        temporal_address=settings.resolved_temporal_address(),
        hosts=settings.resolved_hosts(),
        standby=standby,
        sns=AmazonSns(),
    )
    spooled = asyncio.create_task(
        run_periodically(partial(take_next, context.backends, standby), SPOOL_SECONDS, "deliveries wait on the disk")
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: None)  # uvicorn raises it again when it has stopped serving
    try:
        await uvicorn.Server(server_config(settings, create_app(context))).serve()
    finally:
        spooled.cancel()
        await asyncio.gather(spooled, return_exceptions=True)
        await database.close()


def server_config(settings: Settings, app: FastAPI) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        # Uvicorn's own default believes everybody on this machine, who could then invent an address for each try.
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=settings.trusted_proxies or "",
    )
