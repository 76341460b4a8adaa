"""A small mail server in a thread: takes messages as a real one does, with STARTTLS or TLS, and asks for a password."""

from __future__ import annotations

import asyncio
import base64
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser


@dataclass(frozen=True)
class Taken:
    """One message with its envelope, who had signed in, and whether the line was encrypted."""

    sender: str
    recipients: tuple[str, ...]
    message: EmailMessage
    user: str
    is_encrypted: bool


@dataclass
class Visit:
    """One connection so far."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    is_encrypted: bool
    user: str = ""
    sender: str = ""
    recipients: list[str] = field(default_factory=list)

    async def say(self, *lines: str) -> None:
        self.writer.write("".join(f"{line}\r\n" for line in lines).encode())
        await self.writer.drain()


class MailServer:
    """`context`: its certificate. `security` is `starttls`, `tls` or `none`; `password` the one that it wants, if any.

    `faults` are answers that it gives instead of a good one, each once: {"RCPT": "550 nobody of that name"}.
    """

    def __init__(self, context: ssl.SSLContext, *, security: str = "starttls", password: str = "") -> None:
        self.context, self.security, self.password = context, security, password
        self.port = 0
        self.taken: list[Taken] = []
        self.passwords: list[str] = []  # whatever somebody has said
        self.faults: dict[str, str] = {}

    async def serve(self, ready: threading.Event) -> None:
        self.loop, self.ending = asyncio.get_running_loop(), asyncio.Event()
        encrypted = self.context if self.security == "tls" else None
        server = await asyncio.start_server(self.visited, "127.0.0.1", 0, ssl=encrypted)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        async with server:
            await self.ending.wait()

    async def visited(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visit = Visit(reader, writer, is_encrypted=self.security == "tls")
        try:
            with suppress(OSError, asyncio.IncompleteReadError):
                await visit.say("220 mail.example.com ESMTP")
                while line := (await reader.readline()).decode().strip():
                    if not await self.answer(visit, line):
                        break
        finally:
            writer.close()

    async def answer(self, visit: Visit, line: str) -> bool:
        """Obey one line; False where it was the last one."""
        word = line.split(" ")[0].upper()
        obey = {"EHLO": self.greet, "STARTTLS": self.encrypt, "AUTH": self.sign_in, "MAIL": self.envelope,
                "RCPT": self.envelope, "DATA": self.take}.get(word)  # fmt: skip
        if word != "DATA" and (fault := self.faults.pop(word, "")):
            await visit.say(fault)
        elif obey is not None:
            await obey(visit, line)
        else:
            await visit.say("221 bye" if word == "QUIT" else "250 ok" if word == "RSET" else "502 not known here")
        return word != "QUIT"

    async def greet(self, visit: Visit, line: str) -> None:
        """Say what it can do; a password is asked for where nobody overhears it."""
        offers = ["mail.example.com", "8BITMIME"]
        if self.security == "starttls" and not visit.is_encrypted:
            offers.append("STARTTLS")
        elif self.password:
            offers.append("AUTH PLAIN")
        await visit.say(*(f"250-{offer}" for offer in offers[:-1]), f"250 {offers[-1]}")

    async def encrypt(self, visit: Visit, line: str) -> None:
        if self.security != "starttls":
            await visit.say("502 not known here")
            return
        await visit.say("220 go on")
        await visit.writer.start_tls(self.context)
        visit.is_encrypted = True

    async def sign_in(self, visit: Visit, line: str) -> None:
        _, user, password = base64.b64decode(line.split(" ")[2]).decode().split("\0")
        self.passwords.append(password)
        visit.user = user if password == self.password else ""
        await visit.say("235 welcome" if visit.user else "535 wrong name or password")

    async def envelope(self, visit: Visit, line: str) -> None:
        """From whom, and to whom."""
        if self.password and not visit.user:
            await visit.say("530 sign in first")
            return
        address = line[line.index("<") + 1 : line.index(">")]
        if line.upper().startswith("MAIL"):
            visit.sender, visit.recipients = address, []
        else:
            visit.recipients.append(address)
        await visit.say("250 ok")

    async def take(self, visit: Visit, line: str) -> None:
        """Read a message to its end, and keep it unless there is a fault."""
        fault = self.faults.pop("DATA", "")
        await visit.say("354 go on")
        content = await visit.reader.readuntil(b"\r\n.\r\n")
        if not fault:
            parsed = BytesParser(policy=policy.default).parsebytes(content[:-3].replace(b"\r\n..", b"\r\n."))
            recipients = tuple(visit.recipients)
            self.taken.append(Taken(visit.sender, recipients, parsed, visit.user, visit.is_encrypted))
        await visit.say(fault or "250 taken")


@contextmanager
def mail_server(context: ssl.SSLContext, *, security: str = "starttls", password: str = "") -> Iterator[MailServer]:
    """The server until the test is over."""
    made, ready = MailServer(context, security=security, password=password), threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(made.serve(ready)))
    thread.start()
    assert ready.wait(10)
    try:
        yield made
    finally:
        made.loop.call_soon_threadsafe(made.ending.set)
        thread.join(10)
