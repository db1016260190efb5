"""A1111's `modules.patches`: a module's function exchanged, and put back."""

from collections import defaultdict

originals = defaultdict(dict)


def patch(key, obj, field, replacement):
    """Exchange; gives what was there."""
    if (obj, field) in originals[key]:
        raise RuntimeError(f"patch for {field} is already applied")
    original = originals[key][(obj, field)] = getattr(obj, field)
    setattr(obj, field, replacement)
    return original


def undo(key, obj, field):
    """Put back."""
    if (obj, field) not in originals[key]:
        raise RuntimeError(f"there is no patch for {field} to undo")
    setattr(obj, field, originals[key].pop((obj, field)))


def original(key, obj, field):
    """What was there."""
    return originals[key].get((obj, field))
