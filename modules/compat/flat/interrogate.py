"""A1111's `modules.interrogate`: describing pictures needs a model that does not come with the program."""

from modules.compat.models import Interrogator as InterrogateModels  # noqa: F401
