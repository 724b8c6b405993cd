"""Signatures under JSON documents, with Ed25519 keys: the only user of the cryptography library.

A signature is over the document's canonical JSON without its key `signature`: sorted keys, no spaces, UTF-8.
"""

import hashlib
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from entra_deployer.core.errors import SecretError
from entra_deployer.core.json import DoesNotFit, Json, canonical, decode

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ALGORITHM = "ed25519"
_SHOWN = 16
_HINT = "make one by: openssl genpkey -algorithm ed25519"


@dataclass(frozen=True)
class Signature:
    """Who signed, by the public key in PEM, and the signature in base64."""

    algorithm: str
    public_key: str
    value: str


def sign(document: Mapping[str, Json], pem: str) -> dict[str, Json]:
    """The document with its `signature`, in place of any that it has.

    Raises SecretError where `pem` is not an unencrypted Ed25519 private key; what it holds is not told.
    """
    value = b64encode(_private_key(pem).sign(_signed_bytes(document))).decode()
    return {**document, "signature": {"algorithm": ALGORITHM, "public_key": public_key_of(pem), "value": value}}


def public_key_of(pem: str) -> str:
    """The public key, in PEM, of a private one. Raises SecretError as `sign` does."""
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - heavy, and few commands sign

    public = _private_key(pem).public_key()
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return public.public_bytes(serialization.Encoding.PEM, form).decode()


def problem_of_signature(document: Mapping[str, Json], trusted: Sequence[str]) -> str:
    """Why none of the `trusted` public keys (PEM) vouches for a document, "" where one does."""
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - heavy, and few commands ask

    if not document.get("signature"):
        return "it is not signed"
    try:
        signature = decode(document["signature"], Signature)
        value = b64decode(signature.value, validate=True)
    except (DoesNotFit, ValueError):
        return "its signature is none"
    if signature.algorithm != ALGORITHM:
        return f"its signature is of the kind {signature.algorithm[:40]!r}, not {ALGORITHM}"
    for pem in trusted:
        key = _public_key(pem)
        try:
            key.verify(value, _signed_bytes(document))
        except InvalidSignature:
            continue
        return ""
    if fingerprint(signature.public_key) in {fingerprint(pem) for pem in trusted}:
        return f"it was changed after {fingerprint(signature.public_key)} had signed it"
    return f"it is signed by {fingerprint(signature.public_key)}, which is not trusted here"


def fingerprint(pem: str) -> str:
    """A short name of a public key: "key 3f9a…" by the SHA-256 of what `openssl pkey -pubin -outform DER` writes."""
    body = "".join(line for line in pem.split("\n") if not line.startswith("-----"))
    try:
        return f"key {hashlib.sha256(b64decode(body, validate=True)).hexdigest()[:_SHOWN]}"
    except ValueError:
        return "a key that is none"


def is_public_key(pem: str) -> bool:
    """Whether a text is an Ed25519 public key in PEM."""
    try:
        _public_key(pem)
    except ValueError:
        return False
    return True


def _signed_bytes(document: Mapping[str, Json]) -> bytes:
    return canonical({name: value for name, value in document.items() if name != "signature"}).encode()


def _public_key(pem: str) -> "Ed25519PublicKey":
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - see above
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - see above
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415 - see above

    try:
        key = serialization.load_pem_public_key(pem.encode())
    except UnsupportedAlgorithm as error:
        raise ValueError("not a kind of key that is known") from error
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("not an Ed25519 key")  # noqa: TRY004 - the value is wrong
    return key


def _private_key(pem: str) -> "Ed25519PrivateKey":
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - see above
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - see above
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415 - see above

    try:
        key = serialization.load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise SecretError("the signing key is not a private key in PEM without a password", hint=_HINT) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise SecretError("the signing key is not an Ed25519 key", hint=_HINT)
    return key
