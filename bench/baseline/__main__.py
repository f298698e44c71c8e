"""Serves the prototype."""

import uvicorn

from bench.baseline.app import SETTINGS, create_app

if __name__ == "__main__":
    uvicorn.run(
        create_app(), host=SETTINGS.uvicorn_host, port=SETTINGS.uvicorn_port, log_level=SETTINGS.uvicorn_log_level
    )
