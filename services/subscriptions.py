"""Topics of Amazon SNS: whether one signed what came, and that a person has it deliver."""

from collections.abc import Mapping

from db import sources
from domain.base import utc_now
from domain.sources import sns
from domain.sources.sender import Unreadable
from domain.sources.sns import Forged, SnsAway
from domain.sources.source import Source
from services.backends import Backends
from services.errors import Conflict, NotFound, Unavailable, invalid, not_listed
from services.reading import beside

TRY_AGAIN_SECONDS = 20


async def check(backends: Backends, source: Source, body: bytes, headers: Mapping[str, str]) -> str | None:
    """Look whether a source's topic signed this just now; return what confirms its subscription, if it asks for that.

    Raises Unreadable if it did not, Unavailable if nobody can say.
    """
    topic = source.topic or ""
    document = await beside(sns.envelope, body, headers)
    signed = sns.signed_of(document, topic, utc_now())
    address = sns.subscribe_address(document, topic) if document["Type"] == sns.SUBSCRIPTION else None
    try:
        await _sns(backends).check(signed)
    except Forged as error:
        raise Unreadable("Signature", f"it is not signed by Amazon SNS: {error}") from None
    except SnsAway as error:
        words = f"no signature of source {source.name!r} can be checked: {error}"
        raise Unavailable(words, retry_after=TRY_AGAIN_SECONDS) from None
    return address


async def confirm(backends: Backends, tenant: str, name: str, actor: str) -> Source:
    """Have a source's topic deliver, as it asked. Raises NotFound, Conflict, Invalid, Unavailable."""
    async with backends.database.read() as session:
        source = await sources.get_source(session, tenant, name)
        asked = await sources.get_asked(session, tenant, name)
    if source is None:
        raise not_listed(tenant, "source", name)
    if source.topic is None or asked is None:
        mend = "subscribe its address to the topic in AWS; SNS then asks here"
        raise Conflict(f"no topic asked source {name!r} to confirm a subscription", mend)
    await _open(backends, source.topic, asked.address)
    async with backends.database.write() as session:
        confirmed = await sources.set_confirmed(session, tenant, name, asked, actor, utc_now())
    if confirmed is None:
        raise NotFound(f"source {name!r} was removed, or its topic asked anew, meanwhile", "look at it again")
    return confirmed


async def _open(backends: Backends, topic: str, address: str) -> None:
    try:
        sns.subscribe_address({"SubscribeURL": address}, topic)  # what is stored may be of an older rule
        await _sns(backends).confirm(address)
    except Unreadable as error:
        raise invalid(error.field, error.detail) from None
    except Forged as error:
        mend = "it asks for three days at most: request the confirmation again in AWS"
        raise Conflict(f"Amazon SNS did not take the confirmation: {error}", mend) from None
    except SnsAway as error:
        raise Unavailable(f"the subscription is not confirmed: {error}", retry_after=TRY_AGAIN_SECONDS) from None


def _sns(backends: Backends) -> sns.Sns:
    if backends.sns is None:
        raise Unavailable("this process does not ask Amazon SNS")
    return backends.sns
