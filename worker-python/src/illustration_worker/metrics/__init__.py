"""What the worker tells Prometheus. Filled by ``illustration_worker.signals``; no torch of its own."""
