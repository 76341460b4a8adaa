"""Stable Diffusion in a child: against stand-ins for torch and diffusers, and for real where these are installed."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest

from apps.images.errors import EngineError, EngineMissing
from apps.images.providers.base import Sheet, Sketch
from apps.images.providers.diffusion import Diffusion

SHEET = Sheet("a boat", "people", 64, 64, 3, 6.5, 42)
PATIENCE = 120
MISSING = "torch and diffusers are not installed: Stable Diffusion in the worker was tested against stand-ins alone."
TORCH = """
float32 = float16 = "a type"
class cuda:
    is_available = staticmethod(lambda: False)
class backends:
    pass
class Generator:
    def __init__(self, device): pass
    def manual_seed(self, seed):
        self.seed = seed
        return self
"""
DIFFUSERS = """
from PIL import Image
print("libraries like to talk")
class Made:
    pass
class DiffusionPipeline:
    @classmethod
    def from_pretrained(cls, name, torch_dtype):
        if name == "missing":
            raise OSError("missing is not a local folder")
        return cls()
    def to(self, device):
        return self
    def set_progress_bar_config(self, disable):
        pass
    def __call__(self, prompt, negative_prompt, width, height, num_inference_steps, guidance_scale, generator,
                 callback_on_step_end):
        if prompt == "too much":
            raise RuntimeError("out of memory")
        for step in range(num_inference_steps):
            callback_on_step_end(self, step, 0, {})
        made = Made()
        made.images = [Image.new("RGB", (width, height), (generator.seed, 0, 0))]
        return made
"""


@pytest.fixture
def standins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Packages that look like the real ones from where the child stands."""
    for name, source in (("torch", TORCH), ("diffusers", DIFFUSERS), ("transformers", "")):
        (tmp_path / f"{name}.py").write_text(source)
    monkeypatch.syspath_prepend(str(tmp_path))


@pytest.mark.usefixtures("standins")
async def test_it_tells_that_it_loads_and_then_every_step() -> None:
    heard: list[Sketch] = []
    engine = Diffusion("tiny", idle_seconds=PATIENCE)
    async with asyncio.timeout(PATIENCE):
        content = await engine.draw(SHEET, heard.append)
    await engine.close()
    assert content.startswith(b"\x89PNG")
    assert heard[0].note == "Loading the model"
    assert [round(sketch.progress, 2) for sketch in heard[1:]] == [0.32, 0.63, 0.95]


@pytest.mark.usefixtures("standins")
async def test_the_model_stays_for_the_next_picture_and_goes_when_idle() -> None:
    heard: list[Sketch] = []
    engine = Diffusion("tiny", idle_seconds=0.2)
    async with asyncio.timeout(PATIENCE):
        await engine.draw(SHEET, heard.append)
        await engine.draw(SHEET, heard.append)
        (child,) = engine._children.idle
        while child.is_alive:
            await asyncio.sleep(0.05)
    await engine.close()
    assert sum(sketch.note == "Loading the model" for sketch in heard) == 1


@pytest.mark.usefixtures("standins")
@pytest.mark.parametrize(
    ("model", "prompt", "said"), [("missing", "a boat", "not a local folder"), ("tiny", "too much", "out of memory")]
)
async def test_what_goes_wrong_in_there_is_told(model: str, prompt: str, said: str) -> None:
    engine = Diffusion(model, idle_seconds=1)
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(EngineError, match=said):
            await engine.draw(replace(SHEET, prompt=prompt), lambda sketch: None)
    await engine.close()


async def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.images.providers.diffusion.find_spec", lambda name: None)
    with pytest.raises(EngineMissing, match="torch") as caught:
        await Diffusion("tiny", idle_seconds=1).draw(SHEET, lambda sketch: None)
    assert "nitro extras diffusion" in caught.value.hint


@pytest.mark.slow
@pytest.mark.skipif(not (find_spec("torch") and find_spec("diffusers")), reason=MISSING)
async def test_a_real_pipeline_of_random_weights_draws(tmp_path: Path) -> None:
    tiny_pipeline(tmp_path)
    engine = Diffusion(str(tmp_path / "model"), idle_seconds=1)
    async with asyncio.timeout(PATIENCE):
        content = await engine.draw(SHEET, lambda sketch: None)
    await engine.close()
    assert content.startswith(b"\x89PNG")


def tiny_pipeline(folder: Path) -> None:
    """Stable Diffusion's parts, as small as they get, with random weights."""
    from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

    words = ["<|startoftext|>", "<|endoftext|>", *"abcdefghijklmnopqrstuvwxyz"]
    words += [f"{letter}</w>" for letter in "abcdefghijklmnopqrstuvwxyz"]
    (folder / "vocab.json").write_text(json.dumps({word: place for place, word in enumerate(words)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    tokens = CLIPTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt"), model_max_length=32)
    text = CLIPTextConfig(
        vocab_size=len(words), hidden_size=32, intermediate_size=37, num_hidden_layers=2, num_attention_heads=4,
        max_position_embeddings=32, bos_token_id=0, eos_token_id=1, pad_token_id=1,
    )  # fmt: skip
    unet = UNet2DConditionModel(
        block_out_channels=(32, 64), layers_per_block=1, sample_size=8, in_channels=4, out_channels=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"), up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=32,
    )  # fmt: skip
    vae = AutoencoderKL(
        block_out_channels=[32, 64], in_channels=3, out_channels=3, latent_channels=4,
        down_block_types=["DownEncoderBlock2D"] * 2, up_block_types=["UpDecoderBlock2D"] * 2,
    )  # fmt: skip
    StableDiffusionPipeline(
        vae=vae, text_encoder=CLIPTextModel(text), tokenizer=tokens, unet=unet,
        scheduler=DDIMScheduler(steps_offset=1, clip_sample=False),
        safety_checker=None, feature_extractor=None, requires_safety_checker=False,
    ).save_pretrained(str(folder / "model"))  # fmt: skip
