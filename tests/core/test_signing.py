"""Signatures under documents: valid, forged, and keys that are none."""

from base64 import b64decode

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from entra_deployer.core.errors import SecretError
from entra_deployer.core.json import Json, canonical
from entra_deployer.core.signing import fingerprint, is_public_key, problem_of_signature, public_key_of, sign
from tests.reading import part

DOCUMENT: dict[str, Json] = {"at": "2026-02-01", "rules": [{"name": "Rare ü"}]}


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
    assert is_signed_by(signed, part(signed, "signature", "public_key"))
    other = part(sign(DOCUMENT, pem(Ed25519PrivateKey.generate())), "signature", "public_key")
    assert not is_signed_by(signed, other)


def test_a_changed_byte_breaks_it(key):
    signed = sign(DOCUMENT, key)
    assert not is_signed_by({**signed, "at": "2026-02-02"}, part(signed, "signature", "public_key"))


def test_the_order_of_keys_does_not_matter(key):
    signed = sign(DOCUMENT, key)
    assert is_signed_by(dict(reversed(signed.items())), part(signed, "signature", "public_key"))


def test_another_kind_of_key_is_refused_without_telling_it():
    rsa = pem(generate_private_key(65537, 2048))
    for wrong in (rsa, "no key at all", ""):
        with pytest.raises(SecretError) as raised:
            sign(DOCUMENT, wrong)
        assert not wrong or wrong not in str(raised.value)


def test_one_of_the_trusted_keys_is_enough(key):
    other = public_key_of(pem(Ed25519PrivateKey.generate()))
    assert problem_of_signature(sign(DOCUMENT, key), [other, public_key_of(key)]) == ""


def test_a_signature_by_another_key_names_it(key):
    other = pem(Ed25519PrivateKey.generate())
    problem = problem_of_signature(sign(DOCUMENT, other), [public_key_of(key)])
    assert problem == f"it is signed by {fingerprint(public_key_of(other))}, which is not trusted here"


def test_a_changed_document_is_told_as_that(key):
    changed = {**sign(DOCUMENT, key), "at": "2026-02-02"}
    assert "was changed after key " in problem_of_signature(changed, [public_key_of(key)])


def test_whose_name_stands_there_proves_nothing(key):
    """A forger may write the trusted key beside a signature of his own."""
    forged = sign(DOCUMENT, pem(Ed25519PrivateKey.generate()))
    part(forged, "signature")["public_key"] = public_key_of(key)
    assert problem_of_signature(forged, [public_key_of(key)])


NOT_SIGNATURES: list[Json] = [
    *(None, {}, [], "x"),
    {"algorithm": "ed25519", "public_key": "x", "value": "not base64!"},
    {"algorithm": "none", "public_key": "", "value": ""},
    {"algorithm": "ed25519", "public_key": "", "value": ""},
]


@pytest.mark.parametrize("signature", NOT_SIGNATURES)
def test_a_signature_that_is_none_counts_for_nothing(key, signature):
    assert problem_of_signature({**DOCUMENT, "signature": signature}, [public_key_of(key)])


def test_what_is_a_public_key(key):
    assert is_public_key(public_key_of(key))
    rsa = generate_private_key(65537, 2048).public_key()
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    others = [rsa.public_bytes(serialization.Encoding.PEM, form).decode(), key, "", "no key"]
    assert not any(map(is_public_key, others))
