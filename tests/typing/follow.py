"""Code as callers write it to follow a job and to handle failures."""

from pathlib import Path

from grok_imagine_video import AuthenticatedClient, VideoJob, errors, get_video


def show(job: VideoJob) -> None:
    percent: float | None = get_video.progress(job)
    print(job.status, percent)


def save(client: AuthenticatedClient, request_id: str) -> Path:
    job: VideoJob = get_video.wait(
        request_id, client=client, interval=5.0, timeout=900.0, on_progress=show
    )
    return client.download(get_video.result(job), "lake.mp4", on_progress=bytes_so_far)


async def save_from_asyncio(client: AuthenticatedClient, request_id: str) -> Path:
    job = await get_video.asyncio_wait(request_id, client=client)
    return await client.asyncio_download(get_video.result(job), Path("lake.mp4"))


def bytes_so_far(done: int, total: int | None) -> None:
    print(done, total)


def handle(client: AuthenticatedClient, request_id: str) -> str:
    try:
        get_video.sync(request_id, client=client)
    except errors.RateLimitError as error:
        seconds: float | None = error.retry_after
        return f"{seconds}"
    except errors.APIStatusError as error:
        return f"{error.status_code} {error.code} {error.type} {error.param} {error.request_id}"
    except (errors.JobFailedError, errors.JobExpiredError, errors.VideoWithheldError) as error:
        return f"{error.job}"
    except errors.WaitTimeoutError as error:
        return f"{error.job}"
    except (errors.APIConnectionError, errors.OutcomeUnknownError) as error:
        return str(error)
    except errors.APIResponseValidationError as error:
        return repr(error.content)
    except errors.APIError as error:
        return str(error)
    return ""
