"""The built-in painter: its pictures come from the words, the seed and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from apps.images.painting import words
from apps.images.painting.painter import Task, paint

SIDE = 96


def painted(prompt: str, **more: object) -> Image.Image:
    task = Task(prompt, **{"width": SIDE, "height": SIDE, "steps": 4, "seed": 3, **more})  # type: ignore[arg-type]
    return paint(task, lambda part, sketch: None)


def brightness(picture: Image.Image) -> float:
    return float(np.asarray(picture.convert("L")).mean())


def test_the_same_words_and_seed_give_the_same_picture() -> None:
    assert painted("a boat at sunset").tobytes() == painted("a boat at sunset").tobytes()


@pytest.mark.parametrize(
    "other", [{"prompt": "a boot at sunset"}, {"seed": 4}, {"negative": "birds"}, {"guidance": 12}]
)
def test_everything_that_is_ordered_changes_the_picture(other: dict[str, object]) -> None:
    order = {"prompt": "a boat at sunset", **other}
    assert painted(**order).tobytes() != painted("a boat at sunset").tobytes()  # type: ignore[arg-type]


def test_night_is_darker_than_day() -> None:
    assert brightness(painted("mountains at night")) < brightness(painted("mountains on a sunny day")) - 30


def test_a_colour_that_is_named_is_seen() -> None:
    red, _, blue = np.asarray(painted("abstract pattern, crimson")).reshape(-1, 3).mean(axis=0)
    assert red > blue


@pytest.mark.parametrize("thing", sorted(words.THINGS))
def test_everything_the_painter_knows_can_be_painted(thing: str) -> None:
    assert painted(words.THINGS[thing].split()[0]).size == (SIDE, SIDE)


@pytest.mark.parametrize(("width", "height"), [(64, 512), (512, 64), (200, 120)])
def test_every_shape_can_be_painted(width: int, height: int) -> None:
    scene = "snowy mountains by the sea, forest, city, flowers, birds, aurora at night with stars"
    assert painted(scene, width=width, height=height).size == (width, height)


def test_what_shall_be_left_out_is_left_out() -> None:
    reading = words.read("mountains with birds", "birds", 1)
    assert reading.has("mountains")
    assert not reading.has("birds")


@pytest.mark.parametrize("prompt", ["", "…", "Ein Boot", "🚀" * 50, "word " * 800])
def test_words_it_does_not_know_become_some_picture(prompt: str) -> None:
    assert painted(prompt).size == (SIDE, SIDE)
