"""Signatures under attestations: valid, forged, and keys that are none."""

from base64 import b64decode

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from entra_deployer.core.errors import SecretError
from entra_deployer.core.json import canonical
from entra_deployer.promotion.attestation import sign

DOCUMENT = {"at": "2026-02-01", "rules": [{"name": "Rare ü"}]}


def is_signed_by(document, public):
    """As a reader of the document would find out, who has the public key and these lines of the documentation."""
    signature = document.get("signature", {})
    unsigned = {name: value for name, value in document.items() if name != "signature"}
    try:
        key = serialization.load_pem_public_key(public.encode())
        assert isinstance(key, Ed25519PublicKey)
        key.verify(b64decode(signature.get("value", "")), canonical(unsigned).encode())
    except InvalidSignature:
        return False
    return True


def pem(key):
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


@pytest.fixture(scope="module")
def key():
    return pem(Ed25519PrivateKey.generate())


def test_a_signed_document_is_known_by_its_key_and_by_no_other(key):
    signed = sign(DOCUMENT, key)
    assert {name: value for name, value in signed.items() if name != "signature"} == DOCUMENT
    assert is_signed_by(signed, signed["signature"]["public_key"])
    other = sign(DOCUMENT, pem(Ed25519PrivateKey.generate()))["signature"]["public_key"]
    assert not is_signed_by(signed, other)


def test_a_changed_byte_breaks_it(key):
    signed = sign(DOCUMENT, key)
    assert not is_signed_by({**signed, "at": "2026-02-02"}, signed["signature"]["public_key"])


def test_the_order_of_keys_does_not_matter(key):
    signed = sign(DOCUMENT, key)
    assert is_signed_by(dict(reversed(signed.items())), signed["signature"]["public_key"])


def test_another_kind_of_key_is_refused_without_telling_it():
    rsa = pem(generate_private_key(65537, 2048))
    for wrong in (rsa, "no key at all", ""):
        with pytest.raises(SecretError) as raised:
            sign(DOCUMENT, wrong)
        assert not wrong or wrong not in str(raised.value)
