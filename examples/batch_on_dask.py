"""Run shards of a file of requests as tasks of a Dask cluster, each shard with its own folder.

    python examples/batch_on_dask.py tls://scheduler:8786 requests.jsonl /shared/videos 8 60

The rate is for each shard: these 8 send 60 requests a minute each, and cost money. The workers need
this package, GROK_BASE_URL, GROK_API_KEY, and the folder under the same path. Start it again with
as many shards to go on; new requests belong at the end of the file.

Dask may run a task again when its worker is lost. The journal in the shard's folder makes this
safe. A file system without file locks must not give one folder to two workers.
"""

import json
import sys
from pathlib import Path

from distributed import Client

from grok_imagine_video import AuthenticatedClient, CreateVideoRequest, batch


def run_shard(lines: list[bytes], folder: str, rate: float) -> batch.Summary:
    requests = [CreateVideoRequest.from_dict(json.loads(line)) for line in lines]
    with AuthenticatedClient() as client:
        return batch.run(requests, client=client, folder=folder, rate=rate)


def main() -> None:
    address, file, folder, shards, rate = sys.argv[1:]
    lines, count = Path(file).read_bytes().splitlines(), int(shards)
    parts = [lines[shard::count] for shard in range(count)]
    folders = [f"{folder}/{shard}" for shard in range(count)]
    with Client(address) as dask:
        tasks = dask.map(run_shard, parts, folders, rate=float(rate), pure=False)
        for folder, summary in zip(folders, dask.gather(tasks), strict=True):
            print(f"{folder}: {summary.done} of {summary.total} done, {summary.unknown} unknown")


if __name__ == "__main__":
    main()
