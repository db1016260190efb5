"""A1111's `modules.ui_extra_networks`: pages of networks; those that extensions add are kept, but not yet shown."""

extra_pages = []
allowed_dirs = set()


class ExtraNetworksPage:
    """A kind of card."""

    def __init__(self, title):
        self.title, self.name = title, title.lower()
        self.id_page = self.name.replace(" ", "_")
        self.metadata, self.items = {}, {}
        self.allow_prompt = self.allow_negative_prompt = True

    def refresh(self):
        """Look again."""

    def list_items(self):
        """What there is."""
        return []

    def allowed_directories_for_previews(self):
        """Folders of previews."""
        return []

    def link_preview(self, filename):
        """Where a preview is fetched."""
        return f"./file={filename}"

    def find_preview(self, path):
        """The picture beside a file."""
        import os

        found = (f"{path}{suffix}" for suffix in (".png", ".preview.png", ".jpg", ".webp"))
        return next((self.link_preview(one) for one in found if os.path.isfile(one)), None)

    def find_description(self, path):
        """The text beside it."""
        try:
            with open(f"{path}.txt", encoding="utf-8", errors="replace") as file:
                return file.read()
        except OSError:
            return None

    def search_terms_from_path(self, filename, possible_directories=None):
        """Its name."""
        return filename

    def create_user_metadata_editor(self, ui, tabname):
        """The program's own."""


def register_page(page):
    """A kind of an extension's."""
    extra_pages.append(page)


def initialize():
    """Forget all."""
    extra_pages.clear()


def register_default_pages():
    """The program's own need no registration."""


def quote_js(s):
    """As a script's text."""
    return '"' + s.replace("\\", "\\\\").replace('"', '\\"') + '"'


def add_pages_to_demo(app):
    """The program's own."""
