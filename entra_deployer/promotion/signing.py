"""Signatures under a JSON document, with an Ed25519 key. The only user of the cryptography library."""

from base64 import b64encode
from collections.abc import Mapping
from typing import TYPE_CHECKING

from entra_deployer.core.errors import SecretError
from entra_deployer.core.json import Untyped as Json
from entra_deployer.core.json import canonical

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ALGORITHM = "ed25519"


def sign(document: Mapping[str, Json], pem: str) -> Json:
    """The document with its `signature`: over the document's canonical JSON (sorted keys, no spaces, UTF-8).

    Raises SecretError where `pem` is not an unencrypted Ed25519 private key; what it holds is not told.
    """
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - heavy, and only promote signs

    key = _private_key(pem)
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    value = b64encode(key.sign(canonical(document).encode())).decode()
    return {**document, "signature": {"algorithm": ALGORITHM, "public_key": public.decode(), "value": value}}


def _private_key(pem: str) -> "Ed25519PrivateKey":
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - see above
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - see above
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415 - see above

    hint = "make one by: openssl genpkey -algorithm ed25519"
    try:
        key = serialization.load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise SecretError("the signing key is not a private key in PEM without a password", hint=hint) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise SecretError("the signing key is not an Ed25519 key", hint=hint)
    return key
