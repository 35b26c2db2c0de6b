"""PyKMIP's client against a KMIP server: the life of a few keys, in one protocol version.

usage: client.py HOST PORT CA CERT KEY VERSION      (VERSION: 1.0 to 1.4, 2.0)

Ends with status 0 and "ok: N steps" when the server did all that was asked; otherwise the step that
failed is named.
"""

import sys
import tempfile

from kmip.core import enums
from kmip.core.factories.attributes import AttributeFactory
from kmip.pie import objects
from kmip.pie.client import ProxyKmipClient
from kmip.pie.exceptions import KmipOperationFailure

KEY = bytes(range(32))
USAGE = [enums.CryptographicUsageMask.ENCRYPT, enums.CryptographicUsageMask.DECRYPT]


def named(attributes, name):
    """The values of one attribute."""
    return [a.attribute_value.value for a in attributes if a.attribute_name.value == name]


def refused(reason, call, *arguments):
    """The call must fail with this result reason."""
    try:
        call(*arguments)
    except KmipOperationFailure as failure:
        assert failure.reason == reason, f"refused with {failure.reason}, not {reason}"
    else:
        raise AssertionError("the server did what it must refuse")


class Life:
    """Steps in the order of a key's life; each sees what the ones before left."""

    def __init__(self, client, version):
        self.client = client
        self.name = f"pykmip-{version}"
        # 2.0 tells a destroyed object from one that never was.
        self.gone = (
            enums.ResultReason.ITEM_NOT_FOUND
            if version < "2"
            else enums.ResultReason.OBJECT_DESTROYED
        )
        self.steps = 0

    def run(self):
        for step in [
            self.create,
            self.get,
            self.attributes,
            self.locate,
            self.register,
            self.key_pair,
            self.activate,
            self.revoke,
            self.destroy,
        ]:
            try:
                step()
            except Exception as error:
                raise SystemExit(f"{step.__name__}: {type(error).__name__}: {error}") from error
            self.steps += 1

    def create(self):
        self.key = self.client.create(
            enums.CryptographicAlgorithm.AES,
            256,
            name=self.name,
            cryptographic_usage_mask=USAGE,
        )

    def get(self):
        key = self.client.get(self.key)
        assert isinstance(key, objects.SymmetricKey), type(key)
        assert len(key.value) == 32 and any(key.value)
        assert key.cryptographic_algorithm == enums.CryptographicAlgorithm.AES
        assert key.cryptographic_length == 256
        assert self.client.get(self.key).value == key.value

    def attributes(self):
        names = self.client.get_attribute_list(self.key)
        for name in ["Cryptographic Algorithm", "Cryptographic Length", "Name", "State"]:
            assert name in names, f"{name} not among {names}"
        wanted = ["Cryptographic Length", "Name", "State", "Object Type"]
        unique_identifier, attributes = self.client.get_attributes(self.key, wanted)
        assert unique_identifier == self.key
        assert named(attributes, "Cryptographic Length") == [256]
        assert named(attributes, "State") == [enums.State.PRE_ACTIVE]
        assert named(attributes, "Object Type") == [enums.ObjectType.SYMMETRIC_KEY]
        names = [a for a in attributes if a.attribute_name.value == "Name"]
        assert [n.attribute_value.name_value.value for n in names] == [self.name]

    def locate(self):
        name = AttributeFactory().create_attribute(enums.AttributeType.NAME, self.name)
        assert self.client.locate(attributes=[name]) == [self.key]
        other = AttributeFactory().create_attribute(enums.AttributeType.NAME, "no such name")
        assert self.client.locate(attributes=[other]) == []

    def register(self):
        key = objects.SymmetricKey(
            enums.CryptographicAlgorithm.AES, 256, KEY, masks=USAGE, name=self.name + "-registered"
        )
        registered = self.client.register(key)
        assert self.client.get(registered).value == KEY
        secret = self.client.register(
            objects.SecretData(b"correct horse", enums.SecretDataType.PASSWORD)
        )
        assert self.client.get(secret).value == b"correct horse"
        for identifier in [registered, secret]:
            self.client.destroy(identifier)

    def key_pair(self):
        public, private = self.client.create_key_pair(
            enums.CryptographicAlgorithm.RSA,
            2048,
            public_usage_mask=[enums.CryptographicUsageMask.VERIFY],
            private_usage_mask=[enums.CryptographicUsageMask.SIGN],
        )
        assert isinstance(self.client.get(public), objects.PublicKey)
        assert isinstance(self.client.get(private), objects.PrivateKey)
        for identifier in [public, private]:
            self.client.destroy(identifier)

    def activate(self):
        self.client.activate(self.key)
        assert self.state() == enums.State.ACTIVE
        refused(enums.ResultReason.PERMISSION_DENIED, self.client.activate, self.key)
        refused(enums.ResultReason.PERMISSION_DENIED, self.client.destroy, self.key)

    def revoke(self):
        self.client.revoke(enums.RevocationReasonCode.CESSATION_OF_OPERATION, self.key)
        assert self.state() == enums.State.DEACTIVATED

    def destroy(self):
        self.client.destroy(self.key)
        refused(self.gone, self.client.get, self.key)

    def state(self):
        _, attributes = self.client.get_attributes(self.key, ["State"])
        return named(attributes, "State")[0]


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
            life = Life(client, version)
            life.run()
    print(f"ok: {life.steps} steps")


if __name__ == "__main__":
    main()
