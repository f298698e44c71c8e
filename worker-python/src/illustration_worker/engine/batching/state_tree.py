"""A scheduler's attributes as JSON and tensors, and back. Not pickle: a checkpoint comes from another process."""

from typing import Any

import numpy as np
import torch

Tensors = dict[str, torch.Tensor]


class UnsupportedStateError(Exception):
    """A value is neither plain nor a tensor; this scheduler's state cannot be written down."""


def pack(value: Any, tensors: Tensors) -> dict[str, Any]:
    """``value`` as JSON; its tensors are added to ``tensors``, copied to the CPU.

    Raises:
        UnsupportedStateError: there is something else in it.
    """
    if isinstance(value, torch.Tensor):
        name = f"state.{len(tensors)}"
        tensors[name] = value.detach().to("cpu", copy=True).contiguous()
        return {"tensor": name, "on_cpu": value.device.type == "cpu"}
    if type(value) in (list, tuple):
        return {type(value).__name__: [pack(item, tensors) for item in value]}
    if value is None or type(value) in (bool, int, float, str):
        return {"value": value}
    raise UnsupportedStateError(type(value).__name__)


def unpack(packed: dict[str, Any], tensors: Tensors, device: torch.device) -> Any:
    """The value that ``pack`` was given; what was not on the CPU goes to ``device``."""
    if "tensor" in packed:
        tensor = tensors[packed["tensor"]]
        return tensor if packed["on_cpu"] else tensor.to(device)
    if "list" in packed:
        return [unpack(item, tensors, device) for item in packed["list"]]
    if "tuple" in packed:
        return tuple(unpack(item, tensors, device) for item in packed["tuple"])
    return packed["value"]


def is_same(left: Any, right: Any) -> bool:
    """Whether two attribute values are equal, tensors, arrays and lists of them included."""
    if isinstance(left, torch.Tensor) or isinstance(right, torch.Tensor):
        return isinstance(left, torch.Tensor) and isinstance(right, torch.Tensor) and _is_same_tensor(left, right)
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return len(left) == len(right) and all(is_same(one, other) for one, other in zip(left, right, strict=True))
    return type(left) is type(right) and bool(np.array_equal(left, right))


def _is_same_tensor(left: torch.Tensor, right: torch.Tensor) -> bool:
    return left.dtype == right.dtype and left.device == right.device and torch.equal(left, right)
