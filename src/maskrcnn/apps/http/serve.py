"""Listening: a port of this machine, a token, and the address that a user opens."""

from __future__ import annotations

import contextlib
import secrets
import socket
import threading
import webbrowser
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from maskrcnn.apps.http.guard import LOCAL, Admission, Guard
from maskrcnn.errors import UsageError

TOKEN_BYTES = 24
LINGER = 3  # seconds that requests under way may take at the end
EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - what a user may ask for


@dataclass(frozen=True)
class Place:
    """Where a server listens.

    Attributes:
        socket: bound to its port already.
        admission: who is let in.
        address: of the page, with the token behind ``#``, which browsers do not send.
    """

    socket: socket.socket
    admission: Admission
    address: str


def listen(host: str, port: int) -> Place:
    """Take a port.

    Args:
        host: address of this machine, ``127.0.0.1`` for nobody else.
        port: 0 for one that is free.

    Returns:
        The place; nothing is served yet.

    Raises:
        UsageError: the port is taken, or the host is none of this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    taken = socket.socket(family, socket.SOCK_STREAM)
    try:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind((host, port))
    except OSError as error:
        taken.close()
        advice = f"leave --port {port} away, or name another" if port else "name another with --host"
        raise UsageError(f"Nothing can be served at {host}:{port} ({error.strerror}): {advice}.") from None
    own = int(taken.getsockname()[1])
    shown = f"[{host}]" if ":" in host else host
    names = dict.fromkeys([*LOCAL, shown.lower()])
    if host in EVERYWHERE:
        names |= dict.fromkeys([socket.gethostname().lower(), *_own_addresses()])
        shown = LOCAL[0]
    token = secrets.token_urlsafe(TOKEN_BYTES)
    return Place(taken, Admission(token, own, tuple(names)), f"http://{shown}:{own}/#token={token}")


def serve(app: Any, place: Place, browse: bool, ready: Callable[[], None] = lambda: None) -> None:
    """Serve an application behind the guard until it is interrupted.

    Args:
        app: an ASGI application.
        place: where.
        browse: open the page in the user's browser.
        ready: is called when it answers.
    """
    import uvicorn

    guarded = Guard(app, place.admission)
    config = uvicorn.Config(guarded, log_level="warning", access_log=False, timeout_graceful_shutdown=LINGER)
    config.server_header = False

    def answers() -> None:
        ready()
        if browse:
            threading.Thread(target=webbrowser.open, args=(place.address,), daemon=True).start()

    with contextlib.closing(place.socket):
        _server(config, answers).run(sockets=[place.socket])


def _own_addresses() -> list[str]:
    with contextlib.suppress(OSError):
        return [str(found[4][0]) for found in socket.getaddrinfo(socket.gethostname(), None)]
    return []


def _server(config: Any, ready: Callable[[], None]) -> Any:
    """A server of uvicorn, which is loaded when it is needed, that says when it answers."""
    import uvicorn

    class Announced(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets=sockets)
            ready()

    return Announced(config)
