"""A real self-signed certificate for a host's web server."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from lab.keys import write_private

CERTIFICATE = "etc/ssl/certs/site.crt"
KEY = "etc/ssl/private/site.key"


def site_key(root: Path) -> ec.EllipticCurvePrivateKey:
    """Return the site's private key; make it first if there is none."""
    path = root / KEY
    if not path.exists():
        key = ec.generate_private_key(ec.SECP256R1())
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        write_private(path, pem)
    loaded = serialization.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(loaded, ec.EllipticCurvePrivateKey):
        raise TypeError(f"{path} is not an elliptic curve key")
    return loaded


def write_certificate(root: Path, name: str, days: float) -> None:
    """Write a certificate for `name` that began 30 days ago and ends `days` from now (negative: it has ended)."""
    key = site_key(root)
    now = datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{name}.lab.example")])
    names = x509.SubjectAlternativeName([x509.DNSName(f"{name}.lab.example"), x509.DNSName(name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=30))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
    path = root / CERTIFICATE
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    temporary.chmod(0o644)
    temporary.replace(path)


def valid_until(root: Path) -> datetime:
    """Return when the host's certificate ends, in UTC."""
    return x509.load_pem_x509_certificate((root / CERTIFICATE).read_bytes()).not_valid_after_utc
