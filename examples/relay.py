"""A local relay for the demo, the tests and your experiments. Its videos are all the same.

It validates every request against openapi.yaml, so it cannot drift from the contract. Jobs are kept
in SQLite and take a second. Words in the prompt change what it does; `--help` lists them.
Start it by hand with `python examples/relay.py`, or with a command that is to use it:
`python examples/relay.py -- grok-imagine-video create "A lake" -o lake.mp4`.
"""

import argparse
import contextlib
import os
import secrets
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

try:
    import uvicorn
    from openapi_core import OpenAPI
    from openapi_core.contrib.starlette.requests import StarletteOpenAPIRequest
    from openapi_core.deserializing.media_types.exceptions import MediaTypeDeserializeError
    from openapi_core.validation.exceptions import ValidationError
    from openapi_core.validation.schemas.exceptions import InvalidSchemaValue
    from starlette.applications import Starlette
    from starlette.exceptions import HTTPException
    from starlette.requests import Request
    from starlette.responses import FileResponse, JSONResponse, Response
    from starlette.routing import Route
    from starlette.types import ASGIApp
except ModuleNotFoundError as missing:
    sys.exit(
        f"relay: {missing.name} is not installed here; `make demo` installs what the relay needs "
        "into .venv, then run .venv/bin/python examples/relay.py"
    )

SPEC = Path(__file__).resolve().parent.parent / "openapi.yaml"
VIDEO = Path(__file__).resolve().parent / "lake.mp4"
SECONDS_A_JOB_TAKES = 1.0
WORDS = """\
words in a prompt that change what the relay does:
  failed, expired, withheld  the job ends like this
  empty                      the response has no body while the job is pending
  gateway                    status and progress are written as other gateways do
"""


class Jobs:
    """The jobs of one relay, in an SQLite file or in memory."""

    def __init__(self, database: str = ":memory:") -> None:
        # One connection, used only by the server's thread. Every statement is a transaction.
        self._connection = sqlite3.connect(database, check_same_thread=False, isolation_level=None)
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS jobs (id TEXT PRIMARY KEY, model TEXT, prompt TEXT,"
            " duration REAL, created REAL)"
        )

    def close(self) -> None:
        self._connection.close()

    def add(self, body: dict[str, Any]) -> str:
        job = str(uuid.uuid4())
        values = (job, body["model"], body["prompt"], body["duration"], time.time())
        self._connection.execute(
            "INSERT INTO jobs (id, model, prompt, duration, created) VALUES (?, ?, ?, ?, ?)", values
        )
        return job

    def find(self, job: str) -> dict[str, Any] | None:
        cursor = self._connection.execute("SELECT * FROM jobs WHERE id = ?", (job,))
        row = cursor.fetchone()
        return row and dict(zip((name for name, *_ in cursor.description), row, strict=True))


def create_app(token: str | None = None, database: str = ":memory:") -> Starlette:
    """The relay. With a `token` it asks for that bearer token."""
    contract = OpenAPI.from_file_path(str(SPEC))
    jobs = Jobs(database)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        with contextlib.closing(jobs):
            yield

    async def refusal(request: Request) -> Response | None:
        sent = request.headers.get("authorization", "").encode()
        if token is not None and not secrets.compare_digest(sent, f"Bearer {token}".encode()):
            return error(401, "A valid API key is required.", code="invalid_api_key")
        try:
            contract.validate_request(StarletteOpenAPIRequest(request, await request.body()))
        except ValidationError as problem:
            return error(400, *explain(problem))
        return None

    async def create_video(request: Request) -> Response:
        if refused := await refusal(request):
            return refused
        return JSONResponse({"request_id": jobs.add(await request.json())})

    async def get_video(request: Request) -> Response:
        if refused := await refusal(request):
            return refused
        job = jobs.find(request.path_params["request_id"])
        return describe(job, request) if job else error(404, "There is no such job.")

    async def get_content(_: Request) -> Response:
        return FileResponse(VIDEO, media_type="video/mp4")

    async def refuse(_: Request, problem: Exception) -> Response:
        assert isinstance(problem, HTTPException)
        return error(problem.status_code, problem.detail)

    return Starlette(
        routes=[
            Route("/v1/videos/generations", create_video, methods=["POST"]),
            Route("/v1/videos/{request_id}", get_video, methods=["GET"]),
            Route("/files/{request_id}.mp4", get_content, methods=["GET"]),
        ],
        exception_handlers={HTTPException: refuse},
        lifespan=lifespan,
    )


def describe(job: dict[str, Any], request: Request) -> Response:
    """The response to a poll. It depends on the age of the job and the words of its prompt."""
    words = job["prompt"].lower().split()
    done = min((time.time() - job["created"]) / SECONDS_A_JOB_TAKES, 1.0)
    if done < 1 and "empty" in words:
        return Response(status_code=202)
    gateway = "gateway" in words
    if done < 1:
        progress: Any = f"{done:.0%}" if gateway else int(100 * done)
        status = "IN_PROGRESS" if gateway else "pending"
        return JSONResponse({"status": status, "progress": progress}, 200 if gateway else 202)
    if "failed" in words:
        reason = {"code": "internal_error", "message": "The prompt asked for it."}
        return JSONResponse({"status": "FAILURE" if gateway else "failed", "error": reason})
    if "expired" in words:
        return JSONResponse({"status": "expired"})
    url = str(request.url_for("get_content", request_id=job["id"]))
    video = {"url": url, "duration": job["duration"], "respect_moderation": True}
    if "withheld" in words:
        video = {"respect_moderation": False}
    usage = {"cost_in_usd_ticks": int(job["duration"] * 500_000_000)}
    status = "SUCCESS" if gateway else "done"
    fields = {"status": status, "progress": 100, "video": video, "usage": usage}
    return JSONResponse(fields | {"model": job["model"], "error": None})


def explain(problem: ValidationError) -> tuple[str, str | None]:
    """What is wrong with a request, and the field that is wrong."""
    cause = problem.__cause__
    if isinstance(cause, MediaTypeDeserializeError):  # its str() raises on bytes that are not UTF-8
        return "The body is not valid JSON.", None
    if not isinstance(cause, InvalidSchemaValue):
        return str(problem), None
    fault: Any = next(iter(cause.schema_errors))  # jsonschema's error, typed as an exception
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
    """A response in the shape of OpenAI's errors."""
    body = {"message": message, "type": "invalid_request_error", "param": param, "code": code}
    return JSONResponse({"error": body}, status)


@contextlib.contextmanager
def running(app: ASGIApp, port: int = 0) -> Iterator[str]:
    """Serve `app` on loopback in a thread, and give its base URL."""
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


def run(command: list[str], base_url: str, token: str) -> int:
    """Run a command that finds the relay in its environment, and return its exit code."""
    # A proxy does not reach the loopback of this machine.
    env = {"GROK_BASE_URL": base_url, "GROK_API_KEY": token, "NO_PROXY": "127.0.0.1"}
    with subprocess.Popen(command, env=os.environ | env) as process:  # noqa: S603
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:
                continue  # the command gets it too, and says how to go on


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Run a local relay. It is free of charge, and its videos are all the same.",
        epilog=WORDS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--port", type=int, default=8000, help="default: 8000; 0 takes a free one")
    parser.add_argument("--token", help="the API key to ask for; any other gets 401")
    parser.add_argument("--database", default=":memory:", help="an SQLite file that keeps the jobs")
    parser.add_argument("command", nargs="*", help="run this with the relay, then stop")
    options = parser.parse_args()
    if options.command and options.token is None:
        options.token = secrets.token_hex()
    try:
        app = create_app(options.token, options.database)
    except sqlite3.Error as problem:
        parser.error(f"{options.database}: {problem}")
    if options.command:
        with running(app) as base_url:
            sys.exit(run(options.command, base_url, options.token))
    try:
        with contextlib.suppress(KeyboardInterrupt), running(app, options.port) as base_url:
            print(f"The relay listens on {base_url}. Ctrl-C stops it.", flush=True)
            threading.Event().wait()
    except OSError as problem:
        reason = os.strerror(problem.errno or 0)
        parser.error(f"port {options.port}: {reason}; choose another one with --port")


if __name__ == "__main__":
    main()
