"""The interface for programs: shapes that others count on, and sentences for what cannot be taken."""

from __future__ import annotations

import base64
import threading
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from apps.accounts.models import User
from apps.images import studio
from apps.images.errors import EngineRefused
from apps.images.models import Image, ImageJob
from apps.images.orders import Limits
from tests import cast
from tests.images.engines import Scripted

pytestmark = pytest.mark.usefixtures("files", "engine")
SMALL = {"prompt": "a boat", "width": 64, "height": 64}
PATIENCE = 60


@pytest.fixture
def client(alice: User) -> Client:
    client = Client()
    client.defaults["HTTP_AUTHORIZATION"] = f"Bearer {cast.key_of(alice)}"
    return client


def post(client: Client, path: str, data: Any, **headers: str) -> Any:
    return client.post(path, data, content_type="application/json", headers=headers)


def ordered(client: Client, **more: Any) -> dict[str, Any]:
    response = post(client, "/api/images/", SMALL | more)
    assert response.status_code == 202, response.content
    found: dict[str, Any] = response.json()
    return found


@pytest.mark.django_db(transaction=True)
def test_a_job_has_the_shape_that_others_count_on(client: Client) -> None:
    job = ordered(client, n=2)
    assert (job["state"], job["progress"], job["position"], job["images"]) == ("queued", 0, 1, [])
    studio.work()
    done = client.get(f"/api/images/{job['id']}/").json()
    assert (done["state"], done["progress"]) == ("done", 1)
    assert "position" not in done
    assert "error" not in done
    assert [set(image) for image in done["images"]] == [{"id", "url", "thumbnail_url", "width", "height", "seed"}] * 2
    assert done["images"][1]["seed"] == done["images"][0]["seed"] + 1


@pytest.mark.django_db(transaction=True)
def test_the_picture_is_there_for_the_same_key(client: Client) -> None:
    job = ordered(client)
    studio.work()
    image = client.get(f"/api/images/{job['id']}/").json()["images"][0]
    response = client.get(image["url"])
    assert response.headers["Content-Type"] == "image/png"
    assert response.headers["Cache-Control"] == "private, max-age=31536000, immutable"
    again = client.get(image["url"], headers={"if-none-match": response.headers["ETag"]})
    assert again.status_code == 304
    assert client.get(image["thumbnail_url"]).headers["Content-Type"] == "image/webp"
    assert client.get(image["url"], headers={"range": "bytes=0-3"}).content == b"\x89PNG"


@pytest.mark.django_db(transaction=True)
def test_a_failed_job_says_why(client: Client, engine: Scripted) -> None:
    engine.error = EngineRefused("It does not want to.", hint="Ask nicely.")
    job = ordered(client)
    studio.work()
    failed = client.get(f"/api/images/{job['id']}/").json()
    assert failed["state"] == "failed"
    assert failed["error"] == {"code": "engine_refused", "message": "It does not want to.", "hint": "Ask nicely."}


@pytest.mark.django_db
def test_a_waiting_job_can_be_cancelled(client: Client) -> None:
    job = ordered(client)
    assert client.post(f"/api/images/{job['id']}/cancel/").json()["state"] == "cancelled"


@pytest.mark.django_db
def test_jobs_are_listed_newest_first_in_pages(client: Client) -> None:
    ids = [ordered(client)["id"] for _ in range(3)]
    first = client.get("/api/images/?limit=2").json()
    second = client.get(first["next"]).json()
    assert [job["id"] for job in first["results"] + second["results"]] == ids[::-1]


@pytest.mark.django_db
def test_the_same_order_sent_twice_with_a_key_is_one_job(client: Client) -> None:
    first = post(client, "/api/images/", SMALL, **{"Idempotency-Key": "one"}).json()
    second = post(client, "/api/images/", SMALL, **{"Idempotency-Key": "one"}).json()
    assert first["id"] == second["id"]
    assert ImageJob.objects.count() == 1


@pytest.mark.django_db
def test_without_a_size_the_engine_draws_its_own(client: Client, engine: Scripted) -> None:
    engine.limits = Limits(sizes=((1024, 512),))
    job = post(client, "/api/images/", {"prompt": "a boat"}).json()
    assert (job["width"], job["height"]) == (1024, 512)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "wrong",
    [
        {"prompt": ""},
        {"prompt": "   "},
        {"prompt": "x" * 10_000},
        {"prompt": "a\0b"},
        {"prompt": ["a"]},
        {"negative_prompt": "x" * 10_000},
        {"width": 65},
        {"width": 0},
        {"height": 4096},
        {"height": -64},
        {"width": "wide"},
        {"width": 1e400},
        {"steps": 0},
        {"steps": 1_000_000},
        {"guidance": 1000},
        {"seed": -1},
        {"seed": 2**40},
        {"n": 9},
        {"n": 0},
    ],
)
def test_what_cannot_be_drawn_is_refused_with_a_sentence(client: Client, wrong: dict[str, Any]) -> None:
    response = post(client, "/api/images/", SMALL | wrong)
    assert response.status_code == 400
    assert response.json()["message"]
    assert ImageJob.objects.count() == 0


@pytest.mark.django_db
def test_several_orders_are_taken_or_refused_one_by_one(client: Client) -> None:
    wanted = {"requests": [SMALL, SMALL | {"width": 3}, {"prompt": ""}, SMALL]}
    response = post(client, "/api/images/batch/", wanted)
    assert [item["status"] for item in response.json()["results"]] == [202, 400, 400, 202]
    assert response.json()["results"][1]["error"]["message"]
    assert ImageJob.objects.count() == 2


@pytest.mark.django_db
@pytest.mark.parametrize("wrong", [{}, {"requests": []}, {"requests": [1]}, {"requests": [SMALL] * 33}])
def test_a_batch_that_is_none_is_refused(client: Client, wrong: dict[str, Any]) -> None:
    assert post(client, "/api/images/batch/", wrong).status_code == 400


@pytest.mark.django_db
def test_who_orders_too_much_has_to_wait(client: Client, alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.images.services.MOST_WAITING", 2)
    ordered(client)
    ordered(client)
    response = post(client, "/api/images/", SMALL)
    assert (response.status_code, response.json()["code"]) == (503, "too_many_waiting")
    assert response.headers["Retry-After"]


# --- OpenAI's clients -------------------------------------------------------------------------------------------------


def generated(client: Client, **more: Any) -> Any:
    """Ask as OpenAI's clients do, with a worker beside."""
    stop = threading.Event()

    def work() -> None:
        try:
            while not stop.wait(0.05):
                studio.work()
        finally:
            connection.close()

    worker = threading.Thread(target=work)
    worker.start()
    try:
        return post(client, "/v1/images/generations", {"prompt": "a boat", "size": "64x64"} | more)
    finally:
        stop.set()
        worker.join(PATIENCE)


@pytest.mark.django_db(transaction=True)
def test_openais_clients_get_the_bytes(client: Client) -> None:
    response = generated(client, response_format="b64_json", n=2, model="dall-e-3", quality="hd")
    data = response.json()["data"]
    assert [set(item) for item in data] == [{"b64_json"}] * 2
    assert base64.b64decode(data[0]["b64_json"]).startswith(b"\x89PNG")


@pytest.mark.django_db(transaction=True)
def test_openais_clients_get_an_address(client: Client) -> None:
    found = generated(client, response_format="url").json()["data"][0]["url"]
    assert found.startswith("http://testserver/gallery/")
    assert client.get(found).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_openais_clients_hear_what_went_wrong_in_their_words(client: Client, engine: Scripted) -> None:
    engine.error = EngineRefused("It does not want to.")
    response = generated(client)
    assert response.status_code == 502
    assert "It does not want to." in response.json()["error"]["message"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "wrong", [{"size": "big"}, {"size": "65x64"}, {"n": 0}, {"prompt": ""}, {"response_format": "x"}]
)
def test_openais_clients_are_refused_in_their_words(client: Client, wrong: dict[str, Any]) -> None:
    response = post(client, "/v1/images/generations", {"prompt": "a boat", "size": "64x64"} | wrong)
    assert response.status_code == 400
    assert response.json()["error"]["type"] == "invalid_request_error"


@pytest.mark.django_db(transaction=True)
def test_bob_never_gets_a_file_of_alice(client: Client, bob: User) -> None:
    ordered(client)
    studio.work()
    image = Image.objects.get()
    his = Client()
    his.force_login(bob)
    for name in (image.file, image.thumbnail):
        assert client.get(f"/gallery/{name}").status_code == 200
        assert his.get(f"/gallery/{name}").status_code == 404
        assert Client().get(f"/gallery/{name}").status_code == 302


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["..%2fsecret_key", "x.png", "%00", "a" * 300, ".part-abc"])
def test_names_that_no_picture_has_are_not_found(client: Client, name: str) -> None:
    assert client.get(f"/gallery/{name}").status_code in {400, 404}
