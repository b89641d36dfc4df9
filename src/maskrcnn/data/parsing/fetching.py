"""Fetches an input that a user names by its address: once, whole, and with limits on size and time."""

from __future__ import annotations

import http.client
import mimetypes
import os
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from maskrcnn.errors import DataError
from maskrcnn.files import atomic_write, shortened

SCHEMES = ("http://", "https://")
MOST_BYTES = 2**30  # of one input: a scan of a whole body has less
LONGEST = 120.0  # seconds, from the question to the last byte
PATIENCE = 20.0  # seconds in which a server may say nothing
PIECE = 2**18
LONGEST_FILE_NAME = 120  # bytes
NAMELESS = "fetched"
# Codes whose own words leave a user in the dark.
REASONS = {
    401: "it asks for a login",
    403: "it does not give this file to everybody",
    404: "there is no such file on it",
    410: "the file is no longer on it",
    429: "it was asked too often; wait a while",
}


def is_address(text: str | os.PathLike[str]) -> bool:
    """Whether ``text`` begins as the address of a file on a server; a ``Path`` never does, since it joins slashes."""
    return isinstance(text, str) and text.lower().startswith(SCHEMES)


def fetch_input(address: str, folder: Path, most_bytes: int = MOST_BYTES, longest: float = LONGEST) -> Path:
    """Fetch one file into a folder.

    Args:
        address: ``http://`` or ``https://``.
        folder: for the file; a file of its name is replaced.
        most_bytes: that the file may have.
        longest: seconds that it may take altogether.

    Returns:
        The file, named as the address names it, with the suffix of its type where that has none.

    Raises:
        DataError: the server does not answer, does not have it, or sends more or longer than is allowed.
    """
    until = time.monotonic() + longest
    try:
        with _ask(address, min(PATIENCE, longest)) as answer:
            announced = answer.headers.get("Content-Length", "")
            if announced.isdecimal() and int(announced) > most_bytes:
                raise DataError(_too_large(address, most_bytes))
            path = folder / _file_name(answer.url, answer.headers.get("Content-Type", ""))
            with atomic_write(path) as temporary, temporary.open("wb") as file:
                for piece in _pieces(answer, address, most_bytes, until, longest):
                    file.write(piece)
            if announced.isdecimal() and path.stat().st_size != int(announced):
                path.unlink()
                raise DataError(f"{address} broke off before its end; try again.")
    except urllib.error.HTTPError as error:
        reason = REASONS.get(error.code, str(error.reason) or "an error")
        raise DataError(f"{address} cannot be fetched: the server says {error.code}, {reason}.") from None
    except TimeoutError:
        raise DataError(f"{address} cannot be fetched: the server took too long to answer; try again.") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        cause = getattr(error, "reason", None) or error
        words = str(getattr(cause, "strerror", None) or cause or type(cause).__name__).rstrip(".")
        raise DataError(f"{address} cannot be fetched ({words}); check the address and the network.") from None
    return path


def _ask(address: str, patience: float) -> http.client.HTTPResponse:
    """The answer of the server. Other schemes (file, ftp) have no handler, so that none can be redirected to."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPRedirectHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.UnknownHandler(),
    ):
        opener.add_handler(handler)
    request = urllib.request.Request(_quoted(address), headers={"User-Agent": "maskrcnn", "Accept": "*/*"})
    answer: http.client.HTTPResponse = opener.open(request, timeout=patience)
    return answer


def _quoted(address: str) -> str:
    """An address as it may be sent: blanks and letters beyond ASCII as percent escapes, what is escaped stays."""
    return urllib.parse.quote(address, safe="%/:=&?~#+!$,;'@()*[]")


def _pieces(
    answer: http.client.HTTPResponse, address: str, most_bytes: int, until: float, longest: float
) -> Iterator[bytes]:
    """What the server sends, as it comes, within the limits."""
    count = 0
    while piece := answer.read1(PIECE):
        count += len(piece)
        if count > most_bytes:
            raise DataError(_too_large(address, most_bytes))
        if time.monotonic() > until:
            raise DataError(f"{address} was not here after {longest:.0f} s; fetch it yourself and name the file.")
        yield piece


def _too_large(address: str, most_bytes: int) -> str:
    limit = f"{most_bytes / 2**20:.0f} MiB" if most_bytes >= 2**20 else f"{most_bytes} bytes"
    return f"{address} is larger than {limit}; fetch it yourself and name the file."


def _file_name(address: str, kind: str) -> str:
    """The last part of an address as the name of a file that any disk can hold."""
    last = urllib.parse.unquote(urllib.parse.urlsplit(address).path.rstrip("/").rpartition("/")[2])
    name = re.sub(r"[^\w.+() -]", "_", last).lstrip(".") or NAMELESS
    stem, suffix = os.path.splitext(name)  # noqa: PTH122
    return shortened(stem, LONGEST_FILE_NAME) + (
        suffix or mimetypes.guess_extension(kind.partition(";")[0].strip()) or ""
    )
