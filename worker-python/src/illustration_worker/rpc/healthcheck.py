"""``python -m illustration_worker.rpc.healthcheck`` exits with 0 when the worker would draw now: for container probes.

With ``--live`` it is enough that the worker answers, whatever it says: a worker that loads its model for minutes is
well, one that answers nobody is to be started again.

The address comes from ``WORKER_ADDRESS`` alone: a probe needs nothing else of the settings.
"""

import os
import sys

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

TIMEOUT_SECONDS = 3.0


def is_well(address: str, *, is_answer_enough: bool = False) -> bool:
    """Whether the worker at ``address`` (``unix:PATH`` or ``HOST:PORT``) reports SERVING, or answers at all."""
    with grpc.insecure_channel(address) as channel:
        request = health_pb2.HealthCheckRequest()
        try:
            response = health_pb2_grpc.HealthStub(channel).Check(request, timeout=TIMEOUT_SECONDS)
        except grpc.RpcError as error:
            print(f"the worker at {address} does not answer: {error.code().name}", file=sys.stderr)
            return False
        if response.status != health_pb2.HealthCheckResponse.SERVING and not is_answer_enough:
            print(f"the worker at {address} is not ready", file=sys.stderr)
            return False
        return True


def main(arguments: list[str], address: str) -> int:
    """The exit status: 0 well, 1 not, 2 for arguments that mean nothing."""
    if arguments not in ([], ["--live"]):
        print("usage: python -m illustration_worker.rpc.healthcheck [--live]", file=sys.stderr)
        return 2
    return 0 if is_well(address, is_answer_enough=arguments == ["--live"]) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ.get("WORKER_ADDRESS") or "127.0.0.1:50051"))
