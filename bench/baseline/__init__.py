"""The prototype that this service replaces, rebuilt from its guide as it behaves: the baseline of the benchmarks.

``worker-python/.venv/bin/python -m bench.baseline`` serves it. Faithful: one shared pipeline for all requests,
``run_in_executor`` with the default executor, boto3 blocking the event loop inside the handler, the photo opened and
verified by PIL, the result uploaded from a temporary file, every failure a 500 with the exception's text, health 200
while not ready, CORS for everybody, no seed.

Deviations, each because the guide's own way cannot run or cannot be compared here, or because it does not show it:

- the model and the IP-Adapter are loaded from a folder, not from the hub or S3; on a CPU in float32 (the guide loads
  nothing without CUDA); no LoRA (the guide's own environment switches it off);
- the image encoder's folder is named, since diffusers' default one does not fit this adapter;
- a field that is null means its default; the guide would pass the null on, and a picture of None steps cannot be drawn;
- the inference functions are not in the guide: the prompts and photos of memory and subject are those that its service
  is known by (subject: the style is the prompt, the photo the subject's); size and guidance are the pipeline's own;
- photos are downloaded to a temporary file of their own: the guide does not show that function;
- ``inference`` takes a generator, for benchmarks that compare pictures; the service never passes one;
- left out: the ``/images`` folder of static files, which no call here uses, and training, which the guide has not;
- ``PROTOTYPE_LOCK`` puts a lock around the pipeline's call, without which two requests break each other;
- ``PROTOTYPE_INFERENCE=stub`` answers at once with a plain 64 x 64 picture, to measure all but the drawing.
"""
