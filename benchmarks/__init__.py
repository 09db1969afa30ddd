"""Every figure that the README quotes, measured with one command: `python -m benchmarks`."""
