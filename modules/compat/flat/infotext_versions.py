"""A1111's `modules.infotext_versions`: versions that drew in another way."""


def parse_version(text):
    """(1, 8, 0) of v1.8.0."""
    import re

    found = re.match(r"v?(\d+)\.(\d+)\.(\d+)", text or "")
    return tuple(int(one) for one in found.groups()) if found else None


v160 = parse_version("1.6.0")
v170_tsnr = parse_version("1.7.0")
v180 = parse_version("1.8.0")
v180_hr_styles = parse_version("1.8.0")


def backcompat(d):
    """Read by the program's own reader."""
