"""What the page shows and what is written into a picture's text."""

from dataclasses import dataclass

from modules.declare import Range, param

# fmt: off


@dataclass(frozen=True, kw_only=True, slots=True)
class Infotext:
    """Infotext."""

    add_model_hash_to_info: bool = param(True, "Add model hash to infotext")
    add_model_name_to_info: bool = param(True, "Add model name to infotext")
    add_vae_name_to_info: bool = param(True, "Add VAE name to infotext")
    add_vae_hash_to_info: bool = param(True, "Add VAE hash to infotext")
    add_version_to_infotext: bool = param(True, "Add program version to infotext")
    infotext_styles: str = param("Apply if any", "Infer styles from prompts of pasted infotext", choices=("Ignore", "Apply", "Discard", "Apply if any"),
                                 doc="Ignore: leave prompt and styles alone. Apply: move the styles that a prompt is written in to the styles menu, and take all others off. "
                                     "Discard: only take them out of the prompt. Apply if any: Apply where there is one, else Ignore.")
    infotext_skip_pasting: list[str] = param([], "Disregard fields from pasted infotext",
                                             doc="As an infotext calls them, such as Seed or Sampler; Prompt and Negative prompt, and Size-1 and Size-2 for its sides, too.")
    disable_weights_auto_swap: bool = param(True, "Disregard checkpoint information from pasted infotext")


@dataclass(frozen=True, kw_only=True, slots=True)
class Previews:
    """Live previews."""

    live_previews_enable: bool = param(True, "Show live previews of the created image")
    live_previews_image_format: str = param("jpeg", "Live preview file format", choices=("jpeg", "png", "webp"))
    show_progress_every_n_steps: int = param(1, "Live preview display period", slider=Range(1, 32), valid=Range(1, 1000), doc="Show a new preview every N sampling steps.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Gallery:
    """Gallery."""

    return_grid: bool = param(True, "Show grid in gallery")
    do_not_show_images: bool = param(False, "Do not show any images in gallery", doc="They are made and saved all the same.")
    gallery_height: str = param("", "Gallery height", doc="A CSS length, such as 768px or 60vh; empty for the usual one.")
    js_modal_lightbox_initially_zoomed: bool = param(False, "Full page image viewer: show images at their own size by default")
    js_modal_lightbox_gamepad: bool = param(False, "Full page image viewer: navigate with gamepad")
    js_modal_lightbox_gamepad_repeat: int = param(250, "Gamepad repeat period, in milliseconds", valid=Range(50, 10_000))
    sd_webui_modal_lightbox_icon_opacity: float = param(1.0, "Full page image viewer: opacity of the buttons at rest", slider=Range(0, 1, 0.01), valid=Range(0, 1))
    sd_webui_modal_lightbox_toolbar_opacity: float = param(0.9, "Full page image viewer: opacity of the bar under them", slider=Range(0, 1, 0.01), valid=Range(0, 1))
    hires_button_gallery_insert: bool = param(False, "Insert the picture of the ✨ button into the gallery", doc="Else it takes the place of the one it was made of.")
    history_folders: list[str] = param([], "More folders for the History tab", doc="Such as the outputs of another installation; their pictures are only read.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Networks:
    """Extra Networks."""

    extra_networks_default_multiplier: float = param(1.0, "Default multiplier for extra networks", slider=Range(0, 2, 0.01), valid=Range(-100, 100))
    extra_networks_add_text_separator: str = param(" ", "Extra networks separator", doc="Text before a tag that a card adds to the prompt.")
    lora_preferred_name: str = param("Alias from file", "When adding to prompt, refer to Lora by", choices=("Alias from file", "Filename"))
    extra_networks_card_width: int = param(0, "Card width for Extra Networks", valid=Range(0, 1000), doc="In pixels; 0 for the usual one.")
    extra_networks_card_height: int = param(0, "Card height for Extra Networks", valid=Range(0, 1000), doc="In pixels; 0 for the usual one.")
    extra_networks_card_text_scale: float = param(1.0, "Size of the text on a card", slider=Range(0, 2, 0.01), valid=Range(0, 4))
    extra_networks_card_show_desc: bool = param(True, "Show description on card")
    extra_networks_card_order_field: str = param("Path", "Default order field for Extra Networks cards", choices=("Path", "Name", "Date Created", "Date Modified"))
    extra_networks_card_order: str = param("Ascending", "Default order for Extra Networks cards", choices=("Ascending", "Descending"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Canvas:
    """Canvas hotkeys."""

    canvas_hotkey_shrink_brush: str = param("Q", "Make the brush smaller", doc="One key, beside [.")
    canvas_hotkey_grow_brush: str = param("W", "Make the brush larger", doc="One key, beside ].")
    canvas_hotkey_move: str = param("F", "Move the picture while this key is held", doc="One key, beside Space.")
    canvas_hotkey_reset: str = param("R", "Reset zoom by this key", doc="One key, beside 0.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Interface:
    """User interface."""

    localization: str = param("None", "Localization", choices="localizations", doc="The page's language; press Reload UI to see it.")
    quicksettings_list: list[str] = param(["sd_model_checkpoint"], "Quicksettings list", choices="options", doc="Setting names shown at the top of the page.", restart=True)
    notification_audio: bool = param(True, "Play notification sound after image generation", doc="notification.mp3 should be present in the data folder.", restart=True)
    notification_volume: int = param(100, "Notification sound volume", slider=Range(0, 100), valid=Range(0, 100))
    js_modal_lightbox: bool = param(True, "Full page image viewer: enable")
    compact_prompt_box: bool = param(False, "Compact prompt layout", restart=True,
                                     doc="The prompts stand above the parameters and Generate above the gallery, which so has more of the height.")
    show_progressbar: bool = param(True, "Show progress bar")
    hidden_tabs: list[str] = param([], "Hidden tabs", doc="Names as they stand on the tabs; press Reload UI to see it.")
    ui_tab_order: list[str] = param([], "Order of the tabs", doc="Names as they stand on the tabs; those that are not named follow. Press Reload UI to see it.")
    interrupt_after_current: bool = param(False, "Interrupt finishes the current picture first", doc="Pressed once more it ends at once.")
    prevent_screen_sleep_during_generation: bool = param(True, "Keep the screen on while something is generated")
    show_progress_in_title: bool = param(True, "Show generation progress in window title")
    hires_fix_show_sampler: bool = param(False, "Hires fix: show hires checkpoint and sampler selection")
    hires_fix_show_prompts: bool = param(False, "Hires fix: show hires prompt and negative prompt")
    send_seed: bool = param(True, "Send seed when sending prompt or image to other interface")
    send_size: bool = param(True, "Send size when sending prompt or image to another interface")


@dataclass(frozen=True, kw_only=True, slots=True)
class InTabs:
    """Settings that are shown on the generation tabs too, each for the tab's own pictures."""

    extra_options_txt2img: list[str] = param([], "Settings for txt2img", choices="options", doc="Setting names shown below the parameters.", restart=True)
    extra_options_img2img: list[str] = param([], "Settings for img2img", choices="options", doc="Setting names shown below the parameters.", restart=True)
    extra_options_cols: int = param(1, "Number of columns for added settings", slider=Range(1, 20), valid=Range(1, 20), doc="As far as there is room.", restart=True)
    extra_options_accordion: bool = param(False, "Place added settings into an accordion", restart=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class Api:
    """API."""

    api_enable_requests: bool = param(False, "Allow http:// and https:// URLs for input images in API, and webhooks", page_only=True)
    api_forbid_local_requests: bool = param(True, "Forbid URLs to local resources", page_only=True)
    api_useragent: str = param("", "User agent for requests", page_only=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class Extensions:
    """What the Extensions tab writes."""

    disabled_extensions: list[str] = param([], "Disable these extensions", hidden=True, restart=True)
    disable_all_extensions: str = param("none", "Disable all extensions", choices=("none", "extra", "all"), hidden=True, restart=True,
                                        doc="Both others mean the same here: none comes with the program.")
