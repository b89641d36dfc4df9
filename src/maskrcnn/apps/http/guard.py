"""Who may ask a server on somebody's own machine: the page that was opened with its token, and nobody else.

Any web page that a browser shows may send requests to 127.0.0.1, and a name that its owner points there (DNS rebinding)
makes them look like the server's own. So every request is asked for the host that it was sent to, the page that it
comes from, and a token that only the address which was printed has.
"""

from __future__ import annotations

import contextlib
import hmac
import json
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

SESSION = "/api/session"
LARGEST = 64 * 2**20  # bytes of a request
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob:",
        "connect-src 'self'",
        "font-src 'self'",
        "worker-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}
LOCAL = ("127.0.0.1", "localhost", "[::1]")


@dataclass(frozen=True)
class Admission:
    """Who is let in.

    Attributes:
        token: that a request must show, as a cookie or as ``Authorization: Bearer``.
        port: the server's own.
        hosts: names under which it may be asked for, without port.
        open_paths: answered without the token: what the page is made of, and nothing of a user.
        largest: bytes that a request may have.
    """

    token: str
    port: int
    hosts: tuple[str, ...] = LOCAL
    open_paths: Callable[[str], bool] = field(default=lambda path: not path.startswith("/api/"))
    largest: int = LARGEST

    @property
    def cookie(self) -> str:
        """The name of the cookie; cookies do not know ports, so it says the server's."""
        return f"maskrcnn-{self.port}"

    def knows_host(self, host: str) -> bool:
        """Whether a request was sent to this server by one of its names."""
        name, colon, port = host.rpartition(":")
        if not colon or name.endswith(":") or port.endswith("]"):
            name, port = host, "80"
        return name.lower() in self.hosts and port == str(self.port)

    def knows_origin(self, origin: str) -> bool:
        """Whether a page of this server sent it."""
        scheme, _, host = origin.partition("://")
        return scheme == "http" and self.knows_host(host)

    def is_token(self, given: str) -> bool:
        """Whether ``given`` is the token; takes equally long whatever it is."""
        return hmac.compare_digest(given.encode("utf-8", "replace"), self.token.encode())

    def shows_token(self, headers: dict[str, str]) -> bool:
        """Whether a request shows the token."""
        kind, _, given = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and self.is_token(given.strip()):
            return True
        try:
            cookies = SimpleCookie(headers.get("cookie", ""))
        except CookieError:
            return False
        own = cookies.get(self.cookie)
        return own is not None and self.is_token(own.value)


class Guard:
    """Stands before an application and lets through what :class:`Admission` allows.

    Args:
        app: an ASGI application.
        admission: who is let in.
    """

    def __init__(self, app: App, admission: Admission) -> None:
        self._app, self._admission = app, admission

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or hand it on."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        headers = {key.decode("latin-1").lower(): value.decode("latin-1") for key, value in scope["headers"]}
        refusal = self._refusal(scope, headers)
        if refusal is not None:
            await _answer(send, *refusal)
            return
        if scope["path"] == SESSION and scope["method"] == "POST":
            await self._begin(receive, send)
            return
        counted = _Counted(receive, self._admission.largest)
        outgoing = _with_headers(send, scope["path"])

        async def unless_too_large(message: Message) -> None:
            if not counted.is_too_large:
                await outgoing(message)

        with contextlib.suppress(_TooLargeError):  # an application may also make an answer of its own of it
            await self._app(scope, counted, unless_too_large)
        if counted.is_too_large:
            await _answer(send, 413, self._too_large())

    def _refusal(self, scope: Scope, headers: dict[str, str]) -> tuple[int, str] | None:
        """Status and sentence for what is not let in."""
        own = self._admission
        if not own.knows_host(headers.get("host", "")):
            return 400, "This server is asked for by its own address only: open the one that was printed."
        if "origin" in headers and not own.knows_origin(headers["origin"]):
            return 403, "Another page may not ask this server."
        if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return 403, "Another page may not ask this server."
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > own.largest:
            return 413, self._too_large()
        if scope["path"] != SESSION and not own.open_paths(scope["path"]) and not own.shows_token(headers):
            return 401, "The token is missing: open the address that was printed, with what stands behind #."
        return None

    def _too_large(self) -> str:
        return f"A request may have {self._admission.largest} bytes at the most."

    async def _begin(self, receive: Receive, send: Send) -> None:
        """Exchange the token of the address for the cookie."""
        body = b""
        more = True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), bool(message.get("more_body"))
            if len(body) > 4096:
                await _answer(send, 413, self._too_large())
                return
        try:
            given = json.loads(body)["token"]
        except (ValueError, KeyError, TypeError):
            given = ""
        if not isinstance(given, str) or not self._admission.is_token(given):
            await _answer(send, 401, "This is not the token: open the address that was printed.")
            return
        cookie = f"{self._admission.cookie}={self._admission.token}; HttpOnly; SameSite=Strict; Path=/"
        await _answer(send, 200, "", (("set-cookie", cookie),))


class _Counted:
    """As ``receive``, for requests that do not say how long they are."""

    def __init__(self, receive: Receive, largest: int) -> None:
        self._receive, self._left, self.is_too_large = receive, largest, False

    async def __call__(self) -> Message:
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            self.is_too_large = True
            raise _TooLargeError
        return message


class _TooLargeError(Exception):
    """More came than is allowed."""


def _with_headers(send: Send, path: str) -> Send:
    kept = {**HEADERS, **({"cache-control": "no-store"} if path.startswith("/api/") else {})}

    async def wrapped(message: Message) -> None:
        if message["type"] == "http.response.start":
            given = {key.lower() for key, _ in message.get("headers", [])}
            added = [(k.encode(), v.encode()) for k, v in kept.items() if k.encode() not in given]
            message = {**message, "headers": [*message.get("headers", []), *added]}
        await send(message)

    return wrapped


async def _answer(send: Send, status: int, sentence: str, headers: tuple[tuple[str, str], ...] = ()) -> None:
    body = json.dumps({"detail": sentence} if sentence else {}).encode()
    own = {**HEADERS, "content-type": "application/json", "content-length": str(len(body)), "cache-control": "no-store"}
    listed = [(key.encode(), value.encode()) for key, value in (*own.items(), *headers)]
    await send({"type": "http.response.start", "status": status, "headers": listed})
    await send({"type": "http.response.body", "body": body})
