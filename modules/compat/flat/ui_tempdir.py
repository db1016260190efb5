"""A1111's `modules.ui_tempdir`: files that the page shows."""


def register_tmp_file(gradio, filename):
    """Files in the outputs are shown; others must be of a folder that is allowed."""


def save_pil_to_file(pil_image, cache_dir=None, format="png"):
    """A temporary file of a picture."""
    import tempfile

    already = getattr(pil_image, "already_saved_as", None)
    if already:
        return already
    with tempfile.NamedTemporaryFile(suffix=f".{format}", delete=False) as file:
        pil_image.save(file, format)
    return file.name


def check_tmp_file(gradio, filename):
    """Whether it is shown."""
    return True


def cleanup_tmpdr():
    """Nothing to do."""


def on_tmpdir_changed():
    """Nothing to do."""
