"""What Temporal stores, sealed: payloads, summaries and the texts of failures, with the keys of stored credentials.

Search attributes and ids stay readable, so that people can filter in Temporal's UI.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

from google.protobuf.message import DecodeError
from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.common import RawValue
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import (
    CompositePayloadConverter,
    DataConverter,
    DefaultFailureConverterWithEncodedAttributes,
    EncodingPayloadConverter,
    PayloadCodec,
    PayloadConverter,
)
from temporalio.exceptions import ApplicationError

from db.cipher import Cipher
from domain.sealed import CipherKeyWrong
from workflows.names import KEY_ID, SEALED_ENCODING
from workflows.payloads import is_sealed

# A key of its own, so that whoever may open payloads opens no stored credential with it.
PURPOSE = "temporal payload"


class SealingCodec(PayloadCodec):
    """Seals with the first key, opens with all; what is not sealed (of an earlier release, typed by hand) is left."""

    def __init__(self, cipher: Cipher) -> None:
        self._box = cipher.box(PURPOSE)

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [self._seal(payload) for payload in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Raises CipherKeyWrong."""
        return [self._open(payload) if is_sealed(payload) else payload for payload in payloads]

    def _seal(self, payload: Payload) -> Payload:
        key_id, sealed = self._box.seal(payload.SerializeToString())
        return Payload(metadata={"encoding": SEALED_ENCODING, KEY_ID: key_id.encode()}, data=sealed)

    def _open(self, payload: Payload) -> Payload:
        key_id = payload.metadata[KEY_ID].decode(errors="replace")
        opened = self._box.open(key_id, payload.data)
        try:
            return Payload.FromString(opened)
        except DecodeError as error:
            raise CipherKeyWrong(f"sealed with key {key_id}, but it is no payload of Temporal's") from error


class _LenientCodec(SealingCodec):
    """Hands on what it cannot open, so that only what needs it fails: a forged signal is dropped, a result waits."""

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [self._try(payload) if is_sealed(payload) else payload for payload in payloads]

    def _try(self, payload: Payload) -> Payload:
        try:
            return self._open(payload)
        except CipherKeyWrong:
            return payload


class _StillSealed(EncodingPayloadConverter):
    """Reads no payload that is sealed to the end, and says which key is missing."""

    @property
    def encoding(self) -> str:
        return SEALED_ENCODING.decode()

    def to_payload(self, value: Any) -> Payload | None:
        return None

    def from_payload(self, payload: Payload, type_hint: type | None = None) -> Any:
        key_id = payload.metadata[KEY_ID].decode(errors="replace")
        raise CipherKeyWrong(f"sealed with key {key_id}, which HANDRAIL_SECRET_KEYS lacks, or damaged: add the key")


class _PayloadConverter(CompositePayloadConverter):
    def __init__(self) -> None:
        plain = pydantic_data_converter.payload_converter_class()
        assert isinstance(plain, CompositePayloadConverter)
        super().__init__(*plain.converters.values(), _StillSealed())

    def from_payloads(self, payloads: Sequence[Payload], type_hints: list[type] | None = None) -> list[Any]:
        """Leave raw what cannot be read and is wanted as nothing particular: details of failures, heartbeats."""
        if type_hints:
            return super().from_payloads(payloads, type_hints)
        return [self._read_if_possible(payload) for payload in payloads]

    def _read_if_possible(self, payload: Payload) -> Any:
        try:
            return super().from_payloads([payload])[0]
        except Exception:
            return RawValue(payload)


class _FailureConverter(DefaultFailureConverterWithEncodedAttributes):
    """Takes every failure for one: anybody can fail an activity by its id, with anything in it."""

    def from_failure(self, failure: Failure, payload_converter: PayloadConverter) -> BaseException:
        try:
            return super().from_failure(failure, payload_converter)
        except Exception as error:
            return ApplicationError(f"a failure that cannot be read: {error}", type="Unreadable")


def sealing_converter(cipher: Cipher) -> DataConverter:
    """Return the data converter of every client, worker and replayer."""
    return dataclasses.replace(
        pydantic_data_converter,
        payload_converter_class=_PayloadConverter,
        payload_codec=_LenientCodec(cipher),
        failure_converter_class=_FailureConverter,
    )
