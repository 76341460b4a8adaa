"""The chat page as somebody sees it: what the tests do with it and read from it, and what must never happen on it."""

from __future__ import annotations

from urllib.parse import urlsplit

from playwright.async_api import BrowserContext, ConsoleMessage, Locator, Page, Request, expect

PATIENCE = 90_000  # milliseconds; a limit for giving up, not for passing
expect.set_options(timeout=PATIENCE)


class Watch:
    """Notes every error of a page: console, scripts, failed requests, requests to other hosts."""

    def __init__(self, base: str) -> None:
        self.host = urlsplit(base).netloc
        self.wrong: list[str] = []

    def page(self, page: Page) -> None:
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.wrong.append(f"script: {error}"))
        page.on("request", self._request)
        page.on("requestfailed", self._failed)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.wrong.append(f"console: {message.text}")

    def _request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in {"http", "https", "ws", "wss"} and parts.netloc != self.host:
            self.wrong.append(f"foreign host: {request.url}")

    def _failed(self, request: Request) -> None:
        # A page that is left gives up what it was loading.
        if request.failure != "net::ERR_ABORTED":
            self.wrong.append(f"failed: {request.url}: {request.failure}")

    def forgive(self, part: str) -> None:
        """Forget errors that belong to what the test did."""
        self.wrong = [line for line in self.wrong if part not in line]


class Screen:
    """One tab."""

    def __init__(self, page: Page, base: str) -> None:
        self.page = page
        self.base = base
        self.question = page.locator("#question")
        self.stop = page.locator("#stop")
        self.questions = page.locator(".message.question")
        self.answers = page.locator(".message.answer")
        self.chats = page.locator(".chat-item")
        self.queued = page.locator(".queued")

    @property
    def context(self) -> BrowserContext:
        return self.page.context

    @property
    def last(self) -> Locator:
        """The newest answer."""
        return self.answers.last

    @property
    def words(self) -> Locator:
        return self.last.locator(".prose")

    async def home(self) -> None:
        await self.page.goto(self.base + "/")

    async def begin(self, model: str) -> str:
        """Open a new chat that a model of the stand-in answers; returns its id."""
        cookies = {cookie["name"]: cookie["value"] for cookie in await self.context.cookies(self.base)}
        headers = {"X-CSRFToken": cookies["csrftoken"], "Origin": self.base}
        data = {"model": f"openai:{model}"}
        made = await self.context.request.post(f"{self.base}/api/conversations/", data=data, headers=headers)
        assert made.status == 201, await made.text()
        conversation = str((await made.json())["id"])
        await self.open(conversation)
        return conversation

    async def open(self, conversation: str) -> None:
        await self.page.goto(f"{self.base}/c/{conversation}/")

    async def ask(self, text: str) -> None:
        await self.question.fill(text)
        await self.question.press("Enter")

    async def said(self, state: str = "done") -> None:
        """Wait until the newest answer has its last word."""
        await expect(self.last).to_have_attribute("data-state", state)
        await expect(self.page.locator("[aria-busy]")).to_have_count(0)

    async def ended(self, state: str = "done") -> None:
        """Wait until the newest answer is complete and the server's rendering of it has arrived."""
        await self.said(state)
        await expect(self.last.locator(".meta-model")).to_have_count(1)

    async def wrote(self, token: int) -> None:
        """Wait until the newest answer has come to a numbered token of the stand-in."""
        await expect(self.words).to_contain_text(numbered(token))

    async def text(self) -> str:
        return (await self.words.inner_text()).strip()

    async def action(self, name: str, where: Locator | None = None) -> None:
        message = where or self.last
        await message.hover()
        await message.locator(f'[data-action="{name}"]').click()


def numbered(token: int) -> str:
    return f"t{token:05d}"


def tokens(first: int, last: int) -> str:
    """What the stand-in says from one token to another."""
    return " ".join(numbered(number) for number in range(first, last + 1))
