"""One worker that answers pictures with json: a picture in the body of a POST, objects in the answer."""

from __future__ import annotations

import io
import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from maskrcnn_runtime.errors import RuntimeFault
from maskrcnn_runtime.pictures import Model, read_picture
from maskrcnn_runtime.writing import entries_of

MOST_BYTES = 64_000_000  # of a picture that is sent
PATIENCE = 30  # seconds for one that comes slowly


def make_server(model: Model, score: float, host: str, port: int) -> HTTPServer:
    """A server that is ready to answer, one request after another.

    ``GET /`` tells the classes; ``POST /predict`` with a picture as its body gives ``{"width", "height", "objects"}``,
    as in ``predictions.json``, or ``{"error"}`` with status 400.

    Raises:
        RuntimeFault: it cannot listen there.
    """

    class Handler(BaseHTTPRequestHandler):
        timeout = PATIENCE

        def do_GET(self) -> None:
            self._answer(200, {"classes": model.class_names, "post": "/predict"})

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            if not length.isdecimal() or not 0 < int(length) <= MOST_BYTES:
                self.close_connection = True
                self._answer(400, {"error": f"Send a picture of at most {MOST_BYTES} bytes as the body."})
                return
            try:
                image = read_picture(io.BytesIO(self.rfile.read(int(length))))
                objects = entries_of(model, model(image, score), image.shape[:2])
                self._answer(200, {"width": image.shape[1], "height": image.shape[0], "objects": objects})
            except RuntimeFault as error:
                self._answer(400, {"error": str(error)})

        def _answer(self, status: int, content: dict[str, Any]) -> None:
            body = json.dumps(content, ensure_ascii=False).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            """Says nothing."""

    try:
        return HTTPServer((host, port), Handler)
    except OSError as error:
        raise RuntimeFault(f"Nothing can listen at {host}:{port} ({error.strerror}); choose another --port.") from None


def serve(model: Model, score: float, host: str, port: int) -> None:
    """Answer until interrupted; see :func:`make_server`."""
    with make_server(model, score, host, port) as server:
        print(f"Send pictures to http://{host}:{server.server_address[1]}/predict.", file=sys.stderr, flush=True)
        server.serve_forever()
