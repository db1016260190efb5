"""Every error a user can cause or meet. A message is one sentence: what, where, what to do.

    WebuiError
    ├── PromptError            a prompt that cannot be read at all
    ├── ParameterError         a value that is out of range or of the wrong kind
    │   └── NotFound           a name (sampler, checkpoint, task) that nothing here bears
    ├── ModelError             a model file that cannot be used
    │   ├── UnknownArchitecture
    │   ├── CorruptFile
    │   ├── MissingNetwork
    │   └── NotANumber
    ├── OutOfMemory            the device cannot hold the work
    ├── Forbidden              whoever asks may not
    ├── Busy                   not now; later
    ├── Interrupted            the user stopped the job
    └── ExtensionError         an extension failed; it is named

Caught in three places only: the worker, the HTTP boundary, the extension boundary.
"""


class WebuiError(Exception):
    """An expected failure whose message is fit to show."""


class PromptError(WebuiError):
    """A prompt that cannot be read at all."""


class ParameterError(WebuiError):
    """A value out of range or of the wrong kind."""


class NotFound(ParameterError):
    """A name that nothing here bears."""


class Forbidden(WebuiError):
    """Whoever asks may not."""


class Busy(WebuiError):
    """Not now; later."""


class ModelError(WebuiError):
    """A model file that cannot be used."""


class UnknownArchitecture(ModelError):
    """A readable file that is no model we know."""


class CorruptFile(ModelError):
    """A file that is cut short or is not what its name says."""


class MissingNetwork(ModelError):
    """A network named in a prompt that is not in the folders."""


class NotANumber(ModelError):
    """A network's answer is out of its precision's range."""


class OutOfMemory(WebuiError):
    """The device cannot hold the work."""


class Interrupted(WebuiError):
    """The user stopped the job."""


class ExtensionError(WebuiError):
    """An extension failed; the message names it."""
