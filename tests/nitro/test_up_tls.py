"""`nitro up --tls` for real: the page over https, and a sign-in that no plain connection would carry."""

from __future__ import annotations

import json
import re
import shutil
import ssl
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.nitro.test_up import Up, environment, nitro

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def up() -> Iterator[Up]:
    home = Path(tempfile.mkdtemp(prefix="nitro-tls-"))
    home.chmod(0o755)
    running = Up(home, "--tls")
    assert running.says("Nitro is ready"), "".join(running.lines)
    yield running
    running.end()
    running.close()
    shutil.rmtree(home, ignore_errors=True)


def test_the_link_signs_in_over_http_2_with_a_cookie_for_https_alone(up: Up) -> None:
    context = ssl.create_default_context(cafile=str(up.home / "tls/certificate.pem"))
    found = re.search(r"https://\S+/accounts/link/\S+", "".join(up.lines))
    assert found
    with httpx.Client(verify=context, http2=True, timeout=30) as browser:
        answer = browser.get(found[0])
        assert answer.status_code == 302
        assert "Secure" in answer.headers["set-cookie"]
        page = browser.get(f"https://127.0.0.1:{up.port}/")
    assert (page.status_code, page.http_version) == (200, "HTTP/2")


def test_the_fingerprint_is_printed(up: Up) -> None:
    assert re.search(r"SHA-256 fingerprint ([0-9A-F]{2}:){31}[0-9A-F]{2}\n", "".join(up.lines))


def test_the_doctor_looks_through_its_own_certificate(up: Up) -> None:
    done = nitro(["doctor", "--json", "--url", f"https://127.0.0.1:{up.port}"], environment(up.home))
    found = {one["check"]: one for one in json.loads(done.stdout)}
    assert done.returncode == 0, done.stdout
    assert (found["public"]["ok"], found["stream"]["ok"], found["sockets"]["ok"]) == (True, True, True)
    assert (found["tls"]["ok"], found["tls"]["needed"]) == (False, False)
    assert "A browser asks about it once" in found["tls"]["hint"]
    assert "cookies" not in found
    plain = nitro(["doctor"], environment(up.home))
    assert (plain.returncode, "https works, with a certificate for another" in plain.stdout) == (0, True)


def test_a_certificate_without_its_key_stops_the_start_with_a_sentence(tmp_path: Path) -> None:
    refused = nitro(["up", "--tls"], environment(tmp_path) | {"TLS_CERTIFICATE": "/nowhere.pem"})
    assert (refused.returncode, "TLS_KEY" in refused.stderr) == (1, True)
    refused = nitro(["up", "--tls"], environment(tmp_path) | {"TLS_CERTIFICATE": "/no.pem", "TLS_KEY": "/no.key"})
    assert (refused.returncode, "two readable files in PEM" in refused.stderr) == (1, True)
