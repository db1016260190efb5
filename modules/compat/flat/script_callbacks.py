"""A1111's `modules.script_callbacks`: what extensions ask to be called for."""

from modules.compat.callbacks import (  # noqa: F401
    CALLBACKS,
    KINDS,
    AfterCFGCallbackParams,
    BeforeTokenCounterParams,
    CFGDenoisedParams,
    CFGDenoiserParams,
    ExtraNoiseParams,
    ImageGridLoopParams,
    ImageSaveParams,
    ScriptCallback,
    UiTrainTabParams,
)

callback_map = CALLBACKS.map


def _on(kind):
    def register(callback, *, name=None):
        CALLBACKS.add(kind, callback, name)

    register.__name__ = f"on_{kind}"
    return register


def _call(kind):
    def call(*args):
        return CALLBACKS.run(kind, *args)

    call.__name__ = f"{kind}_callback"
    return call


for _kind in KINDS:
    globals()[f"on_{_kind}"] = _on(_kind)
    globals()[f"{_kind}_callback"] = _call(_kind)


def add_callback(callbacks, fun, *, name=None, category="unknown", filename=None):
    """Into a list of the map."""
    callbacks.append(ScriptCallback(filename or fun.__code__.co_filename, fun, "", name or ""))


def clear_callbacks():
    """Forget all."""
    CALLBACKS.remove(lambda one: True)


def remove_current_script_callbacks():
    """Forget what the calling file registered."""
    import sys

    filename = sys._getframe(1).f_code.co_filename
    CALLBACKS.remove(lambda one: one.script == filename)


def remove_callbacks_for_function(callback_func):
    """Forget one function."""
    CALLBACKS.remove(lambda one: one.callback == callback_func)
