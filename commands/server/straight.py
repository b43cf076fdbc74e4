"""Straight on the database and Temporal, for whoever runs the server: without the API."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sqlalchemy.exc import SQLAlchemyError
from temporalio.client import Client
from temporalio.service import RPCError

from commands.failures import NotReachable
from db.cipher import Cipher
from db.engine import Database
from settings import Settings
from temporal_client import connect


@dataclass(frozen=True)
class Straight:
    database: Database
    client: Client
    cipher: Cipher


@asynccontextmanager
async def straight_on(settings: Settings) -> AsyncIterator[Straight]:
    """Raises NotReachable when the database or Temporal does not answer, also for what is done inside."""
    cipher = Cipher(settings.cipher_keys())
    database = Database(settings.resolved_database_url())
    try:
        client = await connect(settings.resolved_temporal_address(), settings.temporal_namespace, cipher)
        yield Straight(database, client, cipher)
    except (RuntimeError, RPCError) as error:
        raise NotReachable(
            f"Temporal does not answer on {settings.resolved_temporal_address()}: {error}", "start it, then ask again"
        ) from None
    except SQLAlchemyError as error:
        raise NotReachable(f"the database does not answer: {error}", "start it, then ask again") from None
    finally:
        await database.close()
