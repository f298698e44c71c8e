"""Step-level continuous batching: one UNet call carries rows of several jobs, each at its own step.

A job's way: ``conditioning`` (made once) -> ``denoising`` (its own scheduler and noise) -> ``selection`` (whose turn)
-> ``cohort`` and ``unet_call`` (rows together) -> ``finishing``. ``step_loop`` drives it, ``engine`` is the port.
"""
