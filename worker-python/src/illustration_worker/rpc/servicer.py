"""``autobio.worker.v1.WorkerService``."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any, cast

from autobio.worker.v1 import embeddings_pb2, model_pb2, worker_pb2, worker_pb2_grpc
from illustration_worker.job import JobEvent
from illustration_worker.load_progress import LoadProgress
from illustration_worker.rpc.call_log import bind_request, log_event
from illustration_worker.rpc.call_trace import traced_call
from illustration_worker.rpc.grpc_types import Context
from illustration_worker.rpc.lifecycle import Lifecycle
from illustration_worker.rpc.lora_stream import chunks_of, header_of
from illustration_worker.rpc.mapping import to_job
from illustration_worker.rpc.responses import (
    to_describe_response,
    to_load_progress_response,
    to_put_lora_response,
    to_responses,
)


class WorkerServicer(worker_pb2_grpc.WorkerServiceServicer):
    """The contract is told in ``worker.proto``. Errors are raised; the interceptor tells the caller."""

    def __init__(self, lifecycle: Lifecycle, progress: LoadProgress) -> None:
        self._lifecycle = lifecycle
        self._progress = progress

    async def Generate(  # noqa: N802  # gRPC's name
        self, request: worker_pb2.GenerateRequest, context: Context
    ) -> AsyncIterator[worker_pb2.GenerateResponse]:
        """Draw one illustration."""
        bind_request(request, cast(Any, context.invocation_metadata()))
        with self._lifecycle.admitted() as engine, traced_call() as trace:
            job = to_job(request, engine.describe(), context.time_remaining())
            # closing is part of the engine's port: it is what cancels the job
            async with aclosing(cast("AsyncGenerator[JobEvent, None]", engine.generate(job))) as events:
                async for event in events:
                    log_event(event)
                    trace.tell(event)
                    for response in to_responses(event):
                        yield response

    async def PutLora(  # noqa: N802  # gRPC's name
        self, request_iterator: AsyncIterator[model_pb2.PutLoraRequest], context: Context
    ) -> model_pb2.PutLoraResponse:
        """Take a LoRA file in; also while the worker drains: a job that is inside may wait for it."""
        engine = self._lifecycle.engine
        header = await header_of(request_iterator)
        return to_put_lora_response(await engine.put_lora(header, chunks_of(request_iterator)))

    async def Describe(  # noqa: N802  # gRPC's name
        self, request: model_pb2.DescribeRequest, context: Context
    ) -> model_pb2.DescribeResponse:
        """Say what is loaded."""
        return to_describe_response(self._lifecycle.engine.describe())

    async def GetLoadProgress(  # noqa: N802  # gRPC's name
        self, request: model_pb2.GetLoadProgressRequest, context: Context
    ) -> model_pb2.GetLoadProgressResponse:
        """Say how far loading is."""
        return to_load_progress_response(self._progress.state())

    async def ForgetEmbeddings(  # noqa: N802  # gRPC's name
        self, request: embeddings_pb2.ForgetEmbeddingsRequest, context: Context
    ) -> embeddings_pb2.ForgetEmbeddingsResponse:
        """Drop what was encoded; also while the worker drains."""
        return embeddings_pb2.ForgetEmbeddingsResponse(entries=self._lifecycle.engine.forget_embeddings())
