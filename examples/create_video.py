"""Create a video, wait for it and save it.

    python examples/create_video.py "A serene lake at sunrise" --duration 4 -o lake.mp4

With GROK_BASE_URL and GROK_API_KEY set, it calls that gateway and costs money. Without them it
starts a local relay, whose videos are all the same.

Exit codes: 0 saved, 1 not reached or not in time, 2 wrong arguments, 3 refused, 4 the job ended
without a video, 5 the outcome is unknown, 130 interrupted.
"""

import argparse
import base64
import contextlib
import json
import mimetypes
import os
import re
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from grok_imagine_video import AuthenticatedClient, create_video, errors, get_video, models

ENDED = (errors.JobFailedError, errors.JobExpiredError, errors.VideoWithheldError)

EXIT_CODES: dict[int, type[Exception] | tuple[type[Exception], ...]] = {  # the first that fits
    3: errors.APIStatusError,
    4: ENDED,
    5: (errors.OutcomeUnknownError, errors.APIResponseValidationError),
    2: ValueError,
    1: Exception,
}


def parse_arguments() -> argparse.Namespace:
    kinds = get_args(models.CreateVideoRequestModel)
    ratios = get_args(models.CreateVideoRequestAspectRatio)
    resolutions = get_args(models.CreateVideoRequestResolution)
    parser = argparse.ArgumentParser(description="Create a video, wait for it and save it.")
    parser.add_argument("prompt", nargs="?", help="what the video should show")
    parser.add_argument("-o", "--output", type=Path, default="video.mp4", metavar="FILE")
    parser.add_argument("--model", choices=kinds, default=kinds[0])
    parser.add_argument("--resolution", choices=resolutions, default=resolutions[0])
    parser.add_argument("--aspect-ratio", choices=ratios, default="16:9")
    parser.add_argument("--duration", type=int, default=4, metavar="SECONDS")
    image: dict[str, Any] = {"type": to_url, "metavar": "FILE_OR_URL"}
    parser.add_argument("--image", **image, help="an image that guides the video")
    parser.add_argument("--reference", **image, action="append", help="repeatable")
    parser.add_argument("--resume", metavar="ID", help="wait for an existing job")
    parser.add_argument("--timeout", type=above_zero, default=900.0, metavar="SECONDS")
    options = parser.parse_args()
    if bool(options.prompt) == bool(options.resume):
        parser.error("a prompt is needed, or --resume ID")
    if options.output.is_dir() or not os.access(options.output.parent, os.W_OK):
        parser.error(f"--output must be a file that can be written: {options.output}")
    return options


def above_zero(text: str) -> float:
    if not 0 < (number := float(text)) < float("inf"):
        raise argparse.ArgumentTypeError(f"must be a number above 0: {text}")
    return number


def request_from(options: argparse.Namespace) -> models.CreateVideoRequest:
    fields = ("model", "prompt", "resolution", "aspect_ratio", "duration")
    request = models.CreateVideoRequest(**{name: getattr(options, name) for name in fields})
    if options.image:
        request.image = models.ImageInput(url=options.image)
    if options.reference:
        request.reference_images = [models.ReferenceImage(url=each) for each in options.reference]
    return request


def to_url(file_or_url: str) -> str:
    """A URL as it is; a file as a data URI with its whole content."""
    if file_or_url.lower().startswith(("https://", "http://", "data:")):
        return file_or_url
    kind = mimetypes.guess_type(file_or_url)[0] or ""
    if not kind.startswith("image/") or not Path(file_or_url).is_file():
        raise argparse.ArgumentTypeError(f"neither a URL nor an image file: {file_or_url!r}")
    return f"data:{kind};base64,{base64.b64encode(Path(file_or_url).read_bytes()).decode()}"


def create(client: AuthenticatedClient, request: models.CreateVideoRequest) -> str:
    print(re.sub(r"(;base64,.{9}).*(?=\")", r"\1...", json.dumps(request.to_dict(), indent=2)))
    job = create_video.sync(client=client, body=request)
    print(json.dumps(job.to_dict(), indent=2))
    return create_video.job_id(job)


def save(client: AuthenticatedClient, request_id: str, options: argparse.Namespace) -> None:
    columns = TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn()
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True)) as bar:
        task = bar.add_task("pending", total=100)

        def show(job: models.VideoJob) -> None:
            bar.update(task, description=job.status or "pending", completed=get_video.progress(job))

        wait = {"interval": 1.0, "timeout": options.timeout}
        job = get_video.wait(request_id, client=client, on_progress=show, **wait)
    print(f"saved {client.download(get_video.result(job), options.output)}")


@contextlib.contextmanager
def gateway_to_use() -> Iterator[tuple[str, str]]:
    """The address and the key of the configured gateway, or else of a local relay."""
    base_url, token = os.environ.get("GROK_BASE_URL"), os.environ.get("GROK_API_KEY")
    if bool(base_url) != bool(token):
        raise ValueError("set both GROK_BASE_URL and GROK_API_KEY, or neither")
    if base_url and token:
        yield base_url, token
        return
    import relay  # it needs development dependencies

    os.environ["NO_PROXY"] = "127.0.0.1"  # a proxy does not reach the loopback of this machine
    (jobs := Path(__file__).parents[1] / "build" / "jobs.sqlite").parent.mkdir(exist_ok=True)
    app = relay.create_app(token := secrets.token_hex(), str(jobs))
    with relay.running(app) as base_url:
        yield base_url, token


def main() -> None:
    options = parse_arguments()
    request_id = options.resume
    try:
        with gateway_to_use() as (url, key), AuthenticatedClient(url, key) as client:
            request_id = request_id or create(client, request_from(options))
            return save(client, request_id, options)
    except (errors.APIError, OSError, ValueError) as error:
        message = str(error)
        code = next(code for code, kind in EXIT_CODES.items() if isinstance(error, kind))
        if request_id and code != 4:  # the job exists, whatever failed after that
            code, message = 1, f"{error}; continue with --resume {request_id}"
    except KeyboardInterrupt:
        code, message = 130, "interrupted; "
        message += f"continue with --resume {request_id}" if request_id else "the job may exist"
    print(f"create_video: {message}", file=sys.stderr)
    sys.exit(code)


if __name__ == "__main__":
    main()
