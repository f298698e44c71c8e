"""The bounded queue in front of the device: who may join, who is next, how far each is from its turn. No torch."""

import threading
from collections import deque
from typing import Generic, TypeVar

from illustration_worker.engine.ticket import Ticket
from illustration_worker.errors import DrainingError, QueueFullError

TicketT = TypeVar("TicketT", bound=Ticket)


class JobQueue(Generic[TicketT]):
    """Thread-safe. A ticket's way: ``accept``, ``enqueue``, ``take``, ``release``; or ``withdraw`` before its turn.

    Accepting is apart from joining so that a job's reference images can be decoded in between, off the device, while
    its place is already counted.
    """

    def __init__(self, max_outstanding_jobs: int) -> None:
        self._max_outstanding_jobs = max_outstanding_jobs
        self._outstanding: set[TicketT] = set()
        self._waiting: deque[TicketT] = deque()
        self._taken: set[TicketT] = set()
        self._is_closed = False
        self._changed = threading.Condition()

    def accept(self, ticket: TicketT) -> None:
        """Count ``ticket`` among the outstanding jobs.

        Raises:
            DrainingError: the queue is closed.
            QueueFullError: ``max_outstanding_jobs`` are outstanding.
        """
        with self._changed:
            self.raise_if_closed()
            if len(self._outstanding) >= self._max_outstanding_jobs:
                raise QueueFullError(f"{len(self._outstanding)} jobs are outstanding already; try again later.")
            self._outstanding.add(ticket)

    def enqueue(self, ticket: TicketT) -> None:
        """Let the accepted ``ticket`` wait for its turn; it is told its place."""
        with self._changed:
            self._waiting.append(ticket)
            self._tell_positions()
            self._changed.notify_all()

    def take(self) -> TicketT | None:
        """The next ticket; waits for one. None once the queue is closed and nothing is outstanding."""
        with self._changed:
            while not self._waiting:
                if self._is_closed and not self._outstanding:
                    return None
                self._changed.wait()
            ticket = self._waiting.popleft()
            self._taken.add(ticket)
            return ticket

    def poll(self) -> TicketT | None:
        """The next ticket; None when none waits."""
        with self._changed:
            if not self._waiting:
                return None
            ticket = self._waiting.popleft()
            self._taken.add(ticket)
            return ticket

    def release(self, ticket: TicketT) -> None:
        """The work on ``ticket`` is over, well or not: its place is free."""
        with self._changed:
            self._forget(ticket)

    def withdraw(self, ticket: TicketT) -> None:
        """The caller of ``ticket`` left. One that was taken keeps its place until ``release``."""
        with self._changed:
            if ticket not in self._taken:
                self._forget(ticket)

    def close(self) -> None:
        """Accept no more; those accepted go on."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def raise_if_closed(self) -> None:
        """Raises DrainingError once the queue is closed."""
        if self._is_closed:
            raise DrainingError("The worker is shutting down.")

    def _forget(self, ticket: TicketT) -> None:
        self._outstanding.discard(ticket)
        self._taken.discard(ticket)
        if ticket in self._waiting:
            self._waiting.remove(ticket)
        self._tell_positions()
        self._changed.notify_all()

    def _tell_positions(self) -> None:
        for place, ticket in enumerate(self._waiting):
            ticket.tell_position(place + len(self._taken))
