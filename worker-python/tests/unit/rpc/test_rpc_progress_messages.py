"""Previews, checkpoints, device time and capacity cross the wire."""

from dataclasses import replace
from typing import Any

import pytest

from autobio.worker.v1 import worker_pb2
from illustration_worker.engine.fake import FakeEngine
from illustration_worker.engine.port import Capacity, RowThroughput
from illustration_worker.errors import InvalidRequestError
from illustration_worker.job import Checkpoint, Finished, Job, Preview, Timings
from illustration_worker.rpc.mapping import MAX_CHECKPOINT_BYTES, to_job
from illustration_worker.rpc.responses import to_describe_response, to_responses

LIMITS = FakeEngine().describe()


def job_of(**fields: Any) -> Job:
    request = worker_pb2.GenerateRequest(job_id="job", prompt="the sea", num_inference_steps=3, **fields)
    return to_job(request, LIMITS, None)


def test_previews_and_checkpoints_are_told() -> None:
    (preview,) = to_responses(Preview(index=4, png=b"small"))
    assert (preview.preview.index, preview.preview.png) == (4, b"small")
    (checkpoint,) = to_responses(Checkpoint(index=5, state=b"state"))
    assert (checkpoint.checkpoint.index, checkpoint.checkpoint.state) == (5, b"state")


def test_the_device_time_is_told() -> None:
    timings = Timings(queue=0, encode=0, denoise=0, decode=0, png=0)
    *_, last = to_responses(Finished(png=b"png", width=8, height=8, timings=timings, device_seconds=1.25))
    assert last.finished.device_time.ToNanoseconds() == 1_250_000_000


def test_what_a_job_wants_to_hear_is_read() -> None:
    quiet = job_of()
    assert (quiet.preview_every, quiet.wants_checkpoints, quiet.checkpoint) == (0, False, None)
    asked = job_of(preview_every=5, wants_checkpoints=True, checkpoint=b"state")
    assert (asked.preview_every, asked.wants_checkpoints, asked.checkpoint) == (5, True, b"state")


@pytest.mark.parametrize(
    ("fields", "named"),
    [({"preview_every": -1}, "preview_every"), ({"checkpoint": bytes(MAX_CHECKPOINT_BYTES + 1)}, "checkpoint")],
)
def test_what_cannot_be_meant_is_refused(fields: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidRequestError, match=named):
        job_of(**fields)


def test_the_capacity_is_described() -> None:
    measured = (RowThroughput(1, 0.5, 1024, 1024), RowThroughput(2, 0.75, 832, 1216, peak_memory_bytes=10))
    reply = to_describe_response(replace(LIMITS, capacity=Capacity(2, True, measured)))
    assert (reply.capacity.row_cap, reply.capacity.reproducible) == (2, True)
    first, second = reply.capacity.throughput
    assert (first.rows, first.call.ToMilliseconds(), first.HasField("peak_memory_bytes")) == (1, 500, False)
    assert (second.rows, second.call.ToMilliseconds(), second.peak_memory_bytes) == (2, 750, 10)
    assert (second.width, second.height) == (832, 1216)


def test_the_settings_that_reach_the_picture_are_described() -> None:
    assert to_describe_response(replace(LIMITS, picture_settings="reference_fit=pad")).picture_settings == (
        "reference_fit=pad"
    )
