"""A1111's `modules.shared_total_tqdm`."""

from modules.compat.state import TotalTqdm as TotalTQDM  # noqa: F401
