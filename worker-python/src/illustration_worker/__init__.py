"""The worker of AutoBio's illustration service: owns the GPU and draws, one gRPC call an illustration.

Layers, each importing only what stands to its right: ``__main__ -> rpc -> engine -> (models, images, job, errors)``.
"""

__version__ = "0.1.0"
