"""Serves the prototype."""

import uvicorn

from bench.baseline.app import create_app
from bench.baseline.config import PrototypeSettings

if __name__ == "__main__":
    settings = PrototypeSettings()
    uvicorn.run(
        create_app(settings),
        host=settings.uvicorn_host,
        port=settings.uvicorn_port,
        log_level=settings.uvicorn_log_level,
    )
