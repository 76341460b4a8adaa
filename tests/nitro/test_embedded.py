"""Where the embedded services listen, worked out without starting them."""

from __future__ import annotations

from pathlib import Path

from nitro import embedded


def test_sockets_live_in_the_data_folder() -> None:
    assert embedded.run_folder(Path("/srv/nitro")) == Path("/srv/nitro/run")


def test_a_path_too_long_for_a_socket_moves_beside_and_stays_the_same() -> None:
    home = Path("/srv") / ("long" * 30)
    folder = embedded.run_folder(home)
    assert len(str(folder)) < 60
    assert folder == embedded.run_folder(home)
    assert folder != embedded.run_folder(home / "other")


def test_a_socket_as_database_address_reaches_django() -> None:
    entry = embedded.django_database(embedded.database_url(Path("/srv/my nitro")))
    assert (entry["HOST"], entry["NAME"], entry["USER"]) == ("/srv/my nitro/run/postgres", "nitro", "nitro")


def test_an_address_with_everything_reaches_django() -> None:
    entry = embedded.django_database("postgresql://al%40ice:p%3Aw@db.test:6543/chat?sslmode=require")
    assert (entry["HOST"], entry["PORT"], entry["USER"], entry["PASSWORD"]) == ("db.test", "6543", "al@ice", "p:w")
    assert entry["OPTIONS"] == {"sslmode": "require"}


def test_celery_gets_the_socket_in_its_own_spelling() -> None:
    assert embedded.celery_url("unix:///run/redis.sock") == "redis+socket:///run/redis.sock"
    assert embedded.celery_url("redis://host:6379/0") == "redis://host:6379/0"
