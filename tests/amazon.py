"""Amazon SNS as it documents itself: an authority, the certificates it issues, what serves them, and what they sign."""

import base64
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from domain.sources.cloudwatch import SAMPLE
from integrations.sns import AmazonSns

TOPIC = "arn:aws:sns:eu-central-1:123456789012:alarms"
HOST = "sns.eu-central-1.amazonaws.com"
PEM = "/SimpleNotificationService-f3ecfb7224c7233fe7bb5f59f96de52f.pem"
SUBSCRIBE = f"https://{HOST}/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=2336412f37"
ISSUER = "http://crt.test.amazontrust.com/issuer.cer"
DAY = timedelta(days=1)
SIGNED = {
    "Notification": ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"],
    "SubscriptionConfirmation": ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"],
}
CONFIRMED = (
    b"<ConfirmSubscriptionResponse><SubscriptionArn>arn:aws:sns:x</SubscriptionArn></ConfirmSubscriptionResponse>"
)


class Certified:
    """A certificate and its key; `by` says who issued it, itself unless given."""

    def __init__(
        self, name: str, by: "Certified | None" = None, *, is_authority: bool = False, ends: timedelta = DAY
    ) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        issuer, now = by or self, datetime.now(UTC)
        public = self.key.public_key()
        usage = {
            one: one == "digital_signature" or (is_authority and one in ("key_cert_sign", "crl_sign"))
            for one in (
                *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
                *("key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
            )
        }
        made = (
            x509.CertificateBuilder(issuer.name, self.name, public, x509.random_serial_number())
            .not_valid_before(now - 10 * DAY)
            .not_valid_after(now + ends)
            .add_extension(x509.BasicConstraints(is_authority, None), critical=True)
            .add_extension(x509.KeyUsage(**usage), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()), critical=False)
        )
        if not is_authority:
            access = x509.AccessDescription(
                AuthorityInformationAccessOID.CA_ISSUERS, x509.UniformResourceIdentifier(ISSUER)
            )
            made = (
                made.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
                .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
                .add_extension(x509.AuthorityInformationAccess([access]), critical=False)
            )
        self.certificate = made.sign(issuer.key, hashes.SHA256())

    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    def key_pem(self) -> bytes:
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )


class Amazon:
    """Its authorities, and what its servers answer: path -> (status, body, headers). `asked`: what they were asked."""

    def __init__(self) -> None:
        self.root = Certified("Root", is_authority=True)
        self.issuer = Certified("Issuer", self.root, is_authority=True)
        self.signer = Certified("sns.amazonaws.com", self.issuer)
        self.host = Certified(HOST, self.issuer)
        self.answers: dict[str, tuple[int, bytes, dict[str, str]]] = {}
        self.asked: list[str] = []
        self.reset()

    def reset(self) -> None:
        self.answers = {
            PEM: (200, self.signer.pem(), {}),
            "/issuer.cer": (200, self.issuer.der(), {}),
            SUBSCRIBE.removeprefix(f"https://{HOST}"): (200, CONFIRMED, {}),
        }
        self.asked.clear()

    @contextmanager
    def serving(self, directory: Path) -> Iterator[tuple[int, int]]:
        """Serve with TLS and without; yields both ports."""
        chain = directory / "chain.pem"
        chain.write_bytes(self.host.key_pem() + self.host.pem() + self.issuer.pem())
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(chain)
        with self._server(tls) as safe, self._server(None) as plain:
            yield safe, plain

    def door(self, ports: tuple[int, int], **more: Any) -> AmazonSns:
        """Return what trusts this authority alone, and finds these servers behind every name."""
        trust = self.root.pem().decode()

        def route(address: httpx.URL) -> httpx.URL:
            return address.copy_with(host="127.0.0.1", port=ports[0 if address.scheme == "https" else 1])

        return AmazonSns(lambda: ssl.create_default_context(cadata=trust), route, **more)

    @contextmanager
    def _server(self, tls: ssl.SSLContext | None) -> Iterator[int]:
        amazon = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                amazon.asked.append(f"{self.headers['Host']}{self.path}")
                status, body, headers = amazon.answers.get(self.path, (404, b"", {}))
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            def handle_error(self, *_: object) -> None:
                """Who asks goes away in the middle of what it takes for nonsense."""

        server = Server(("127.0.0.1", 0), Handler)
        if tls:
            server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        serving = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        serving.start()
        yield server.server_address[1]
        server.shutdown()
        server.server_close()
        serving.join()


@cache
def amazon() -> Amazon:
    """The one of this process: keys take a while to make."""
    return Amazon()


def message(by: Certified | None = None, **fields: Any) -> bytes:
    """Return a message as SNS sends it, signed by its documentation and not with our code; None leaves a field out."""
    document: dict[str, Any] = {
        **SAMPLE,
        "TopicArn": TOPIC,
        "Timestamp": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
        "SigningCertURL": f"https://{HOST}{PEM}",
        **fields,
    }
    document = {name: value for name, value in document.items() if value is not None}
    names = [one for one in SIGNED[document["Type"]] if one in document]
    text = "".join(f"{one}\n{document[one]}\n" for one in names).encode()
    kind = hashes.SHA1() if document["SignatureVersion"] == "1" else hashes.SHA256()
    signature = (by or amazon().signer).key.sign(text, PKCS1v15(), kind)
    return json.dumps({**document, "Signature": base64.b64encode(signature).decode()}).encode()


def subscription(**fields: Any) -> bytes:
    return message(
        **{
            "Type": "SubscriptionConfirmation",
            "MessageId": "asks-1",
            "Subject": None,
            "Message": "You have chosen to subscribe.",
            "Token": "2336412f37",
            "SubscribeURL": SUBSCRIBE,
            **fields,
        }
    )
