"""The operations of PyKMIP's client that client.py does not use, in one protocol version.

usage: operations.py HOST PORT CA CERT KEY VERSION      (VERSION: 1.0 to 1.4, 2.0)

Left out is Get with a Key Wrapping Specification: PyKMIP expects a structure where the specification has
a Byte String (KMIP 1.4, 2.1.3).

Ends with status 0 and "ok: N steps" when the server did all that was asked; otherwise the step that
failed is named.
"""

import hashlib
import hmac
import sys
import tempfile

from kmip.core import enums
from kmip.core import objects as core
from kmip.core.attributes import PrivateKeyUniqueIdentifier
from kmip.core.factories.attribute_values import AttributeValueFactory
from kmip.core.factories.attributes import AttributeFactory
from kmip.pie import objects
from kmip.pie.client import ProxyKmipClient
from kmip.pie.exceptions import KmipOperationFailure

Mask = enums.CryptographicUsageMask
AES = enums.CryptographicAlgorithm.AES
HMAC_SHA256 = enums.CryptographicAlgorithm.HMAC_SHA256


class Operations:
    def __init__(self, client, version):
        self.client = client
        self.version = version
        self.made = 0

    def steps(self):
        """What a version has, PyKMIP's client has and client.py does not do."""
        since = {
            self.query: "1.0",
            self.check: "1.0",
            self.copies_and_others: "1.0",
            self.rekey: "1.0",
            self.derive_key: "1.0",
            self.rekey_key_pair: "1.1",
            self.discover_versions: "1.1",
            self.encrypt_and_decrypt: "1.2",
            self.sign_and_verify: "1.2",
            self.mac: "1.2",
        }
        steps = [step for step, version in since.items() if version <= self.version]
        if self.version < "2":
            return steps + [self.attributes_by_index]
        # PyKMIP's payload of Re-key Key Pair has the form of 1.x only.
        steps.remove(self.rekey_key_pair)
        return steps + [self.attributes_by_value]

    def run(self):
        steps = self.steps()
        for step in steps:
            try:
                step()
            except Exception as error:
                raise SystemExit(f"{step.__name__}: {type(error).__name__}: {error}") from error
        return len(steps)

    def name(self):
        self.made += 1
        return f"operations-{self.version}-{self.made}"

    def key(self, masks, value=bytes(range(32)), algorithm=AES):
        key = objects.SymmetricKey(algorithm, len(value) * 8, value, masks=masks, name=self.name())
        identifier = self.client.register(key)
        self.client.activate(identifier)
        return identifier

    def pair(self):
        public, private = self.client.create_key_pair(
            enums.CryptographicAlgorithm.RSA,
            2048,
            public_usage_mask=[Mask.VERIFY],
            private_usage_mask=[Mask.SIGN],
        )
        self.client.activate(public)
        self.client.activate(private)
        return public, private

    def query(self):
        functions = [enums.QueryFunction.QUERY_OPERATIONS, enums.QueryFunction.QUERY_OBJECTS,
                     enums.QueryFunction.QUERY_SERVER_INFORMATION]
        result = self.client.proxy.query(query_functions=functions)
        assert result.result_status.value == enums.ResultStatus.SUCCESS, result.result_message
        for operation in ["CREATE", "GET", "LOCATE", "DESTROY"]:
            assert enums.Operation[operation] in result.operations, operation
        assert enums.ObjectType.SYMMETRIC_KEY in result.object_types
        assert "kmip-server" in result.vendor_identification

    def discover_versions(self):
        result = self.client.proxy.discover_versions()
        assert result.result_status.value == enums.ResultStatus.SUCCESS, result.result_message
        versions = [(v.major, v.minor) for v in result.protocol_versions]
        assert versions == [(2, 1), (2, 0), (1, 4), (1, 3), (1, 2), (1, 1), (1, 0)], versions

    def check(self):
        key = self.key([Mask.ENCRYPT])
        assert self.client.check(key, cryptographic_usage_mask=[Mask.ENCRYPT]) == key
        try:
            self.client.check(key, cryptographic_usage_mask=[Mask.SIGN])
        # PyKMIP looks into the payload, which a refusal does not have.
        except (KmipOperationFailure, AttributeError):
            return
        raise AssertionError("a use that the key does not allow")

    def copies_and_others(self):
        public, private = self.pair()
        for identifier, kind in [(public, objects.PublicKey), (private, objects.PrivateKey)]:
            original = self.client.get(identifier)
            copy = kind(
                original.cryptographic_algorithm,
                original.cryptographic_length,
                original.value,
                original.key_format_type,
                name=self.name(),
            )
            assert self.client.get(self.client.register(copy)).value == original.value
        opaque = objects.OpaqueObject(b"nobody knows", enums.OpaqueDataType.NONE, self.name())
        assert self.client.get(self.client.register(opaque)).value == b"nobody knows"
        split = objects.SplitKey(
            cryptographic_algorithm=AES,
            cryptographic_length=128,
            key_value=bytes(16),
            name=self.name(),
            split_key_parts=3,
            key_part_identifier=1,
            split_key_threshold=2,
            split_key_method=enums.SplitKeyMethod.XOR,
        )
        got = self.client.get(self.client.register(split))
        assert got.value == bytes(16) and got.split_key_parts == 3, got

    def rekey(self):
        old = self.client.create(
            AES, 256, name=self.name(), cryptographic_usage_mask=[Mask.ENCRYPT, Mask.DECRYPT]
        )
        self.client.activate(old)
        before = self.client.get(old).value
        new = self.client.rekey(uid=old, offset=0)
        assert new != old and self.client.get(new).value != before
        assert self.client.get(old).value == before

    def rekey_key_pair(self):
        public, private = self.pair()
        result = self.client.proxy.rekey_key_pair(private_key_uuid=PrivateKeyUniqueIdentifier(private))
        assert result.result_status.value == enums.ResultStatus.SUCCESS, result.result_message
        new = str(result.private_key_uuid)
        assert new != private
        assert self.client.get(new).value != self.client.get(private).value
        assert self.client.get(public) is not None

    def derive_key(self):
        base = self.key([Mask.DERIVE_KEY], value=b"a secret that is derived from...")
        derived = self.client.derive_key(
            enums.ObjectType.SYMMETRIC_KEY,
            [base],
            enums.DerivationMethod.HMAC,
            {
                "cryptographic_parameters": {
                    "hashing_algorithm": enums.HashingAlgorithm.SHA_256
                },
                "derivation_data": b"for what",
            },
            cryptographic_length=256,
            cryptographic_algorithm=AES,
            cryptographic_usage_mask=[Mask.ENCRYPT],
        )
        expected = hmac.new(b"a secret that is derived from...", b"for what", hashlib.sha256)
        assert self.client.get(derived).value == expected.digest()

    def encrypt_and_decrypt(self):
        key = self.key([Mask.ENCRYPT, Mask.DECRYPT])
        parameters = {
            "block_cipher_mode": enums.BlockCipherMode.CBC,
            "padding_method": enums.PaddingMethod.PKCS5,
            "cryptographic_algorithm": AES,
        }
        text = b"something that is longer than a block"
        encrypted, _ = self.client.encrypt(text, key, parameters, bytes(16))
        assert encrypted != text and len(encrypted) == 48
        assert self.client.decrypt(encrypted, key, parameters, bytes(16)) == text

    def sign_and_verify(self):
        public, private = self.pair()
        parameters = {
            "padding_method": enums.PaddingMethod.PKCS1v15,
            "cryptographic_algorithm": enums.CryptographicAlgorithm.RSA,
            "hashing_algorithm": enums.HashingAlgorithm.SHA_256,
        }
        signature = self.client.sign(b"a message", private, parameters)
        verify = self.client.signature_verify
        valid = verify(b"a message", signature, public, parameters)
        assert valid == enums.ValidityIndicator.VALID, valid
        valid = verify(b"another message", signature, public, parameters)
        assert valid == enums.ValidityIndicator.INVALID, valid

    def mac(self):
        key = self.key([Mask.MAC_GENERATE], algorithm=HMAC_SHA256)
        _, code = self.client.mac(b"a message", key, HMAC_SHA256)
        assert code == hmac.new(bytes(range(32)), b"a message", hashlib.sha256).digest()

    def names(self, key):
        _, attributes = self.client.get_attributes(key, ["Name"])
        return [a.attribute_value.name_value.value for a in attributes]

    def attributes_by_index(self):
        """Modify and Delete Attribute as 1.x has them."""
        key = self.key([Mask.ENCRYPT])
        name = self.name()
        new = AttributeFactory().create_attribute(enums.AttributeType.NAME, name, 0)
        self.client.modify_attribute(key, attribute=new)
        assert self.names(key) == [name], self.names(key)
        self.client.delete_attribute(key, attribute_name="Name", attribute_index=0)
        assert self.names(key) == []

    def attributes_by_value(self):
        """Set, Modify and Delete Attribute as 2.x has them."""
        key = self.key([Mask.ENCRYPT])
        self.client.set_attribute(key, attribute_name="Sensitive", attribute_value=True)
        _, attributes = self.client.get_attributes(key, ["Sensitive"])
        assert [a.attribute_value.value for a in attributes] == [True]
        values = AttributeValueFactory()
        [old] = self.names(key)
        name = self.name()
        tag = enums.Tags.NAME
        self.client.modify_attribute(
            key,
            current_attribute=core.CurrentAttribute(
                attribute=values.create_attribute_value_by_enum(tag, old)
            ),
            new_attribute=core.NewAttribute(
                attribute=values.create_attribute_value_by_enum(tag, name)
            ),
        )
        assert self.names(key) == [name], self.names(key)
        self.client.delete_attribute(
            key,
            current_attribute=core.CurrentAttribute(
                attribute=values.create_attribute_value_by_enum(tag, name)
            ),
        )
        assert self.names(key) == []


def main():
    host, port, ca, cert, key, version = sys.argv[1:]
    # Without a file of its own the client would read the user's.
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as config:
        config.write("[client]\n")
        config.flush()
        client = ProxyKmipClient(
            hostname=host,
            port=int(port),
            ca=ca,
            cert=cert,
            key=key,
            ssl_version="PROTOCOL_TLSv1_2",
            config_file=config.name,
            kmip_version=enums.KMIPVersion["KMIP_" + version.replace(".", "_")],
        )
        with client:
            count = Operations(client, version).run()
    print(f"ok: {count} steps")


if __name__ == "__main__":
    main()
