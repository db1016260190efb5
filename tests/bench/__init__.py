"""Speed, mostly against a bare reference, side by side: `python -m tests.bench.overhead`, and so on with the others."""
