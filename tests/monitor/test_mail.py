"""Alarms by e-mail, through the settings as they are read, Django's own mailer and a mail server that takes them."""

from __future__ import annotations

import runpy
import ssl
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django import Settings

from apps.monitor import alerting, notices, readings
from apps.monitor.models import Notice
from apps.monitor.readings import Reading
from nitro.certificate import Certificate, own_certificate
from tests.core.test_settings import SETTINGS, names_read
from tests.monitor.mail_server import MailServer, mail_server
from tests.monitor.test_alerting import process

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse"
NOW = timezone.now()
BOTH = ["alice@example.com", "bob@example.com"]
Configure = Callable[..., None]


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    return own_certificate(tmp_path, [])


@pytest.fixture
def context(certificate: Certificate) -> ssl.SSLContext:
    found = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    found.load_cert_chain(certificate.certificate, certificate.key)
    return found


@pytest.fixture
def configured(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, tmp_path: Path, certificate: Certificate
) -> Configure:
    """Sets Nitro up for a mail server by environment variables alone, on a machine that trusts its certificate."""
    secret = tmp_path / "password"
    secret.write_text(f"{PASSWORD}\n")
    for name in names_read() - {"NITRO_HOME", "DATABASE_URL", "REDIS_URL"}:
        monkeypatch.delenv(name, raising=False)

    def configure(server: MailServer, **given: str) -> None:
        values = {
            "ALERT_EMAIL": "alice@example.com,bob@example.com",
            "EMAIL_FROM": "nitro@example.com",
            "EMAIL_HOST": "localhost",
            "EMAIL_PORT": str(server.port),
            "EMAIL_HOST_USER": "nitro",
            "EMAIL_HOST_PASSWORD_FILE": str(secret),
            "EMAIL_SECURITY": server.security,
            "PUBLIC_URL": "https://nitro.example.com",
            "SSL_CERT_FILE": str(certificate.certificate),
        }
        for name, value in (values | given).items():
            monkeypatch.setenv(name, value)
        for name, value in runpy.run_path(str(SETTINGS)).items():
            if name.startswith("EMAIL_") or name in {"ALERT_EMAIL", "PUBLIC_URL", "DEFAULT_FROM_EMAIL"}:
                setattr(settings, name, value)
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"

    return configure


def receivers(server: MailServer) -> list[str]:
    """Who has got a message, one after the other."""
    return [address for taken in server.taken for address in taken.recipients]


def told(later: int = 0) -> int:
    """Send what is due by then; how many messages were taken."""
    return notices.send(timezone.now() + timedelta(minutes=later))


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_an_alarm_reaches_the_mailboxes_encrypted_and_signed_in(
    security: str, context: ssl.SSLContext, configured: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = Reading({}, (process("Türmchen", disk_percent=95),))
    monkeypatch.setattr(readings, "reading", lambda: full)
    with mail_server(context, security=security, password=PASSWORD) as server:
        configured(server)
        for number in range(11):
            alerting.look(NOW + number * timedelta(seconds=30))
        assert told() == 1
    taken, other = server.taken
    assert {one.sender for one in server.taken} == {"nitro@example.com"}
    assert (taken.recipients, other.recipients) == (("alice@example.com",), ("bob@example.com",))
    assert (taken.user, taken.is_encrypted) == ("nitro", True)
    assert str(taken.message["Subject"]).strip() == "Nitro: The disk with the data of Türmchen is 95 % full."
    assert (taken.message["To"], other.message["To"]) == ("alice@example.com", "bob@example.com")
    assert taken.message["Date"]
    assert taken.message["Message-ID"]
    assert "nitro cleanup --dry-run" in taken.message.get_content()
    assert "https://nitro.example.com/performance/" in taken.message.get_content()
    row = Notice.objects.get()
    assert (row.problem, row.next_at) == ("", None)


def test_a_server_in_the_own_network_may_take_it_as_it_is(context: ssl.SSLContext, configured: Configure) -> None:
    with mail_server(context, security="none") as server:
        configured(server, EMAIL_HOST_USER="", EMAIL_HOST="127.0.0.1")
        notices.write(["It burns."], [], [])
        assert told() == 1
    assert [(one.user, one.is_encrypted) for one in server.taken] == [("", False)] * 2
    assert server.passwords == []


def test_a_wrong_password_is_told_and_the_message_waits_for_the_right_one(
    context: ssl.SSLContext, configured: Configure, tmp_path: Path
) -> None:
    with mail_server(context, password=PASSWORD) as server:
        configured(server, EMAIL_HOST_PASSWORD_FILE="", EMAIL_HOST_PASSWORD="guess")
        notices.write(["It burns."], [], [])
        assert told() == 0
        assert Notice.objects.get().problem == "The mail server did not take it: SMTPAuthenticationError"
        assert not server.taken
        configured(server, EMAIL_HOST_PASSWORD="", EMAIL_HOST_PASSWORD_FILE=str(tmp_path / "password"))
        assert told(later=5) == 1
        assert told(later=10) == 0
    assert receivers(server) == BOTH


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_server_whose_certificate_nobody_knows_hears_neither_password_nor_words(
    security: str, context: ssl.SSLContext, configured: Configure, tmp_path: Path
) -> None:
    with mail_server(context, security=security, password=PASSWORD) as server:
        configured(server, SSL_CERT_FILE=str(own_certificate(tmp_path / "other", []).certificate))
        notices.write(["It burns."], [], [])
        assert told() == 0
    assert "SSLCertVerificationError" in Notice.objects.get().problem
    assert (server.passwords, server.taken) == ([], [])


def test_a_server_that_cannot_encrypt_hears_neither_password_nor_words(
    context: ssl.SSLContext, configured: Configure
) -> None:
    with mail_server(context, security="none", password=PASSWORD) as server:
        configured(server, EMAIL_SECURITY="starttls")
        notices.write(["It burns."], [], [])
        assert told() == 0
    assert "SMTPNotSupportedError" in Notice.objects.get().problem
    assert (server.passwords, server.taken) == ([], [])


@pytest.mark.parametrize(
    ("word", "fault"),
    [
        ("MAIL", "451 later"),
        ("RCPT", "550 nobody of that name"),
        ("DATA", "451 the disk is full"),
        ("AUTH", "454 busy"),
    ],
)
def test_what_the_server_refuses_once_it_gets_once_more_and_takes_once(
    word: str, fault: str, context: ssl.SSLContext, configured: Configure
) -> None:
    with mail_server(context, password=PASSWORD) as server:
        configured(server)
        server.faults = {word: fault}
        notices.write(["It burns."], [], [])
        assert told() == 0
        assert receivers(server) == ([] if word == "AUTH" else ["bob@example.com"])
        assert (told(later=5), told(later=10)) == (1, 0)
    assert sorted(receivers(server)) == BOTH
    assert Notice.objects.get().told == [*receivers(server)]


def test_who_is_refused_is_named_in_the_log_and_beside_the_alarm(
    context: ssl.SSLContext, configured: Configure, caplog: pytest.LogCaptureFixture
) -> None:
    with mail_server(context, password=PASSWORD) as server:
        configured(server)
        server.faults = {"RCPT": "550 nobody\x1b[31m of that name"}
        notices.write(["It burns."], [], [])
        assert told() == 0
    row = Notice.objects.get()
    assert row.problem == "alice@example.com was refused: 550 nobody [31m of that name."
    assert (row.told, row.sent_at) == (["bob@example.com"], None)
    assert caplog.messages[-1] == f"Not everybody could be told of an alarm by email: {row.problem}"


def test_an_address_that_was_mended_gets_what_the_wrong_one_did_not(
    context: ssl.SSLContext, configured: Configure
) -> None:
    with mail_server(context, password=PASSWORD) as server:
        configured(server, ALERT_EMAIL="alice@,bob@example.com")
        notices.write(["It burns."], [], [])
        assert told() == 0
        assert Notice.objects.get().problem == 'alice@ cannot be written to: Invalid address "alice@".'
        configured(server)
        assert told(later=5) == 1
    assert receivers(server) == ["bob@example.com", "alice@example.com"]


def test_a_server_that_hangs_up_gets_it_again_for_all_who_are_left(
    context: ssl.SSLContext, configured: Configure
) -> None:
    with mail_server(context, password=PASSWORD) as server:
        configured(server, ALERT_EMAIL="alice@example.com,bob@example.com,carol@example.com")
        server.faults = {"RCPT": "421 closing"}
        notices.write(["It burns."], [], [])
        assert told() == 0
        assert "SMTPServerDisconnected" in Notice.objects.get().problem
        assert receivers(server) == []
        assert told(later=5) == 1
    assert receivers(server) == [*BOTH, "carol@example.com"]
