"""The files for containers, clusters and services: well-formed, and naming only what exists."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from compose_spec import PyCompose

import apps.accounts.watch
import apps.chat.meters
import apps.core.database
import apps.core.middleware  # noqa: F401 (these count)
from apps.core.metrics import known
from apps.monitor import prometheus, report
from apps.monitor.readings import Reading, Stores
from nitro.__main__ import LEAN
from nitro.worker import parse as worker_words
from tests.core.test_settings import names_read

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = ("docker-compose.yml", "docker-compose.gpu.yml")
UNITS = sorted((ROOT / "deploy/systemd").glob("*.service"))
CLUSTER = ROOT / "deploy/kubernetes/nitro.yaml"
FOREIGN = {"POSTGRES_USER", "POSTGRES_DB", "POSTGRES_PASSWORD", "OLLAMA_MODELS", "SITE_ADDRESS"}
PROCESS = dict.fromkeys(
    ("cpu_percent", "memory_percent", "disk_percent", "memory_bytes", "process_cpu_percent", "started"), 1.0
)


def compose(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))
    return found


def cluster() -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(CLUSTER.read_text(encoding="utf-8")))


def containers() -> list[dict[str, Any]]:
    pods = [one["spec"]["template"]["spec"] for one in cluster() if one["kind"] == "Deployment"]
    return [one for pod in pods for one in [*pod["containers"], *pod.get("initContainers", [])]]


@pytest.mark.parametrize("name", COMPOSE)
def test_compose_files_follow_the_specification(name: str) -> None:
    content = compose(name)
    plain = {key: value for key, value in content.items() if not key.startswith("x-")}
    PyCompose.from_yaml(yaml.safe_dump(plain)).validate()


def test_every_setting_of_the_compose_file_exists() -> None:
    services = compose("docker-compose.yml")["services"].values()
    named = {name for service in services for name in service.get("environment", {})}
    assert named - names_read() - FOREIGN == set()


def test_every_part_has_a_role_of_its_own_and_starts_after_what_it_needs() -> None:
    services = compose("docker-compose.yml")["services"]
    roles = {name: service["command"].split() for name, service in services.items() if "build" in service}
    assert set(roles) == {"prepare", "web", "worker", "image-worker", "beat"}
    assert {words[1] for words in roles.values()} <= set(LEAN)
    assert all(service["depends_on"] for name, service in services.items() if name in roles)
    for words in (roles["worker"], roles["image-worker"]):
        assert worker_words(words[2:]).no_beat


@pytest.mark.parametrize("name", ["web", "worker", "image-worker"])
def test_no_part_takes_more_than_the_guide_allows_or_reserves_more_than_a_laptop_has(name: str) -> None:
    resources = compose("docker-compose.yml")["services"][name]["deploy"]["resources"]
    assert resources["limits"] == {"cpus": "2", "memory": "4G"}
    assert resources["reservations"] == {"cpus": "0.25", "memory": "512M"}


def test_all_queues_are_worked_off() -> None:
    services = compose("docker-compose.yml")["services"]
    words = [services[name]["command"].split()[2:] for name in ("worker", "image-worker")]
    queues = {queue for one in words for queue in worker_words(one).queues}
    assert queues == set(worker_words([]).queues)


def test_a_gpu_is_given_to_services_that_exist() -> None:
    assert set(compose(COMPOSE[1])["services"]) <= set(compose(COMPOSE[0])["services"])


def test_the_container_file_has_no_fault() -> None:
    linter = Path(sys.executable).parent / "hadolint"
    done = subprocess.run([str(linter), "Dockerfile"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_container_runs_as_an_ordinary_user_and_is_asked_after_its_health() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert re.search(r"^USER 10001$", text, re.MULTILINE)
    assert "HEALTHCHECK" in text


@pytest.mark.parametrize("resource", cluster(), ids=lambda one: f"{one['kind']} {one['metadata']['name']}")
def test_cluster_resources_follow_their_schemas(resource: dict[str, Any]) -> None:
    kubernetes_validate.validate(resource, "1.30", strict=True)


def test_every_setting_and_command_of_the_cluster_exists() -> None:
    given = next(one["data"] for one in cluster() if one["kind"] == "ConfigMap")
    own = {entry["name"] for one in containers() for entry in one.get("env", [])}
    assert (set(given) | own) - names_read() == set()
    assert {one["args"][1] for one in containers()} <= set(LEAN)


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_units_start_a_command_that_exists_with_settings_that_exist(unit: Path) -> None:
    text = unit.read_text(encoding="utf-8")
    found = re.search(r"^ExecStart=\S+/nitro (\S+)", text, re.MULTILINE)
    assert found
    assert found[1] in LEAN
    assert set(re.findall(r"([A-Z0-9_]+)=", " ".join(re.findall(r"^Environment=(.*)$", text, re.M)))) <= names_read()


def test_parts_that_systemd_starts_wait_until_their_machine_is_prepared() -> None:
    parts = [unit for unit in UNITS if unit.stem not in {"nitro", "nitro-prepare"}]
    assert len(parts) == 3
    for unit in parts:
        text = unit.read_text(encoding="utf-8")
        for word in ("After", "Wants"):
            assert re.search(rf"^{word}=.*\bnitro-prepare\.service", text, re.MULTILINE)


@pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="THE UNITS ARE NOT VERIFIED: no systemd-analyze here"
)
@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_units_are_understood_by_systemd(unit: Path, tmp_path: Path) -> None:
    text = re.sub(r"^ExecStart=\S+", f"ExecStart={sys.executable}", unit.read_text(encoding="utf-8"), flags=re.M)
    copy = tmp_path / unit.name.replace("@", "@8001")
    copy.write_text(text, encoding="utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(copy)], capture_output=True, text=True, check=False
    )
    about_it = [line for line in done.stderr.splitlines() if copy.name in line]
    assert not about_it


def queries() -> list[str]:
    rules = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text(encoding="utf-8"))
    board = json.loads((ROOT / "deploy/prometheus/dashboard.json").read_text(encoding="utf-8"))
    alerts = [rule["expr"] for group in rules["groups"] for rule in group["rules"]]
    return alerts + [target["expr"] for panel in board["panels"] for target in panel["targets"]]


LABEL = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)\s*\"|\bby\s*\(([\w\s,]+)\)")


@pytest.mark.parametrize("query", queries())
def test_every_label_that_a_query_asks_for_is_there(query: str) -> None:
    """A label that no series has makes a query empty for ever, and an alarm silent."""
    asked = {name.strip() for one, many in LABEL.findall(query) for name in (one or many).split(",")} - {"le", "job"}
    metrics_named = [known()[name] for name in re.findall(r"nitro_\w+?(?=_bucket|\b)", query) if name in known()]
    there = {label for metric in metrics_named for label in metric.labels} | {"queue"}
    assert asked <= there


def measured() -> set[str]:
    """The names of everything that `/metrics` tells of one process with a worker that has been heard of."""
    process = {"host": "h", "slot": "s", "role": "web", "gauges": {}, **PROCESS}
    seen = Reading({}, (process,), stores=Stores(queued={"celery": 1}, worker_heard_at=1.0))
    text = prometheus.render(seen, report.facts(seen, messages=1), {"images_queued": 1})
    return set(re.findall(r"^# TYPE (\w+)", text, re.MULTILINE))


@pytest.mark.parametrize("query", queries())
def test_every_figure_of_alerts_and_dashboard_is_measured(query: str) -> None:
    known = measured()
    named = {re.sub(r"_bucket$", "", name) for name in re.findall(r"nitro_\w+", query)}
    assert named <= known
