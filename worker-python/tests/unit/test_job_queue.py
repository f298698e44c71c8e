"""Tickets and the queue in front of the device, without any engine."""

import asyncio
import threading
import time
from collections.abc import Callable

import pytest

from illustration_worker.engine.job_queue import JobQueue
from illustration_worker.engine.ticket import Ticket
from illustration_worker.errors import (
    CanceledError,
    DeadlineExceededError,
    DrainingError,
    GenerationFailedError,
    QueueFullError,
)
from illustration_worker.job import Job, JobEvent, Queued, Started

MakeJob = Callable[..., Job]


def joined(queue: JobQueue[Ticket], make_job: MakeJob) -> Ticket:
    ticket = Ticket(make_job())
    queue.accept(ticket)
    queue.enqueue(ticket)
    return ticket


async def next_event(ticket: Ticket) -> JobEvent:
    return await asyncio.wait_for(ticket.next_event(), timeout=5)


async def test_each_waiting_job_hears_of_every_move(make_job: MakeJob) -> None:
    queue: JobQueue[Ticket] = JobQueue(8)
    first, second, third = (joined(queue, make_job) for _ in range(3))
    assert await next_event(second) == Queued(position=1)
    assert await next_event(third) == Queued(position=2)
    assert queue.take() is first
    queue.withdraw(second)
    assert await next_event(third) == Queued(position=1)
    queue.release(first)
    assert queue.take() is third
    third.emit(Started())
    assert await next_event(third) == Started()


async def test_jobs_are_taken_in_the_order_of_arrival(make_job: MakeJob) -> None:
    queue: JobQueue[Ticket] = JobQueue(8)
    tickets = [joined(queue, make_job) for _ in range(5)]
    assert [queue.take() for _ in tickets] == tickets


async def test_a_job_counts_from_acceptance_to_release(make_job: MakeJob) -> None:
    queue: JobQueue[Ticket] = JobQueue(2)
    still_preparing = Ticket(make_job())
    queue.accept(still_preparing)
    drawn = joined(queue, make_job)
    assert queue.take() is drawn
    queue.withdraw(drawn)  # its caller left, but the device still works on it
    with pytest.raises(QueueFullError):
        queue.accept(Ticket(make_job()))
    queue.release(drawn)
    queue.accept(Ticket(make_job()))
    with pytest.raises(QueueFullError):
        queue.accept(Ticket(make_job()))
    queue.withdraw(still_preparing)
    queue.accept(Ticket(make_job()))


async def test_a_closed_queue_finishes_what_it_accepted(make_job: MakeJob) -> None:
    queue: JobQueue[Ticket] = JobQueue(2)
    accepted = Ticket(make_job())
    queue.accept(accepted)
    queue.close()
    with pytest.raises(DrainingError):
        queue.accept(Ticket(make_job()))
    taken: list[Ticket] = []

    def draw_until_closed() -> None:
        while (ticket := queue.take()) is not None:
            taken.append(ticket)
            queue.release(ticket)

    device = threading.Thread(target=draw_until_closed, daemon=True)
    device.start()
    queue.enqueue(accepted)
    await asyncio.to_thread(device.join, 5)
    assert not device.is_alive()
    assert taken == [accepted]


async def test_a_failure_reaches_the_caller_after_the_events_before_it(make_job: MakeJob) -> None:
    ticket = Ticket(make_job())
    await asyncio.to_thread(ticket.emit, Started())
    await asyncio.to_thread(ticket.fail, GenerationFailedError("no picture"))
    assert await next_event(ticket) == Started()
    with pytest.raises(GenerationFailedError, match="no picture"):
        await next_event(ticket)


async def test_the_caller_hears_of_the_deadline_even_if_the_device_hangs(make_job: MakeJob) -> None:
    ticket = Ticket(make_job(deadline=time.monotonic() + 0.05))
    with pytest.raises(DeadlineExceededError):
        await next_event(ticket)
    with pytest.raises(DeadlineExceededError):
        ticket.raise_if_over()


async def test_what_was_done_in_time_is_delivered_late(make_job: MakeJob) -> None:
    ticket = Ticket(make_job(deadline=time.monotonic() - 1))
    ticket.emit(Started())
    await asyncio.sleep(0)  # lets the loop put the event into the ticket
    assert await next_event(ticket) == Started()


async def test_a_canceled_job_is_over_a_live_one_is_not(make_job: MakeJob) -> None:
    ticket = Ticket(make_job(deadline=time.monotonic() + 60))
    ticket.raise_if_over()
    ticket.cancel()
    with pytest.raises(CanceledError):
        ticket.raise_if_over()


def test_a_ticket_whose_loop_is_closed_cancels_itself(make_job: MakeJob) -> None:
    async def make_ticket() -> Ticket:
        return Ticket(make_job())

    ticket = asyncio.run(make_ticket())
    ticket.emit(Started())
    with pytest.raises(CanceledError):
        ticket.raise_if_over()
