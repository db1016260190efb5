"""Flags of the command line that are no options: they hold for one run of the program."""

from dataclasses import dataclass

from modules.declare import Range, param

# fmt: off


@dataclass(frozen=True, kw_only=True, slots=True)
class Launch:
    """One field, one flag, under A1111's name."""

    data_dir: str = param("", "Folder for all of the user's data", flag="--data-dir", doc="Default: the program's own folder.")
    models_dir: str = param("", "Folder that holds the model folders", flag="--models-dir", doc="Default: models under the data folder.")
    ckpt_dir: str = param("", "One more folder with checkpoints", flag="--ckpt-dir")
    vae_path: str = param("", "A VAE file that is used whatever the settings say", flag="--vae-path")
    vae_dir: str = param("", "One more folder with VAEs", flag="--vae-dir")
    text_encoder_dir: str = param("", "One more folder with text encoders", flag="--text-encoder-dir")
    lora_dir: str = param("", "Folder with LoRAs", flag="--lora-dir", doc="Default: Lora under the model folders.")
    lyco_dir: str = param("", "One more folder with LoRAs", flag="--lyco-dir", doc="Default: LyCORIS under the model folders.")
    lyco_dir_backcompat: str = param("", "The same as --lyco-dir", flag="--lyco-dir-backcompat")
    hypernetwork_dir: str = param("", "Folder with hypernetworks", flag="--hypernetwork-dir", doc="Default: hypernetworks under the model folders.")
    embeddings_dir: str = param("", "Folder with textual inversion embeddings", flag="--embeddings-dir", doc="Default: embeddings under the data folder.")
    esrgan_models_path: str = param("", "One more folder with ESRGAN upscalers", flag="--esrgan-models-path")
    realesrgan_models_path: str = param("", "One more folder with RealESRGAN upscalers", flag="--realesrgan-models-path")
    dat_models_path: str = param("", "One more folder with DAT upscalers", flag="--dat-models-path")
    swinir_models_path: str = param("", "One more folder with SwinIR upscalers", flag="--swinir-models-path")
    scunet_models_path: str = param("", "One more folder with ScuNET upscalers", flag="--scunet-models-path")
    codeformer_models_path: str = param("", "One more folder with CodeFormer models", flag="--codeformer-models-path")
    gfpgan_models_path: str = param("", "One more folder with GFPGAN models", flag="--gfpgan-models-path")
    ckpt: str = param("", "Checkpoint to load at start when none is chosen in the settings", flag="--ckpt")
    no_download_sd_model: bool = param(False, "Do not offer the built-in demo checkpoint where there is no other", flag="--no-download-sd-model")
    styles_file: list[str] = param([], "Style files; each may hold *", flag="--styles-file", doc="Default: styles.csv under the data folder.")
    ui_settings_file: str = param("", "Settings file", flag="--ui-settings-file", doc="Default: config.json under the data folder.")
    ui_config_file: str = param("", "File of what the page's fields begin with", flag="--ui-config-file", doc="Default: ui-config.json under the data folder.")
    no_hashing: bool = param(False, "Do not compute checkpoint hashes", flag="--no-hashing")
    skip_load_model_at_start: bool = param(False, "Load the checkpoint at the first picture, not at start", flag="--skip-load-model-at-start")
    port: int = param(7860, "Port of the server", flag="--port", valid=Range(1, 65535))
    listen: bool = param(False, "Serve other machines too (address 0.0.0.0); asks for a login", flag="--listen")
    server_name: str = param("", "Address to serve at", flag="--server-name")
    subpath: str = param("", "Path of the page behind a reverse proxy", flag="--subpath")
    autolaunch: bool = param(False, "Open the page in the browser at start", flag="--autolaunch")
    share: bool = param(False, "Reach the page from anywhere by gradio's tunnel; asks for a login", flag="--share")
    share_hours: float = param(24.0, "Hours after which --share ends by itself", flag="--share-hours", valid=Range(0.01, 72))
    tls_keyfile: str = param("", "Private key for https, a PEM file", flag="--tls-keyfile")
    tls_certfile: str = param("", "Certificate for https, a PEM file", flag="--tls-certfile")
    timeout_keep_alive: int = param(30, "Seconds for which an idle connection is kept", flag="--timeout-keep-alive", valid=Range(1, 3600))
    theme: str = param("", "dark or light; empty follows the browser", flag="--theme", choices=("", "dark", "light"))
    api: bool = param(False, "Accepted as in A1111; the API is always on", flag="--api")
    localizations_dir: str = param("", "Folder with more translations of the page", flag="--localizations-dir", doc="Default: localizations in the data folder.")
    nowebui: bool = param(False, "Serve the API without the page", flag="--nowebui")
    disable_all_extensions: bool = param(False, "Start without extensions", flag="--disable-all-extensions")
    safe: bool = param(False, "The same, the word to remember when one breaks the page", flag="--safe")
    disable_extra_extensions: bool = param(False, "Start without those in the folder extensions", flag="--disable-extra-extensions")
    enable_insecure_extension_access: bool = param(False, "Let administrators install and switch on extensions on a server that other machines reach", flag="--enable-insecure-extension-access")
    update_all_extensions: bool = param(False, "Bring all extensions up to date at start", flag="--update-all-extensions")
    skip_install: bool = param(False, "start with the packages that are installed already; nothing is made or installed", flag="--skip-install")
    api_log: bool = param(False, "Write a line to the log for each request to the API", flag="--api-log")
    api_server_stop: bool = param(False, "Let the API stop, kill and restart the server", flag="--api-server-stop")
    mcp: bool = param(False, "Offer generation as tools to language models at /mcp (Model Context Protocol)", flag="--mcp")
    dump_sysinfo: bool = param(False, "Write a report for fault finding to sysinfo.json and end", flag="--dump-sysinfo")
    freeze_settings: bool = param(False, "Nobody may change any setting", flag="--freeze-settings")
    freeze_settings_in_sections: str = param("", "Sections whose settings nobody may change, separated by commas", flag="--freeze-settings-in-sections")
    freeze_specific_settings: str = param("", "Settings that nobody may change, separated by commas", flag="--freeze-specific-settings")
    hide_ui_dir_config: bool = param(False, "Users of the page may not name folders of the server", flag="--hide-ui-dir-config")
    gradio_auth: str = param("", "Logins for the page and the API, user:password, several separated by commas", flag="--gradio-auth")
    gradio_auth_path: str = param("", "A file with more such logins, one a line", flag="--gradio-auth-path", doc="Those below a line [user] or [guest] have fewer rights.")
    hash_passwords: bool = param(False, "Replace the passwords in that file by hashes and end", flag="--hash-passwords")
    api_auth: str = param("", "More logins, for the API alone, written like --gradio-auth", flag="--api-auth")
    cors_allow_origins: str = param("", "Other origins whose pages may call the API, separated by commas", flag="--cors-allow-origins")
    cors_allow_origins_regex: str = param("", "The same as one regular expression", flag="--cors-allow-origins-regex")
    gradio_allowed_path: list[str] = param([], "One more folder whose files the page may fetch", flag="--gradio-allowed-path")
    use_cpu: list[str] = param([], "Use the CPU even where there is a GPU (any value)", flag="--use-cpu")
    device_id: str = param("", "Number of the CUDA device to use", flag="--device-id")
    no_half: bool = param(False, "Compute in 32 bits on GPUs too", flag="--no-half")
    no_half_vae: bool = param(False, "Compute the VAE in 32 bits on GPUs too", flag="--no-half-vae")
    precision: str = param("autocast", "full: compute in 32 bits; half and autocast: in 16 on GPUs", flag="--precision", choices=("full", "half", "autocast"))
    upcast_sampling: bool = param(False, "Sample in 32 bits, as is always done here", flag="--upcast-sampling")
    disable_nan_check: bool = param(False, "Go on when a model's answers are no numbers", flag="--disable-nan-check")
    medvram: bool = param(False, "Let a model's parts take turns on the GPU; without it, only where its memory is too small", flag="--medvram")
    medvram_sdxl: bool = param(False, "The same for SDXL only", flag="--medvram-sdxl")
    lowvram: bool = param(False, "Let the layers of its network take turns too: slow, needs the least memory", flag="--lowvram")
    loglevel: str = param("INFO", "How much the log tells", flag="--loglevel", choices=("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"))

    @property
    def without_extensions(self) -> bool:
        """Whether the program starts without any."""
        return self.safe or self.disable_all_extensions or self.disable_extra_extensions

    @property
    def spare(self) -> str:
        """The strongest of the flags that spare the device's memory; empty without one."""
        return next((name for name in ("lowvram", "medvram", "medvram_sdxl") if getattr(self, name)), "")


# A1111's flags that mean nothing here, with the number of their values: they are read over.
MEANINGLESS: dict[str, int] = {
    "--skip-torch-cuda-test": 0, "--reinstall-xformers": 0, "--update-check": 0, "--test-server": 0,
    "--log-startup": 0, "--skip-version-check": 0, "--do-not-download-clip": 0, "--ui-debug-mode": 0,
    "--config": 1, "--textual-inversion-templates-dir": 1, "--bsrgan-models-path": 1, "--clip-models-path": 1,
    "--ldsr-models-path": 1, "--gfpgan-dir": 1, "--gfpgan-model": 1, "--lowram": 0,
    "--disable-model-loading-ram-optimization": 0, "--opt-channelslast": 0, "--xformers": 0, "--force-enable-xformers": 0,
    "--xformers-flash-attention": 0, "--opt-split-attention": 0, "--opt-split-attention-v1": 0, "--opt-split-attention-invokeai": 0,
    "--opt-sub-quad-attention": 0, "--sub-quad-q-chunk-size": 1, "--sub-quad-kv-chunk-size": 1, "--sub-quad-chunk-threshold": 1,
    "--opt-sdp-attention": 0, "--opt-sdp-no-mem-attention": 0, "--disable-opt-split-attention": 0, "--use-ipex": 0, "--ngrok": 1,
    "--ngrok-region": 1, "--ngrok-options": 1, "--disable-tls-verify": 0, "--gradio-debug": 0, "--no-gradio-queue": 0, "--gradio-queue": 0,
    "--administrator": 0, "--use-textbox-seed": 0, "--no-progressbar-hiding": 0, "--max-batch-count": 1, "--disable-console-progressbars": 0,
    "--enable-console-prompts": 0, "--unix-filenames-sanitization": 0, "--filenames-max-length": 1, "--no-prompt-history": 0,
    "--disable-safe-unpickle": 0, "--allow-code": 0,
    "--always-batch-cond-uncond": 0, "--unload-gfpgan": 0, "--deepdanbooru": 0, "--show-negative-prompt": 0,
    "--gradio-img2img-tool": 1, "--gradio-inpaint-tool": 1, "--add-stop-route": 0, "-f": 0, "--skip-python-version-check": 0,
    "--skip-prepare-environment": 0, "--reinstall-torch": 0,
}
