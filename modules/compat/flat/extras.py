"""A1111's `modules.extras`: texts of pictures."""

from modules.compat.stubs import stub


def run_pnginfo(image):
    """(nothing, the parameters, all texts as HTML)."""
    import html

    from modules.imaging.metadata import read_text

    if image is None:
        return "", "", ""
    parameters, items = read_text(image)
    told = {**({"parameters": parameters} if parameters else {}), **items}
    shown = "".join(
        f"<div><p><b>{html.escape(key)}</b></p><p>{html.escape(str(one))}</p></div>" for key, one in told.items()
    )
    return "", parameters or "", shown or "<div><p>Nothing found in the image.<p></div>"


__getattr__ = stub(__name__)
