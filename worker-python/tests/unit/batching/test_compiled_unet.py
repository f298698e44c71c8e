"""What is compiled, and what is not."""

from typing import Any

import torch

from illustration_worker.engine.batching.compiled_unet import CompiledUnet
from illustration_worker.engine.batching.row_inputs import ImageRows, RowInputs


class Recording:
    """A UNet that says which it is."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.unet = CompiledUnet(self._named("compiled"), self._named("plain"))

    def _named(self, name: str) -> Any:
        def call(latents: torch.Tensor, timesteps: torch.Tensor, **conditions: Any) -> tuple[torch.Tensor, ...]:
            self.calls.append(name)
            return (latents,)

        return call

    def __call__(self, rows: int, *image_tokens: int, side: int = 8) -> str:
        images = tuple(
            ImageRows(0, rows, [torch.zeros(rows, 2, tokens, 4)], [torch.zeros(rows, 2, tokens, 4)], [])
            for tokens in image_tokens
        )
        inputs = RowInputs([], [], images)
        self.unet(torch.zeros(rows, 4, side, side), torch.zeros(rows), encoder_hidden_states=(None, inputs))
        return self.calls[-1]


def test_shapes_met_before_freezing_are_compiled_and_no_others() -> None:
    call = Recording()
    assert [call(2, 4), call(4, 4)] == ["compiled", "compiled"]
    call.unet.freeze()
    assert [call(2, 4), call(4, 4)] == ["compiled", "compiled"]
    assert [call(8, 4), call(2, 8), call(2, 4, 4), call(2), call(2, 4, side=16)] == ["plain"] * 5
