"""grpc.health.v1 and reflection, as probes and people use them; and the way from starting to draining."""

import asyncio
from collections.abc import Callable
from typing import Any

import grpc
import grpc.aio
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from autobio.worker.v1 import worker_pb2
from illustration_worker.engine.fake import FakeScript
from illustration_worker.rpc.server import SERVICE

RequestWith = Callable[..., worker_pb2.GenerateRequest]
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


def health(running: Any) -> Any:
    return health_pb2_grpc.HealthStub(running.channel)


async def check(running: Any, service: str = SERVICE) -> int:
    reply = await health(running).Check(health_pb2.HealthCheckRequest(service=service))
    return int(reply.status)


def watch(running: Any, service: str = SERVICE) -> Any:
    return health(running).Watch(health_pb2.HealthCheckRequest(service=service))


async def next_status(watching: Any) -> int:
    return int((await asyncio.wait_for(watching.read(), 2)).status)


@pytest.mark.parametrize("service", ["", SERVICE])
async def test_check_goes_with_the_engine(start: Any, service: str) -> None:
    running = await start(is_open=False)
    assert await check(running, service) == NOT_SERVING
    running.open()
    assert await check(running, service) == SERVING
    await running.server.drain(1)
    assert await check(running, service) == NOT_SERVING


async def test_check_of_an_unknown_service_is_not_found(start: Any) -> None:
    running = await start()
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await check(running, "some.Other")
    assert raised.value.code() == grpc.StatusCode.NOT_FOUND


async def test_watch_tells_each_change(start: Any) -> None:
    running = await start(is_open=False)
    watching = watch(running)
    assert await next_status(watching) == NOT_SERVING
    running.open()
    assert await next_status(watching) == SERVING
    await running.server.drain(1)
    assert await next_status(watching) == NOT_SERVING


async def test_watch_of_an_unknown_service_stays_open(start: Any) -> None:
    running = await start()
    assert await next_status(watch(running, "some.Other")) == health_pb2.HealthCheckResponse.SERVICE_UNKNOWN


async def test_a_watcher_that_leaves_does_not_deafen_the_others(start: Any) -> None:
    running = await start(is_open=False)
    leaving, staying = watch(running), watch(running)
    assert [await next_status(leaving), await next_status(staying)] == [NOT_SERVING, NOT_SERVING]
    leaving.cancel()
    assert await check(running) == NOT_SERVING
    running.open()
    assert await next_status(staying) == SERVING


async def test_watchers_do_not_hold_up_the_end(start: Any) -> None:
    running = await start()
    watching = watch(running)
    assert await next_status(watching) == SERVING
    # read while the server drains: once the connection is gone, gRPC may drop what was not read yet
    told = asyncio.create_task(next_status(watching))
    await running.server.drain(1)
    assert await told == NOT_SERVING
    await asyncio.wait_for(running.server.stop(), 0.9)
    await asyncio.wait_for(watching.code(), 2)


async def test_draining_refuses_new_jobs_and_finishes_the_old(
    start: Any, request_with: RequestWith, failure_of: Any
) -> None:
    running = await start(FakeScript(step_seconds=0.02))
    call = running.stub.Generate(request_with(num_inference_steps=20))
    await call.read()
    draining = asyncio.create_task(running.server.drain(10))
    watching = watch(running)
    while await next_status(watching) != NOT_SERVING:
        pass
    late = running.stub.Generate(request_with(job_id="late"))
    with pytest.raises(grpc.aio.AioRpcError):
        await late.read()
    assert (await failure_of(late))[:2] == (grpc.StatusCode.UNAVAILABLE, "DRAINING")
    assert not draining.done()
    while not (await call.read()).HasField("finished"):
        pass
    assert await draining is True


async def test_a_job_that_outlives_the_grace_is_cut(start: Any, request_with: RequestWith) -> None:
    running = await start(FakeScript(hang_at_step=1))
    call = running.stub.Generate(request_with())
    await call.read()
    assert await running.server.drain(0.05) is False
    await running.server.stop()
    await asyncio.wait_for(running.engine.stop(), 1)
    with pytest.raises(grpc.aio.AioRpcError):
        await call.read()
    assert await call.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)


async def test_reflection_lists_the_services(start: Any) -> None:
    running = await start()
    stub = reflection_pb2_grpc.ServerReflectionStub(running.channel)
    asked = reflection_pb2.ServerReflectionRequest(list_services="")
    replies = [reply async for reply in stub.ServerReflectionInfo(iter([asked]))]
    names = {service.name for service in replies[0].list_services_response.service}
    assert names == {SERVICE, "grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"}
