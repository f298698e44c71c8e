"""gRPC's types as the type checker knows them; at run time its classes take no parameters, hence the quotes."""

from typing import Any, TypeAlias

import grpc
import grpc.aio

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
MaybeHandler: TypeAlias = "grpc.RpcMethodHandler[Any, Any] | None"
"""None: nobody serves the call."""
