"""Request bodies for the tests: valid ones, and invalid ones with a single fault each."""

from typing import Any

Body = dict[str, Any]

TEXT: Body = {"model": "grok-imagine-video", "prompt": "A serene lake at sunrise"}
TEXT |= {"resolution": "480p", "aspect_ratio": "16:9", "duration": 4}
URL = "https://images.example/lake.png"
IMAGE = {"url": URL}

GOOD: dict[str, Body] = {
    "text alone": TEXT,
    "other model": TEXT | {"model": "grok-imagine-video-1.5-preview"},
    "empty prompt": TEXT | {"prompt": ""},
    "prompt beyond ASCII": TEXT | {"prompt": 'A "lake"\n日出 🌅 \\ / \u2028'},
    "720p": TEXT | {"resolution": "720p"},
    "square": TEXT | {"aspect_ratio": "1:1"},
    "portrait": TEXT | {"aspect_ratio": "9:16"},
    "shortest": TEXT | {"duration": 1},
    "longest": TEXT | {"duration": 15},
    "image": TEXT | {"image": IMAGE},
    "image as data": TEXT | {"image": {"url": "data:image/png;base64,iVBORw0KGgo="}},
    "no reference images": TEXT | {"reference_images": []},
    "reference images": TEXT | {"reference_images": [IMAGE, {"url": URL + "?2"}]},
    "reference image without url": TEXT | {"reference_images": [{}]},
    "unknown fields": TEXT | {"image": IMAGE | {"a": "b"}, "seed": 7, "user": None, "tags": ["a"]},
}

WRONG: dict[str, list[Any]] = {
    "model": ["grok-imagine-video-2", None],
    "prompt": [["a lake"], None],
    "resolution": ["4320p", 480],
    "aspect_ratio": ["4:3"],
    "duration": [0, 16, "4", 4.5, True],
    "image": [URL, None],
    "reference_images": [IMAGE],
}
# The path of the wrong field, and the body.
BAD: dict[str, tuple[str, Body]] = {
    **{f"without {name}": (name, {key: TEXT[key] for key in TEXT if key != name}) for name in TEXT},
    **{
        f"{name} {value!r}": (name, TEXT | {name: value}) for name in WRONG for value in WRONG[name]
    },
    "image without url": ("image.url", TEXT | {"image": {}}),
    "image url as a number": ("image.url", TEXT | {"image": {"url": 1}}),
    "reference image as a url": ("reference_images.0", TEXT | {"reference_images": [URL]}),
    "null url": ("reference_images.1.url", TEXT | {"reference_images": [IMAGE, {"url": None}]}),
    "both kinds of image": ("image", TEXT | {"image": IMAGE, "reference_images": []}),
}
