"""The studio as an application: the page and ``/api``, documented at ``/api/openapi.json``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from maskrcnn.apps.studio import images, objects, project, training
from maskrcnn.apps.studio.records import PROBLEMS
from maskrcnn.errors import MaskRCNNError, UsageError
from maskrcnn.jobs.studio.desk import Desk
from maskrcnn.jobs.studio.strokes import ConflictError, FullError

PAGE = Path(__file__).parent / "page"
MEDIA = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": "application/json",
}
INDEX = "index.html"


def create_app(desk: Desk, version: str = "") -> FastAPI:
    """The application that serves one desk; it must stand behind a :class:`~maskrcnn.apps.http.guard.Guard`.

    Args:
        desk: the project and its model.
        version: of the package.

    Returns:
        An ASGI application.
    """
    app = FastAPI(
        title="maskrcnn studio",
        summary="Images of a folder, their objects, and the model that helps to label them.",
        version=version or "0",
        docs_url=None,  # its pages would be fetched from elsewhere
        redoc_url=None,
        openapi_url="/api/openapi.json",
        responses=PROBLEMS,
    )
    app.state.desk = desk
    for module in (project, images, objects, training):
        app.include_router(module.router, prefix="/api")
    files = {path.relative_to(PAGE).as_posix(): path for path in PAGE.rglob("*") if path.suffix in MEDIA}

    @app.get("/", include_in_schema=False)
    def page() -> Response:
        return _file(files[INDEX])

    @app.get("/page/{name:path}", include_in_schema=False)
    def part(name: str) -> Response:
        if name not in files:  # a list that was made before, so no name leads anywhere else
            raise HTTPException(404, "There is no such part of the page.")
        return _file(files[name])

    for error, status in ((ConflictError, 409), (FullError, 507), (UsageError, 409), (MaskRCNNError, 422)):
        app.add_exception_handler(error, _answers(status))
    app.add_exception_handler(KeyError, lambda request, error: _problem(404, "There is no such image."))
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _refused)
    return app


def _file(path: Path) -> Response:
    return Response(path.read_bytes(), media_type=MEDIA[path.suffix], headers={"cache-control": "no-cache"})


def _answers(status: int) -> Callable[[Request, Exception], Response]:
    return lambda request, error: _problem(status, str(error))


def _problem(status: int, sentence: str) -> Response:
    return JSONResponse({"detail": sentence}, status)


def _invalid(request: Request, error: Exception) -> Response:
    """One sentence; what was sent is not sent back, for it may be no json."""
    assert isinstance(error, RequestValidationError)
    first: dict[str, Any] = dict(next(iter(error.errors()), {}))
    where = ".".join(str(part) for part in first.get("loc", ())[1:]) or "the request"
    return _problem(422, f"{where}: {first.get('msg', 'it cannot be used')}.")


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"detail": str(error.detail)}, error.status_code, headers=error.headers)
