"""A1111's `modules.prompt_parser`: prompts as structure, and as conditioning of A1111's classes."""

from modules.compat.parsing import (  # noqa: F401
    ComposableScheduledPromptConditioning,
    DictWithShape,
    MulticondLearnedConditioning,
    ScheduledPromptConditioning,
    SdConditioning,
    get_learned_conditioning,
    get_learned_conditioning_prompt_schedules,
    get_multicond_learned_conditioning,
    get_multicond_prompt_list,
    parse_prompt_attention,
    reconstruct_cond_batch,
    reconstruct_multicond_batch,
)

import re  # isort: skip

re_AND = re.compile(r"\bAND\b(?!_PERP|_SALT|_TOPK)")
re_weight = re.compile(r"^((?:\s|.)*?)(?:\s*:\s*([-+]?(?:\d+\.?|\d*\.\d+)))?\s*$")
