"""A server that speaks OpenAI's audio wire over a real socket, well or badly."""

from __future__ import annotations

import json
import threading
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from apps.voice.audio import Pcm, wav

SOUND = wav(Pcm(bytes(24_000), 24_000))
VERBOSE = {
    "task": "transcribe",
    "language": "english",
    "text": "Hello there.",
    "segments": [{"id": 0, "start": 0.25, "end": 1.0, "text": " Hello there."}],
    "words": [{"word": "Hello", "start": 0.25, "end": 0.6}, {"word": "there.", "start": 0.6, "end": 1.0}],
}


class SpeechServer:
    """Answers with `status` and `body`, where a test sets them; notes what it was asked in `asked`."""

    def __init__(self) -> None:
        self.status = 200
        self.body: bytes | None = None
        self.headers: dict[str, str] = {}
        self.asked: list[dict[str, Any]] = []
        server = self

        class Answers(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                content = self.rfile.read(int(self.headers["Content-Length"]))
                server.note(self.path, self.headers, content)
                body = server.body if server.body is not None else server.usual(self.path)
                self.send_response(server.status)
                for name, value in server.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *rest: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.05,), daemon=True)

    def usual(self, path: str) -> bytes:
        return SOUND if path.endswith("/speech") else json.dumps(VERBOSE).encode()

    def note(self, path: str, headers: Any, content: bytes) -> None:
        asked: dict[str, Any] = {"path": path, "key": headers.get("Authorization")}
        if headers["Content-Type"].startswith("multipart/"):
            whole = f"Content-Type: {headers['Content-Type']}\r\n\r\n".encode() + content
            for part in BytesParser(policy=HTTP).parsebytes(whole).iter_parts():
                asked[str(part.get_param("name", header="content-disposition"))] = part.get_payload(decode=True)
        else:
            asked |= json.loads(content)
        self.asked.append(asked)

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()
