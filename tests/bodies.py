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

# The path of the wrong field, and the body.
BAD: dict[str, tuple[str, Body]] = {
    **{f"without {name}": (name, {key: TEXT[key] for key in TEXT if key != name}) for name in TEXT},
    "unknown model": ("model", TEXT | {"model": "grok-imagine-video-2"}),
    "model as null": ("model", TEXT | {"model": None}),
    "prompt as a list": ("prompt", TEXT | {"prompt": ["a lake"]}),
    "prompt as null": ("prompt", TEXT | {"prompt": None}),
    "4320p": ("resolution", TEXT | {"resolution": "4320p"}),
    "resolution as a number": ("resolution", TEXT | {"resolution": 480}),
    "4:3": ("aspect_ratio", TEXT | {"aspect_ratio": "4:3"}),
    "too short": ("duration", TEXT | {"duration": 0}),
    "too long": ("duration", TEXT | {"duration": 16}),
    "duration as text": ("duration", TEXT | {"duration": "4"}),
    "duration as a fraction": ("duration", TEXT | {"duration": 4.5}),
    "duration as a bool": ("duration", TEXT | {"duration": True}),
    "image without url": ("image.url", TEXT | {"image": {}}),
    "image as a url": ("image", TEXT | {"image": URL}),
    "image as null": ("image", TEXT | {"image": None}),
    "image url as a number": ("image.url", TEXT | {"image": {"url": 1}}),
    "reference images as one": ("reference_images", TEXT | {"reference_images": IMAGE}),
    "reference image as a url": ("reference_images.0", TEXT | {"reference_images": [URL]}),
    "null for a url": (
        "reference_images.1.url",
        TEXT | {"reference_images": [IMAGE, {"url": None}]},
    ),
    "both kinds of image": ("image", TEXT | {"image": IMAGE, "reference_images": []}),
}
