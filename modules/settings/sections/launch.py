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
    styles_file: list[str] = param([], "Style files; each may hold *", flag="--styles-file", doc="Default: styles.csv under the data folder.")
    ui_settings_file: str = param("", "Settings file", flag="--ui-settings-file", doc="Default: config.json under the data folder.")
    no_hashing: bool = param(False, "Do not compute checkpoint hashes", flag="--no-hashing")
    skip_load_model_at_start: bool = param(False, "Load the checkpoint at the first picture, not at start", flag="--skip-load-model-at-start")
    port: int = param(7860, "Port of the server", flag="--port", valid=Range(1, 65535))
    listen: bool = param(False, "Serve other machines too (address 0.0.0.0); asks for a login", flag="--listen")
    server_name: str = param("", "Address to serve at", flag="--server-name")
    subpath: str = param("", "Path of the page behind a reverse proxy", flag="--subpath")
    autolaunch: bool = param(False, "Open the page in the browser at start", flag="--autolaunch")
    theme: str = param("", "dark or light; empty follows the browser", flag="--theme", choices=("", "dark", "light"))
    api: bool = param(False, "Accepted as in A1111; the API is always on", flag="--api")
    nowebui: bool = param(False, "Serve the API without the page", flag="--nowebui")
    hide_ui_dir_config: bool = param(False, "Users of the page may not name folders of the server", flag="--hide-ui-dir-config")
    gradio_auth: str = param("", "Logins for the page and the API, user:password, several separated by commas", flag="--gradio-auth")
    api_auth: str = param("", "More logins, for the API alone, written like --gradio-auth", flag="--api-auth")
    cors_allow_origins: str = param("", "Other origins whose pages may call the API, separated by commas", flag="--cors-allow-origins")
    use_cpu: list[str] = param([], "Use the CPU even where there is a GPU (any value)", flag="--use-cpu")
    device_id: str = param("", "Number of the CUDA device to use", flag="--device-id")
    no_half: bool = param(False, "Compute in 32 bits on GPUs too", flag="--no-half")
    no_half_vae: bool = param(False, "Compute the VAE in 32 bits on GPUs too", flag="--no-half-vae")
    loglevel: str = param("INFO", "How much the log tells", flag="--loglevel", choices=("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"))
