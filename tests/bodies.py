"""Request bodies for the tests; those of bodies.yaml differ from a usual one."""

from pathlib import Path
from typing import Any

from making import load

Body = dict[str, Any]

TEXT: Body = {"model": "grok-imagine-video", "prompt": "A serene lake at sunrise"}
TEXT |= {"resolution": "480p", "aspect_ratio": "16:9", "duration": 4}
BODIES = load(Path(__file__).with_name("bodies.yaml"))
GOOD: dict[str, Body] = {what: TEXT | fields for what, fields in BODIES["good"].items()}
# The path of the wrong field, and the body.
BAD = [(path, TEXT | {path.split(".")[0]: value}) for path, value in BODIES["bad"]]
BAD += [(name, {key: TEXT[key] for key in TEXT if key != name}) for name in TEXT]
BAD.append(("image", TEXT | BODIES["both images"]))
