"""Speed, mostly against a bare reference, side by side: `python -m tests.bench.overhead`, `…startup`, `…prompt`, `…shelf`."""
