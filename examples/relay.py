"""A relay on loopback for the demo, the tests and your own experiments; it makes no videos.

Every request is validated against openapi.yaml, so that the relay cannot drift from the contract.
Run `python examples/relay.py --help` to start one by hand.
"""

import argparse
import contextlib
import secrets
import socket
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import uvicorn
from openapi_core import OpenAPI
from openapi_core.contrib.starlette.requests import StarletteOpenAPIRequest
from openapi_core.deserializing.media_types.exceptions import MediaTypeDeserializeError
from openapi_core.validation.exceptions import ValidationError
from openapi_core.validation.schemas.exceptions import InvalidSchemaValue
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

SPEC = Path(__file__).resolve().parent.parent / "openapi.yaml"


def create_app(token: str | None = None) -> Starlette:
    """The relay, which asks for `token` as bearer token if it is given one."""
    contract = OpenAPI.from_file_path(str(SPEC))

    async def create_video(request: Request) -> Response:
        if token is not None and not is_authorized(request, token):
            return error(401, "A valid API key is needed.", code="invalid_api_key")
        try:
            contract.validate_request(StarletteOpenAPIRequest(request, await request.body()))
        except ValidationError as problem:
            return error(400, *explain(problem))
        return JSONResponse({"request_id": str(uuid.uuid4())})

    async def refuse(_: Request, problem: Exception) -> Response:
        assert isinstance(problem, HTTPException)  # noqa: S101 - Starlette calls it for no other
        return error(problem.status_code, problem.detail)

    return Starlette(
        routes=[Route("/v1/videos/generations", create_video, methods=["POST"])],
        exception_handlers={HTTPException: refuse},
    )


def is_authorized(request: Request, token: str) -> bool:
    sent = request.headers.get("authorization", "")
    return secrets.compare_digest(sent.encode(), f"Bearer {token}".encode())


def explain(problem: ValidationError) -> tuple[str, str | None]:
    """What is wrong with a request, and the name of the field that it is wrong with."""
    cause = problem.__cause__
    if isinstance(cause, MediaTypeDeserializeError):  # its text fails on bytes that are not UTF-8
        return "The body is not valid JSON.", None
    if not isinstance(cause, InvalidSchemaValue):
        return str(problem), None
    fault: Any = next(iter(cause.schema_errors))  # jsonschema's error, typed as a bare exception
    fields = [str(part) for part in fault.absolute_path]
    if fault.validator == "not":
        together = fault.validator_value["required"]
        return f"{' and '.join(together)} cannot be used together", together[0]
    if fault.validator == "required":
        fields += [name for name in fault.validator_value if name not in fault.instance][:1]
    return fault.message, ".".join(fields) or None


def error(
    status: int, message: str, param: str | None = None, code: str | None = None
) -> JSONResponse:
    """An answer in the shape that OpenAI's API gives its errors."""
    body = {"message": message, "type": "invalid_request_error", "param": param, "code": code}
    return JSONResponse({"error": body}, status)


@contextlib.contextmanager
def running(app: ASGIApp, port: int = 0) -> Iterator[str]:
    """Serve `app` on loopback from a thread of its own, on a free port, and give its base URL."""
    with socket.create_server(("127.0.0.1", port)) as listener:
        config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def main() -> None:
    parser = argparse.ArgumentParser(description="Run a relay that makes no videos.")
    parser.add_argument("--port", type=int, default=8000, help="default: 8000; 0 takes a free one")
    parser.add_argument("--token", help="answer 401 to every other bearer token")
    options = parser.parse_args()
    with (
        contextlib.suppress(KeyboardInterrupt),
        running(create_app(options.token), options.port) as base_url,
    ):
        print(f"{base_url} (Ctrl-C ends it)", flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
