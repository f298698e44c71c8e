"""What an engine tells -> protobuf."""

import hashlib
from collections.abc import Iterator
from typing import assert_never

from google.protobuf.duration_pb2 import Duration

from autobio.worker.v1 import model_pb2, worker_pb2
from illustration_worker import __version__
from illustration_worker.engine.port import Capacity, EngineDescription, HeldLora
from illustration_worker.job import Checkpoint, Finished, JobEvent, LoraNeeded, Preview, Queued, Started, Step, Timings
from illustration_worker.load_progress import LoadState
from illustration_worker.model_file import ModelFile

IMAGE_CHUNK_BYTES = 512 * 1024


def to_responses(event: JobEvent) -> Iterator[worker_pb2.GenerateResponse]:
    """The messages that tell of ``event``: one, and for ``Finished`` the PNG's chunks before it."""
    match event:
        case LoraNeeded():
            yield worker_pb2.GenerateResponse(lora_needed=worker_pb2.LoraNeeded())
        case Queued(position=position):
            yield worker_pb2.GenerateResponse(queued=worker_pb2.Queued(position=position))
        case Started():
            yield worker_pb2.GenerateResponse(started=worker_pb2.Started())
        case Step(index=index, total=total):
            yield worker_pb2.GenerateResponse(step=worker_pb2.Step(index=index, total=total))
        case Preview(index=index, png=png):
            yield worker_pb2.GenerateResponse(preview=worker_pb2.Preview(index=index, png=png))
        case Checkpoint(index=index, state=state):
            yield worker_pb2.GenerateResponse(checkpoint=worker_pb2.Checkpoint(index=index, state=state))
        case Finished(png=png):
            for start in range(0, len(png), IMAGE_CHUNK_BYTES):
                chunk = worker_pb2.ImageChunk(data=png[start : start + IMAGE_CHUNK_BYTES])
                yield worker_pb2.GenerateResponse(image_chunk=chunk)
            yield worker_pb2.GenerateResponse(finished=_finished(event))
        case _:
            assert_never(event)


def to_describe_response(description: EngineDescription) -> model_pb2.DescribeResponse:
    """The engine's description, with the worker's version."""
    return model_pb2.DescribeResponse(
        worker_version=__version__,
        engine=description.engine,
        model=description.model,
        is_demo_model=description.about is not None,
        about=description.about,
        device=description.device,
        dtype=description.dtype,
        ip_adapter=description.ip_adapter,
        scheduler=description.scheduler,
        max_outstanding_jobs=description.max_outstanding_jobs,
        default_image_size=description.default_image_size,
        min_image_size=description.min_image_size,
        max_image_size=description.max_image_size,
        capacity=None if description.capacity is None else _capacity(description.capacity),
        held_loras=[
            model_pb2.HeldLora(lora_id=held.lora_id, sha256=held.sha256, size_bytes=held.size_bytes)
            for held in description.held_loras
        ],
        max_lora_bytes=description.max_lora_bytes,
        model_files=[_model_file(file) for file in description.model_files],
        model_digest=description.model_digest,
        picture_settings=description.picture_settings,
    )


def to_load_progress_response(state: LoadState) -> model_pb2.GetLoadProgressResponse:
    """How far loading is."""
    left = state.seconds_left
    return model_pb2.GetLoadProgressResponse(
        phase=state.phase,
        done_bytes=state.done_bytes,
        total_bytes=state.total_bytes,
        time_left=None if left is None else _duration(left),
    )


def _model_file(file: ModelFile) -> model_pb2.ModelFile:
    return model_pb2.ModelFile(
        role=file.role, source=file.source, kind=file.kind, sha256=file.sha256, size_bytes=file.size_bytes
    )


def to_put_lora_response(held: HeldLora) -> model_pb2.PutLoraResponse:
    """What a LoRA that was put is."""
    return model_pb2.PutLoraResponse(sha256=held.sha256, kind=held.kind)


def _capacity(capacity: Capacity) -> model_pb2.Capacity:
    throughput = [
        model_pb2.RowThroughput(
            rows=measured.rows,
            call=_duration(measured.seconds),
            peak_memory_bytes=measured.peak_memory_bytes,
            width=measured.width,
            height=measured.height,
        )
        for measured in capacity.throughput
    ]
    return model_pb2.Capacity(row_cap=capacity.row_cap, reproducible=capacity.is_reproducible, throughput=throughput)


def _finished(event: Finished) -> worker_pb2.Finished:
    return worker_pb2.Finished(
        sha256=hashlib.sha256(event.png).hexdigest(),
        size_bytes=len(event.png),
        width=event.width,
        height=event.height,
        timings=_timings(event.timings),
        device_time=_duration(event.device_seconds),
        lora_sha256=event.lora_sha256,
        warnings=event.warnings,
    )


def _timings(timings: Timings) -> worker_pb2.Timings:
    return worker_pb2.Timings(
        queue=_duration(timings.queue),
        encode=_duration(timings.encode),
        denoise=_duration(timings.denoise),
        decode=_duration(timings.decode),
        png=_duration(timings.png),
    )


def _duration(seconds: float) -> Duration:
    duration = Duration()
    duration.FromNanoseconds(round(seconds * 1e9))
    return duration
