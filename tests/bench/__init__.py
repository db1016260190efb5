"""Speed against a bare reference, side by side: `python -m tests.bench.overhead`, `python -m tests.bench.startup`."""
