"""Where model files may be fetched from, when somebody asks for one."""

from dataclasses import dataclass

from modules.declare import Range, param

# fmt: off


@dataclass(frozen=True, kw_only=True, slots=True)
class Downloads:
    """Downloads; nothing is fetched that nobody asked for."""

    download_huggingface: str = param("https://huggingface.co", "Address of Hugging Face, or of a mirror of it", page_only=True)
    download_civitai: str = param("https://civitai.com", "Address of Civitai, or of a mirror of it", page_only=True)
    download_largest: float = param(64.0, "Largest download, in GiB", slider=Range(1, 256), valid=Range(0.001, 100000), page_only=True)
    download_from_neighbours: bool = param(False, "Allow downloads from this machine and its network", page_only=True, doc="For a mirror of one's own.")
