"""``python -m illustration_worker.rpc.healthcheck`` exits with 0 when the worker would draw now: for container probes.

The address comes from ``WORKER_ADDRESS`` alone: a probe needs nothing else of the settings.
"""

import os
import sys

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

TIMEOUT_SECONDS = 3.0


def is_serving(address: str) -> bool:
    """Whether the worker at ``address`` (``unix:PATH`` or ``HOST:PORT``) reports SERVING."""
    with grpc.insecure_channel(address) as channel:
        request = health_pb2.HealthCheckRequest()
        try:
            response = health_pb2_grpc.HealthStub(channel).Check(request, timeout=TIMEOUT_SECONDS)
        except grpc.RpcError as error:
            print(f"the worker at {address} does not answer: {error.code().name}", file=sys.stderr)
            return False
        if response.status != health_pb2.HealthCheckResponse.SERVING:
            print(f"the worker at {address} is not ready", file=sys.stderr)
            return False
        return True


if __name__ == "__main__":
    sys.exit(0 if is_serving(os.environ.get("WORKER_ADDRESS") or "127.0.0.1:50051") else 1)
