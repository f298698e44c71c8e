"""Model files from S3: fast, resumable, verified, cached."""
