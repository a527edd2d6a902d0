"""The commands about a batch: many requests from a file, and what came of them."""

import csv
import io
import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import attrs
from cyclopts import Parameter

from .. import batch
from ..operations import Commands
from .options import Form, UsageError, json_or_text, why
from .running import ExitCode, Run, cost_text

_REQUESTS = "The requests: .jsonl, .csv or .txt, or - for the standard input."
_File = Annotated[Path, Parameter(name="FILE", help=_REQUESTS, allow_leading_hyphen=True)]
_Folder = Annotated[Path, Parameter(name="FOLDER", help="The folder of the batch.")]

# What is shown of a request that has changed, and what `batch.run` is told.
_OF_ENTRIES = ("number", "state", "job_id", "cost", "error")
_OF_RUNS = ("concurrency", "rate", "budget", "interval", "timeout")


def content(source: str) -> str:
    """The text in a file, or on the standard input if that is "-"."""
    data = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{source}:{line}: it is not UTF-8; save it as UTF-8") from None


class Requests(Sequence[Any]):
    """The requests in a file, each made when it is asked for, so that few are in memory.

    The file is read once. An error names its line, and the column, as an editor counts them.
    """

    def __init__(self, source: str, form: Form, *, allows_extra: bool) -> None:
        self._source, self._form, self._allows_extra = source, form, allows_extra
        self._suffix = Path(source).suffix.lower()
        text, self._records = content(source), list[tuple[int, Any]]()
        if self._suffix == ".csv":
            self._records += self._rows(text)
        else:  # only a line feed ends a line, as JSON has it
            lines = enumerate(text.split("\n"), 1)
            self._records += [(number, line.rstrip()) for number, line in lines if line.strip()]
        if not self._records:
            raise UsageError(f"{source}: there are no requests")
        if {*str(self._records[0][1]).split(",")} <= {*form.columns}:  # each row would be paid for
            raise UsageError(f"{source}:1: it looks like CSV: use a file whose name ends with .csv")

    def __len__(self) -> int:
        return len(self._records)

    def __getitem__(self, index: Any) -> Any:
        line, record = self._records[index]
        try:
            return self._request(record)
        except json.JSONDecodeError as error:
            place, reason = f"{line}:{error.colno}", f"not JSON: {error.msg}"
        except OSError as error:
            place, reason = str(line), f"{error.filename}: {why(error)}"
        except (TypeError, ValueError, RecursionError) as error:
            place, reason = str(line), str(error)
        raise UsageError(f"{self._source}:{place}: {reason}")

    def _request(self, record: Any) -> Any:
        is_row, text, columns = isinstance(record, list), self._form.text, self._form.columns
        if text and not is_row and self._suffix in (".txt", "") and record.lstrip()[0] != "{":
            record = [(text.field, record.strip())]
        elif not is_row:
            fields = json.loads(record, object_pairs_hook=_object)
            if not isinstance(fields, dict):
                msg = "a JSON object is needed"
                raise TypeError(msg)
            record = [*fields.items()]
        values = _object((columns.get(str(name), str(name)), value) for name, value in record)
        for name in [name for name in values if name not in columns]:
            if not self._allows_extra:
                msg = f"the spec has no {name!r}; --allow-extra sends it as it is"
                raise ValueError(msg)
            if is_row:  # what is no field is typed as in JSON
                values[name] = json_or_text(values[name])
        return self._form.body(values, Path(self._source).parent, is_typed=is_row)

    def _rows(self, text: str) -> Iterator[tuple[int, Any]]:
        """The rows below the header with their lines, without empty cells."""
        csv.field_size_limit(2**31 - 1)  # an image may be in a cell
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        try:
            names = next(reader, [])
            while (line := reader.line_num + 1) and (row := next(reader, None)) is not None:
                if any(row[len(names) :]):
                    raise csv.Error("more cells than the header has")
                if cells := [pair for pair in zip(names, row, strict=False) if pair[1]]:
                    yield line, cells
        except csv.Error as error:
            raise UsageError(f"{self._source}:{reader.line_num}: not CSV: {error}") from None


def _object(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """An object, in which a name that occurs twice would hide what is paid for."""
    made: dict[str, Any] = {}
    for name, value in pairs:
        if name in made:
            msg = f"{name!r} occurs twice"
            raise ValueError(msg)
        made[name] = value
    return made


def batch_commands(run: Run, job: Commands, form: Form) -> tuple[Any, Any, Any]:
    """The commands that start a batch, show it, and send requests again."""

    def start(file: _File, /, *, options: Any) -> None:
        """Send each request of a file once, wait for the jobs and save their results.

        Start it again at any time, also after it was killed: it goes on where it was, and never
        sends again what may have been paid for. New requests belong at the end of the file.
        """
        run.begin(options, job)
        requests = Requests(str(file), form, allows_extra=options.allow_extra)
        source = "" if str(file) == "-" else str(file.resolve())
        _work(run, form, requests, options.folder, source=source)

    def status(folder: _Folder, /, *, options: Any) -> None:
        """Show how far a batch is, also while it runs."""
        run.begin(options, job)
        _show(run, form, batch.status(folder), folder)

    def retry(folder: _Folder, /, *, options: Any) -> None:
        """Send requests of a batch again that have failed or whose outcome is unknown.

        They are paid for again. An unknown one may exist already: look at the gateway first.
        --request takes unfinished ones too, whose jobs are not followed any more then.
        """
        run.begin(options, job)
        summary = batch.status(folder)
        if not (source := summary.source) or not Path(source).exists():
            reason = f"put {source} back" if source else "they come from no file"
            raise UsageError(f"The requests of {folder} cannot be read: {reason}")
        requests = Requests(source, form, allows_extra=True)  # they were sent before
        chosen = _chosen(summary, options)
        _work(run, form, requests, folder, only=chosen, resend={*chosen.values()})

    return start, status, retry


def _chosen(summary: batch.Summary, options: Any) -> dict[int, str]:
    """The requests that are sent again, and their states; a UsageError if one must not be."""
    classes = [state for state in ("failed", "unknown") if getattr(options, state)]
    states = {problem.number: problem.state for problem in summary.problems}
    numbers = {number for number, state in states.items() if state in classes} | {*options.request}
    chosen = {number: states.get(number, "") for number in sorted(numbers)}
    for number, state in chosen.items():
        if state not in ("failed", "unknown", "unfinished"):
            reason = "it has not failed, and is neither unknown nor unfinished"
            raise UsageError(f"Request {number} is not sent again: {reason}")
    if not chosen:
        raise UsageError("There is none. Say which: --request 1-3,7, --failed or --unknown")
    if classes or "unfinished" in chosen.values():
        many = f"{len(chosen)} request{'s' * (len(chosen) > 1)}"
        confirm(f"{many} will be paid for again.", is_sure=options.yes)
    return chosen


def confirm(question: str, *, is_sure: bool) -> None:
    """Ask whether to go on; a UsageError if the answer is no, or if nobody can be asked."""
    if not is_sure and not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(f"{question} Confirm it with --yes")
    print(question, end="\n" if is_sure else " Go on? [y/N] ", file=sys.stderr, flush=True)
    if not is_sure and sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise UsageError("Nothing was done")


def _work(run: Run, form: Form, requests: Requests, folder: Path, **more: Any) -> None:
    """Run a batch, and show how far it is on the way and in the end."""

    def on_progress(status: batch.Status, entry: batch.Entry) -> None:
        fields = {name: getattr(entry, name) for name in _OF_ENTRIES}
        fields |= {"done": status.done, "finished": status.finished, "total": status.total}
        run.display.move("request", _counts(status), status.finished / status.total, **fields)

    more |= {name: getattr(run.options, name) for name in _OF_RUNS}
    more |= {"client": run.client(), "folder": folder, "on_progress": on_progress}
    run.stage = "batch"
    run.display.move("", "sending")
    try:
        summary = batch.run(requests, **more)
    except batch.JournalError as error:
        for number, job_id in error.jobs.items():
            text = f"request {number}: its job is {job_id}"
            run.display.show("log", text, message=text)
        raise
    run.code = _code_of(summary)
    _show(run, form, summary, folder)


def _code_of(summary: batch.Summary) -> ExitCode:
    """The exit code of a batch that was not interrupted."""
    if summary.unknown:
        return ExitCode.UNKNOWN
    if summary.refused:
        return ExitCode.FAILED
    if summary.is_over_budget:
        return ExitCode.OVER_BUDGET
    if summary.finished < summary.total or summary.stopped:
        return ExitCode.UNFINISHED
    return ExitCode.FAILED if summary.failed else ExitCode.DONE


def _counts(status: batch.Status) -> str:
    """How many requests are in each state."""
    names = ("failed", "unknown", "unfinished", "refused", "running", "queued")
    counts = [f"{count} {name}" for name in names if (count := getattr(status, name))]
    counts.insert(bool(status.failed), f"{status.finished}/{status.total}")
    return ", ".join([f"{status.done} done", *counts]) + cost_text(status.cost or None)


def _show(run: Run, form: Form, summary: batch.Summary, folder: Path) -> None:
    """Show how far a batch is."""
    run.options.base_url = summary.gateway  # which `status` was not told
    retry = run.line(f"{form.create.batch} retry", str(folder))
    if not summary.source:
        retry = f"keep the requests in a file, start the batch from it, and then {retry}"
    text = "\n".join([_counts(summary), *_lines(run, summary, retry)])
    fields = attrs.asdict(summary) | {"finished": summary.finished}
    run.display.show("summary", "", text, **fields, code=run.code)


def _lines(run: Run, summary: batch.Summary, retry: str) -> Iterator[str]:
    """What has gone wrong, and what can be done about it."""
    alike: dict[tuple[str, str], list[int]] = defaultdict(list)
    for problem in summary.problems:
        if problem.reason:
            alike[problem.state, problem.reason].append(problem.number)
    for (state, reason), numbers in alike.items():
        what = f"request{'s' * (len(numbers) > 1)} {str(numbers)[1:-1]}"
        what = f"{len(numbers)} requests" if state == "refused" and len(numbers) > 1 else what
        advice = f". Check {run.key_name}." * reason.startswith(("401", "403"))
        yield f"{state}: {what} ({reason}){advice}"
    if summary.is_running:
        yield "It is running now."
        return
    if summary.unknown:
        yield f"Unknown ones may be paid for: look at the gateway. To pay again: {retry} --unknown"
    if summary.failed:
        yield f"To pay for another try of what failed: {retry} --failed"
    if summary.finished + summary.unknown < summary.total:
        more = " with a larger --budget, or none" * summary.is_over_budget
        yield f"To go on, start the batch again{more}."
