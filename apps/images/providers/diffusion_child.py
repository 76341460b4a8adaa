"""The process that knows `diffusers` and torch: orders as JSON on its input, frames with progress on its output."""

from __future__ import annotations

import gc
import io
import json
import os
import sys
import threading
from typing import Any

from apps.images.providers import frames


class Model:
    """The pipeline that is loaded, and on what it runs."""

    def __init__(self, name: str) -> None:
        import torch
        from diffusers import DiffusionPipeline

        self.name = name
        self.torch = torch
        self.device = "cuda" if torch.cuda.is_available() else "mps" if _has_metal(torch) else "cpu"
        kind = torch.float32 if self.device == "cpu" else torch.float16
        self.pipeline = DiffusionPipeline.from_pretrained(name, torch_dtype=kind).to(self.device)
        self.pipeline.set_progress_bar_config(disable=True)
        if hasattr(self.pipeline, "enable_attention_slicing"):
            self.pipeline.enable_attention_slicing()

    def draw(self, order: dict[str, Any]) -> bytes:
        """One picture; tells every step."""

        def told(pipeline: Any, step: int, time: Any, values: dict[str, Any]) -> dict[str, Any]:
            say({"progress": (step + 1) / order["steps"] * 0.95})
            return values

        made = self.pipeline(
            prompt=order["prompt"],
            negative_prompt=order["negative_prompt"] or None,
            width=order["width"],
            height=order["height"],
            num_inference_steps=order["steps"],
            guidance_scale=order["guidance"],
            generator=self.torch.Generator("cpu").manual_seed(order["seed"]),
            callback_on_step_end=told,
        )
        buffer = io.BytesIO()
        made.images[0].save(buffer, "PNG")
        return buffer.getvalue()


def _has_metal(torch: Any) -> bool:
    return bool(getattr(torch.backends, "mps", None) and torch.backends.mps.is_available())


def say(facts: dict[str, Any], content: bytes = b"") -> None:
    frames.write(_output, facts, content)


def end_with_parent(orders: list[bytes], more: threading.Semaphore) -> None:
    """Hand on orders as they come; when the input closes, whoever ordered is gone, and this ends in mid-picture."""
    for line in sys.stdin.buffer:
        orders.append(line)
        more.release()
    os._exit(0)


def main() -> None:
    """Draw what is ordered; keep the model for the next order."""
    orders: list[bytes] = []
    more = threading.Semaphore(0)
    threading.Thread(target=end_with_parent, args=(orders, more), daemon=True).start()
    model: Model | None = None
    while more.acquire():
        order = json.loads(orders.pop(0))
        try:
            if model is None or model.name != order["model"]:
                say({"progress": 0, "note": "Loading the model"})
                model = None
                gc.collect()
                model = Model(order["model"])
            say({"picture": True}, model.draw(order))
        except (OSError, RuntimeError, ValueError, TypeError, ImportError, MemoryError) as error:
            say({"error": _told(error), "hint": "Check DIFFUSION_MODEL, or try a smaller picture."})


def _told(error: Exception) -> str:
    return f"The model could not draw: {' '.join(str(error).split())[:300] or type(error).__name__}"


# Libraries print to standard output; the frames need it for themselves.
_output = os.fdopen(os.dup(1), "wb")

if __name__ == "__main__":
    os.dup2(2, 1)
    main()
