"""`nitro backup` and `nitro restore` for real: on an empty machine everything is there again."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from nitro.holder import Holder

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
ROOT = Path(__file__).resolve().parents[2]
FILL = """
from django.test import Client
from apps.accounts.models import User
from django_celery_beat.models import CrontabSchedule, PeriodicTask
from apps.accounts.services import api_key_create
from apps.chat import conversation_services
from apps.chat import services
from apps.chat.models import Message
from apps.images.models import Image, ImageJob
from apps.voice.models import Recording
user = User.objects.create_user("alice", password="a long password")
chat = conversation_services.conversation_create(user=user, title="Holiday plans")
Message.objects.create(conversation=chat, role="user", text="Where to?")
size = {"width": 64, "height": 64}
job = ImageJob.objects.create(owner=user, prompt="a boat", steps=1, guidance=1, seed=1, engine="painter", **size)
Image.objects.create(owner=user, job=job, file="ab.webp", thumbnail="ab.small.webp", size=9, digest="0", seed=1, **size)
Recording.objects.create(user=user, name="talk", file="voice/1/talk.wav")
PeriodicTask.objects.filter(name="clean-up").delete()
midnight = CrontabSchedule.objects.create(hour="0", minute="7")
PeriodicTask.objects.create(name="clean-up", task="apps.monitor.tasks.clean_up", crontab=midnight)
print(api_key_create(user=user, name="program").secret, end=" ")
client = Client(); client.force_login(user)
print(client.session.session_key)
"""
LOOK = """
import json
from django.test import Client
from django.conf import settings
from apps.accounts.models import User
from apps.chat.models import Conversation, Message
from apps.images.models import Image
from apps.voice.models import Recording
from django_celery_beat.models import PeriodicTask
client = Client(headers={"host": "localhost"}); client.cookies[settings.SESSION_COOKIE_NAME] = "THE-KEY"
program = Client(headers={"host": "localhost", "authorization": "Bearer THE-SECRET"})
print(json.dumps({
    "messages": list(Message.objects.values_list("text", flat=True)),
    "pictures": list(Image.objects.values_list("job__prompt", "file")),
    "recordings": list(Recording.objects.values_list("name", flat=True)),
    "schedule": [PeriodicTask.objects.get(name="clean-up").crontab.minute],
    "program": program.get("/api/conversations/").status_code,
    "titles": list(Conversation.objects.values_list("title", flat=True)),
    "password": User.objects.get(username="alice").check_password("a long password"),
    "signed_in": client.get("/c/list/").status_code,
}))
"""


class Machine:
    """A data folder, and commands that run in it."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def run(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        hidden = {"DATABASE_URL", "REDIS_URL"}
        env = {name: value for name, value in os.environ.items() if name not in hidden}
        return subprocess.run(
            [sys.executable, "-m", "nitro", *words],
            cwd=ROOT,
            env=env | {"NITRO_HOME": str(self.home)} | environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def shell(self, script: str) -> str:
        """Run Python in this installation, with its database running; returns the last line of what it prints."""
        code = """
import sys, subprocess
from nitro import settings
from nitro.backup import database
with database.running(settings):
    subprocess.run([sys.executable, "-m", "nitro", "migrate", "--verbosity=0"], check=True)
    done = subprocess.run([sys.executable, "-m", "nitro", "shell", "--no-imports", "-c", sys.argv[1]],
                          capture_output=True, text=True)
    sys.stdout.write(done.stdout); sys.stderr.write(done.stderr); sys.exit(done.returncode)
"""
        env = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL"}}
        done = subprocess.run(
            [sys.executable, "-c", code, script],
            cwd=ROOT,
            env=env | {"NITRO_HOME": str(self.home)},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.rstrip("\n").splitlines()[-1]


@pytest.fixture
def machines() -> Iterator[tuple[Machine, Machine]]:
    """One that is used, with a file and settings, and an empty one."""
    folder = Path(tempfile.mkdtemp(prefix="nitro-backup-"))
    folder.chmod(0o755)
    yield Machine(folder / "old"), Machine(folder / "new")
    shutil.rmtree(folder, ignore_errors=True)


def fill(machine: Machine) -> str:
    """Somebody's things; returns the secret of her key and that of her open session."""
    session = machine.shell(FILL)
    (machine.home / "files/ab").mkdir(parents=True)
    (machine.home / "files/ab/picture.webp").write_bytes(b"a picture")
    (machine.home / "files/voice").mkdir()
    (machine.home / "files/voice/talk.wav").write_bytes(b"a talk")
    (machine.home / ".env").write_text("TOP_K=33\nOPENAI_API_KEY=sk-canary\n", encoding="utf-8")
    return session


def test_an_empty_machine_has_the_same_chats_files_and_sign_ins_afterwards(machines: tuple[Machine, Machine]) -> None:
    old, new = machines
    session = fill(old)
    target = old.home.parent / "saved.nitro"
    phrase = {"NITRO_BACKUP_PASSPHRASE": "open sesame"}
    saved = old.run("backup", str(target), **phrase)
    assert saved.returncode == 0, saved.stderr
    assert b"canary" not in target.read_bytes()
    restored = new.run("restore", str(target), **phrase)
    assert restored.returncode == 0, restored.stderr
    secret, session = session.split()
    found = json.loads(new.shell(LOOK.replace("THE-KEY", session).replace("THE-SECRET", secret)))
    assert found == {
        "messages": ["Where to?"],
        "pictures": [["a boat", "ab.webp"]],
        "recordings": ["talk"],
        "schedule": ["7"],
        "program": 200,
        "titles": ["Holiday plans"],
        "password": True,
        "signed_in": 200,
    }
    assert (new.home / "files/voice/talk.wav").read_bytes() == b"a talk"
    assert (new.home / "files/ab/picture.webp").read_bytes() == b"a picture"
    assert "TOP_K='33'" in (new.home / ".env").read_text(encoding="utf-8")
    assert "sk-canary" in (new.home / ".env").read_text(encoding="utf-8")


def test_what_is_there_is_kept_unless_somebody_says_so_and_saved_even_then(machines: tuple[Machine, Machine]) -> None:
    old, new = machines
    fill(old)
    target = old.home.parent / "saved.nitro"
    assert old.run("backup", str(target)).returncode == 0
    assert new.run("restore", str(target)).returncode == 0
    refused = new.run("restore", str(target))
    assert refused.returncode == 1
    assert "--replace" in refused.stderr
    replaced = new.run("restore", str(target), "--replace")
    assert replaced.returncode == 0, replaced.stderr
    assert len(list((new.home / "backups").glob("before-restore-*.nitro"))) == 1
    assert (new.home / ".env.restored").exists()


def test_a_damaged_backup_and_a_running_nitro_are_refused_before_anything_changes(
    machines: tuple[Machine, Machine],
) -> None:
    old, new = machines
    old.home.mkdir(mode=0o755)
    broken = old.home.parent / "broken.nitro"
    broken.write_bytes(b"nothing of the kind")
    refused = new.run("restore", str(broken))
    assert (refused.returncode, "no backup of Nitro" in refused.stderr) == (1, True)
    assert not (new.home / "postgres").exists()
    holder = Holder(old.home)
    try:
        refused = old.run("restore", str(broken))
    finally:
        holder.release()
    assert (refused.returncode, "already runs" in refused.stderr) == (1, True)


def test_a_backup_is_made_before_the_database_changes(machines: tuple[Machine, Machine]) -> None:
    old, _ = machines
    fill(old)
    old.shell(
        "from django.core.management import call_command as c; c('migrate', 'chat', 'zero', verbosity=0); print(1)"
    )
    code = """
from nitro import settings
from nitro.backup import database
from nitro.prepare import migrate
import django
with database.running(settings):
    django.setup()
    migrate()
"""
    env = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL"}}
    env |= {"NITRO_HOME": str(old.home), "DJANGO_SETTINGS_MODULE": "nitro.settings"}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(list((old.home / "backups").glob("before-migration-*.nitro"))) == 1
