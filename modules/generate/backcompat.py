"""Pictures of older A1111 versions: the options that draw them as they were, by the version an infotext is from."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from modules.prompts.infotext import Parameters

VERSION_KEY = "Version"
VERSION = re.compile(r"v?(\d+)\.(\d+)(?:\.(\d+))?(?:-(?P<after>\d+)|-?(?P<before>[a-z]+)\d*)?(?:-.*)?", re.IGNORECASE)

Version = tuple[int, int, int, int]  # major, minor, patch; then commits after that release, or -1 before it


@dataclass(frozen=True, slots=True)
class Rule:
    """Infotexts from before a version set an option, where it could matter."""

    before: Version
    option: str
    matters: Callable[[Parameters], bool] = lambda found: True


RULES = (
    Rule((1, 6, 0, 0), "use_old_scheduling", lambda found: "[" in found.prompt),
    Rule((1, 6, 0, 0), "pad_cond_uncond_v0", lambda found: found.pairs.get("Sampler") in ("DDIM", "PLMS")),
    Rule((1, 7, 0, 225), "use_downcasted_alpha_bar"),
    Rule((1, 8, 0, 0), "refiner_switch_by_sample_steps", lambda found: bool(found.pairs.get("Refiner"))),
)


def parse_version(text: str) -> Version | None:
    """`v1.7.0-225-gabc1234`, `1.5.2`, `v1.8.0-RC`…; None for what no release of A1111 or of this program is called."""
    match = VERSION.fullmatch(text.strip())
    if match is None:
        return None
    major, minor, patch = (int(match[part] or 0) for part in (1, 2, 3))
    return major, minor, patch, -1 if match["before"] else int(match["after"] or 0)


def switches(found: Parameters) -> list[str]:
    """The options to switch on for an infotext; none where it does not say its version."""
    version = parse_version(found.pairs.get(VERSION_KEY, ""))
    return [rule.option for rule in RULES if version and version < rule.before and rule.matters(found)]
