"""What schemathesis asks of every reply beside its own checks: a failure is problem+json with a reason of the catalogue.

The catalogue comes as JSON in `PROBLEM_CATALOGUE`: slug -> HTTP status.
"""

import json
import os

import schemathesis

CATALOGUE: dict[str, int] = json.loads(os.environ["PROBLEM_CATALOGUE"])
MEMBERS = {"type", "title", "status", "detail", "instance", "error", "request_id", "retryable"}
HEALTH = "/health"
"""503 of a health page is its own body: it is an answer and not a failure."""


@schemathesis.check
def problem_of_the_catalogue(ctx, response, case) -> None:  # noqa: ANN001 -- schemathesis' own types
    """A reply of 400 or more is a problem; 500 never is an answer to what a caller sends."""
    if response.status_code < 400 or case.path.startswith(HEALTH):
        return
    assert response.headers["content-type"] == ["application/problem+json"], response.headers["content-type"]
    if case.method.upper() == "HEAD":
        return
    problem = response.json()
    assert MEMBERS <= problem.keys(), f"members are missing: {MEMBERS - problem.keys()}"
    assert CATALOGUE.get(problem["error"]) == response.status_code == problem["status"], problem
    assert response.status_code != 500, problem
