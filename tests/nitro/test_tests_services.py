"""The tests' own services: the database and Redis that every other test takes for granted."""

import pytest
import redis
from django.conf import settings
from django.db import connection


@pytest.mark.django_db
def test_the_database_is_postgresql_with_utf8() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_encoding")
        assert cursor.fetchone() == ("UTF8",)
    assert connection.settings_dict["NAME"].startswith("test_")


def test_redis_is_real() -> None:
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        assert client.ping()
