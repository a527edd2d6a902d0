"""Create a video for each line of a text file, and continue where the previous run ended.

    python examples/create_batch.py prompts.txt videos

It calls the gateway at GROK_BASE_URL with the API key in GROK_API_KEY, and costs money. Kill it at
any moment and start it again: no line is paid for twice. `grok-imagine-video batch` does the same.
"""

import sys
from pathlib import Path

from grok_imagine_video import AuthenticatedClient, CreateVideoRequest, batch


def main() -> None:
    file, folder = sys.argv[1:]
    requests = [
        CreateVideoRequest(
            model="grok-imagine-video",
            prompt=prompt,
            resolution="480p",
            aspect_ratio="16:9",
            duration=4,
        )
        for prompt in Path(file).read_text("utf-8").splitlines()
    ]
    with AuthenticatedClient() as client:
        summary = batch.run(requests, client=client, folder=folder, concurrency=10, rate=60)
    print(f"{summary.done} of {summary.total} done, ${summary.cost:.2f}")
    for problem in summary.problems:
        print(f"{problem.number} is {problem.state}: {problem.reason}")
    sys.exit(summary.done < summary.total)


if __name__ == "__main__":
    main()
