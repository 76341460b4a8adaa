"""`nitro up --tls` for real: the page over https, and a sign-in that no plain connection would carry."""

from __future__ import annotations

import json
import re
import shutil
import ssl
import subprocess
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
    with Up(home, "--tls") as running:
        assert running.says("Nitro is ready"), "".join(running.lines)
        yield running
        running.end()
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


@pytest.mark.parametrize(("option", "version"), [("--http2", "2"), ("--http1.1", "1.1")])
def test_curl_trusts_the_certificate_and_speaks_both_versions(up: Up, option: str, version: str) -> None:
    curl = shutil.which("curl")
    able = curl and subprocess.run([curl, "-V"], capture_output=True, text=True, check=True).stdout
    if not able or "HTTP2" not in able:
        pytest.skip("No curl that speaks HTTP/2: both versions were tried with httpx alone.")
    words = ["-sS", option, "--cacert", f"{up.home}/tls/certificate.pem", "-o", "/dev/null", "-w", "%{http_version}"]
    for path in ("healthz", "accounts/sign-in/"):
        done = subprocess.run(
            [str(curl), *words, f"https://localhost:{up.port}/{path}"], capture_output=True, text=True, check=True
        )
        assert done.stdout == version


@pytest.mark.parametrize("http2", [True, False])
def test_an_answer_streams_word_by_word(up: Up, http2: bool) -> None:
    key = nitro(["apikey", "create", "--user", "owner", "--name", "tls"], environment(up.home)).stdout.split()[-1]
    context = ssl.create_default_context(cafile=str(up.home / "tls/certificate.pem"))
    asked = {"model": "auto", "stream": True, "messages": [{"role": "user", "content": f"Count to {9 + http2}."}]}
    client = httpx.Client(verify=context, http2=http2, timeout=60, headers={"Authorization": f"Bearer {key}"})
    address = f"https://localhost:{up.port}/v1/chat/completions"
    with client, client.stream("POST", address, json=asked) as answer:
        pieces = list(answer.iter_raw())
    assert answer.http_version == ("HTTP/2" if http2 else "HTTP/1.1")
    assert len(pieces) > 2
    assert b"".join(pieces).endswith(b"data: [DONE]\n\n")


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
