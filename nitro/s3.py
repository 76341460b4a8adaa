"""Files in a store that speaks S3, through `nitro extras s3`: what the settings say of it."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from nitro.environment import SettingError

CONNECT_SECONDS, READ_SECONDS, ATTEMPTS = 4, 30, 2  # the library's own would let a page wait for minutes


def s3_storage(*, bucket: str, endpoint: str, region: str, access_key: str, secret_key: str) -> dict[str, Any]:
    """Django's settings for this store. Raises `SettingError` where the extra is not installed."""
    if find_spec("storages") is None or find_spec("boto3") is None:
        raise SettingError("S3_BUCKET", bucket, "set once `nitro extras s3` has installed the store's library")
    from botocore.config import Config

    patience = Config(
        connect_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS, retries={"total_max_attempts": ATTEMPTS}
    )
    return {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": bucket,
            "endpoint_url": endpoint or None,
            "region_name": region or None,
            "access_key": access_key or None,
            "secret_key": secret_key or None,
            "client_config": patience,
            "default_acl": None,
            "file_overwrite": True,
        },
    }
