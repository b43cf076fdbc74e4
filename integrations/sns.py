"""Amazon SNS: fetches the certificate it signs with, checks that, and what it signed.

Nothing is fetched but from addresses that domain.sources.sns found to be those of the topic's own region, and from
those of the authorities that issue to Amazon. No redirect is followed.
"""

import asyncio
import ssl
import warnings
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.x509.oid import AuthorityInformationAccessOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from domain.base import utc_now
from domain.sources.sns import Forged, Signed, SnsAway

WHOLE_SECONDS = 10.0  # SNS itself waits 15 for its answer
MOST_BYTES = 64 * 1024
MOST_KEPT = 16  # certificates: SNS has one a region, and changes it yearly
KEPT_FOR = timedelta(hours=12)
FAILED_FOR = timedelta(seconds=10)  # so that a storm of deliveries asks once
MOST_ISSUERS = 2  # fetched, between a certificate and its root
ISSUERS = (".amazontrust.com", ".digicert.com")
HASHES = {"1": SHA1, "2": SHA256}


@dataclass(frozen=True)
class _Trust:
    """Whom to trust, for connections and for certificates alike."""

    connections: ssl.SSLContext
    certificates: Store


@dataclass(frozen=True)
class _Found:
    until: datetime
    key: RSAPublicKey | Exception


class AmazonSns:
    """`trust`: makes what says whom to trust, for connections and for certificates alike. `route`: where to go for an
    address; its host is still the one that has to prove itself."""

    def __init__(
        self,
        trust: Callable[[], ssl.SSLContext] = httpx.create_ssl_context,
        route: Callable[[httpx.URL], httpx.URL] = lambda address: address,
        whole_seconds: float = WHOLE_SECONDS,
    ) -> None:
        self._make_trust, self._route, self._whole_seconds = trust, route, whole_seconds
        self._trust: _Trust | None = None
        self._found: OrderedDict[tuple[str, tuple[str, ...]], _Found] = OrderedDict()
        self._fetching = asyncio.Lock()

    async def check(self, signed: Signed) -> None:
        """Raises Forged, SnsAway."""
        key = await self._key(signed)
        try:
            key.verify(signed.signature, signed.text, PKCS1v15(), HASHES[signed.version]())
        except InvalidSignature:
            raise Forged("its signature is not one of the certificate's key over this message") from None

    async def confirm(self, address: str) -> None:
        """Open the address that confirms a subscription. Raises Forged, SnsAway."""
        try:
            async with asyncio.timeout(self._whole_seconds):
                body = await self._get(address)
        except TimeoutError:
            raise self._late(address) from None
        if b"<SubscriptionArn>arn:" not in body:
            raise Forged("its answer does not name a subscription")

    async def _key(self, signed: Signed) -> RSAPublicKey:
        """Return the key of a certificate that is trusted, from what is kept of it or from its address."""
        name = (signed.certificate, signed.names)
        async with self._fetching:
            found = self._found.get(name)
            if found is None or found.until < utc_now():
                found = self._found[name] = await self._fetch(signed)
                while len(self._found) > MOST_KEPT:
                    self._found.popitem(last=False)
        if isinstance(found.key, Exception):
            raise type(found.key)(str(found.key))
        return found.key

    async def _fetch(self, signed: Signed) -> _Found:
        now = utc_now()
        try:
            async with asyncio.timeout(self._whole_seconds):
                certificate = await self._certificate(signed, now)
            key = certificate.public_key()
            if not isinstance(key, RSAPublicKey):
                raise Forged("its certificate has no RSA key")
        except TimeoutError:
            return _Found(now + FAILED_FOR, self._late(signed.certificate))
        except (Forged, SnsAway) as error:
            return _Found(now + FAILED_FOR, error)
        return _Found(min(now + KEPT_FOR, certificate.not_valid_after_utc), key)

    async def _certificate(self, signed: Signed, now: datetime) -> x509.Certificate:
        """Return the certificate, once its chain leads to a trusted root: SNS gives out the last link alone."""
        chain = _read(await self._get(signed.certificate))
        trusted = (await self._trusted()).certificates
        for _ in range(1 + MOST_ISSUERS):
            if await asyncio.to_thread(_is_trusted, chain, trusted, signed.names, now):
                return chain[0]
            issuer = _issuer_address(chain[-1])
            if issuer is None:
                break
            chain += _read(await self._get(issuer))
        raise Forged(f"its certificate is no valid one of {signed.names[0]} by a trusted authority")

    async def _trusted(self) -> _Trust:
        if self._trust is None:
            self._trust = await asyncio.to_thread(_trust, self._make_trust)  # it reads a hundred certificates
        return self._trust

    def _late(self, address: str) -> SnsAway:
        return SnsAway(f"{httpx.URL(address).host} did not answer within {self._whole_seconds:g} seconds")

    async def _get(self, address: str) -> bytes:
        """Return what is at an address. Raises Forged for any answer but 200, SnsAway."""
        asked = httpx.URL(address)
        headers = {"Host": asked.host, "Accept-Encoding": "identity", "User-Agent": "Handrail"}
        trust = (await self._trusted()).connections
        more: dict[str, Any] = {"headers": headers, "extensions": {"sni_hostname": asked.host}}
        try:
            async with (
                httpx.AsyncClient(verify=trust, follow_redirects=False, timeout=None) as client,
                client.stream("GET", self._route(asked), **more) as answer,
            ):
                if answer.status_code >= 500:
                    raise SnsAway(f"{asked.host} answered with status {answer.status_code}")
                if answer.status_code != 200:
                    raise Forged(f"{asked.host} answered with status {answer.status_code}")
                return await _bounded(answer)
        except (httpx.HTTPError, OSError) as error:
            raise SnsAway(f"{asked.host} could not be reached ({type(error).__name__}): {error}"[:300]) from None


async def _bounded(answer: httpx.Response) -> bytes:
    body = bytearray()
    async for part in answer.aiter_raw():
        body += part
        if len(body) > MOST_BYTES:
            raise Forged(f"{answer.url.host} answered with more than {MOST_BYTES >> 10} KiB")
    return bytes(body)


def _read(document: bytes) -> list[x509.Certificate]:
    """Return the certificates in it, as text or one in DER. Raises Forged."""
    try:
        if b"-----BEGIN" in document:
            return x509.load_pem_x509_certificates(document)
        return [x509.load_der_x509_certificate(document)]
    except (ValueError, UnsupportedAlgorithm):
        raise Forged("what is at the address of its certificate is none") from None


def _issuer_address(certificate: x509.Certificate) -> str | None:
    """Return where a certificate says that of its issuer is, if that is an authority of Amazon's. Plain http is how
    they give them out: whether it is the issuer's shows in the chain."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except (x509.ExtensionNotFound, ValueError):
        return None
    for one in found:
        if one.access_method != AuthorityInformationAccessOID.CA_ISSUERS:
            continue
        address = str(getattr(one.access_location, "value", ""))
        try:
            url = httpx.URL(address)
        except httpx.InvalidURL:
            continue
        if url.scheme == "http" and url.host.endswith(ISSUERS) and url.port is None and not url.userinfo:
            return address
    return None


def _trust(make: Callable[[], ssl.SSLContext]) -> _Trust:
    connections = make()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some old root has a serial number that no new one may have
        roots = [x509.load_der_x509_certificate(one) for one in connections.get_ca_certs(binary_form=True)]
    return _Trust(connections, Store(roots))


def _is_trusted(chain: Sequence[x509.Certificate], trusted: Store, names: Sequence[str], now: datetime) -> bool:
    policy = PolicyBuilder().store(trusted).time(now)
    for name in names:
        try:
            policy.build_server_verifier(x509.DNSName(name)).verify(chain[0], list(chain[1:]))
        except VerificationError:
            continue
        return True
    return False
