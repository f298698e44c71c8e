"""The prototype that this service replaces, rebuilt from its guide as it behaves: the baseline of the benchmarks.

``worker-python/.venv/bin/python -m bench.baseline`` serves it. Faithful: one shared pipeline for all requests,
``run_in_executor`` with the default executor, boto3 blocking the event loop inside the handler, the avatar opened and
verified by PIL, the result uploaded from a temporary file, every failure a 500 with the exception's text, health 200
while not ready, CORS for everybody.

Deviations, each because the guide's own way cannot run or cannot be compared here:

- the model and the IP-Adapter are loaded from a folder, not from the hub; on a CPU in float32 (the guide loads nothing
  without CUDA); no LoRA (the guide's own environment switches it off);
- the image encoder's folder is named, since diffusers' default one does not fit this adapter;
- ``seed`` is an optional field of a request (the guide has none), so that pictures can be compared;
- avatars are downloaded to a temporary file of their own: the guide does not show that function;
- ``PROTOTYPE_LOCK`` puts a lock around the pipeline's call, without which two requests break each other;
- ``PROTOTYPE_INFERENCE=stub`` answers at once with a plain 64 x 64 picture, to measure all but the drawing.
"""
