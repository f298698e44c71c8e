"""The gRPC face: protobuf in, jobs out. No torch, no diffusers, no PIL here."""
