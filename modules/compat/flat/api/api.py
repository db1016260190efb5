"""A1111's `modules.api.api`: pictures as base64, and small look-ups."""

from modules.compat import pictures as _pictures


def decode_base64_to_image(encoding):
    """The picture of base64, bare or as a data URI; nothing is fetched."""
    return _pictures.decoded(encoding)


def encode_pil_to_base64(image):
    """Base64 as bytes, of a file of the options' format."""
    return _pictures.encoded(image)


def script_name_to_index(name, scripts):
    """Among titles, whatever their case."""
    from fastapi import HTTPException

    titles = [one.title().lower() for one in scripts]
    if name.lower() not in titles:
        raise HTTPException(status_code=422, detail=f"Script '{name}' not found")
    return titles.index(name.lower())


def upscaler_to_index(name):
    """Among the upscalers, whatever its case."""
    from fastapi import HTTPException

    from modules import shared

    names = [one.name.lower() for one in shared.sd_upscalers]
    if name.lower() not in names:
        raise HTTPException(status_code=400, detail=f"Invalid upscaler, needs to be one of these: {', '.join(names)}")
    return names.index(name.lower())


def validate_sampler_name(name):
    """The name, if there is such a sampler."""
    from fastapi import HTTPException

    from modules.compat.samplers import samplers_map

    if name.lower() not in samplers_map:
        raise HTTPException(status_code=404, detail="Sampler not found")
    return name


def verify_url(url):
    """Nothing is fetched."""
    return False


class Api:
    """A1111's object of all routes; here they are the program's own."""

    def __init__(self, app, queue_lock):
        self.app, self.queue_lock, self.router = app, queue_lock, app.router

    def add_api_route(self, path, endpoint, **kwargs):
        """One more route."""
        return self.app.add_api_route(path, endpoint, **kwargs)
