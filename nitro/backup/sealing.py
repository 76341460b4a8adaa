"""Secrets in a backup: which settings are secret, and how a passphrase seals them.

Sealed is Fernet (AES-128-CBC with HMAC-SHA256) under a key that scrypt makes of the passphrase and a random salt.
"""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Mapping

from nitro.backup.errors import BackupError

SALT = 16
# About 0.1 s and 32 MB for each guess (RFC 7914).
COST, BLOCKS, LANES = 2**15, 8, 1
# Headers carry keys, and whoever knows the address of a webhook may post there.
SECRET_NAME = re.compile(r"(_|^)(KEY|SECRET|TOKEN|PASSWORD|DSN|HEADERS|WEBHOOK_URL)(S|_FILE)?$")
SECRET_VALUE = re.compile(r"//[^/@\s]*@|[?&](\w*password|(\w+_)?key|(\w+_)?token|secret)=", re.IGNORECASE)


def is_secret(name: str, value: str) -> bool:
    """Whether a setting must not stand in a backup for all to read: keys, and addresses that hold one or a password."""
    return bool(SECRET_NAME.search(name) or SECRET_VALUE.search(value))


def seal(secrets: Mapping[str, str], passphrase: str) -> bytes:
    """The secrets, readable only with the passphrase."""
    from cryptography.fernet import Fernet

    salt = os.urandom(SALT)
    return salt + Fernet(_key(passphrase, salt)).encrypt(json.dumps(dict(secrets)).encode())


def unseal(sealed: bytes, passphrase: str) -> dict[str, str]:
    """The secrets. Raises `BackupError` where the passphrase is another one."""
    from cryptography.fernet import Fernet, InvalidToken

    salt, token = sealed[:SALT], sealed[SALT:]
    try:
        secrets = json.loads(Fernet(_key(passphrase, salt)).decrypt(token))
    except InvalidToken as error:
        raise BackupError("The passphrase does not open the secrets of this backup.") from error
    return {str(name): str(value) for name, value in secrets.items()}


def _key(passphrase: str, salt: bytes) -> bytes:
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    kdf = Scrypt(salt=salt, length=32, n=COST, r=BLOCKS, p=LANES)
    return base64.urlsafe_b64encode(kdf.derive(passphrase.encode()))
