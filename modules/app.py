"""The one place where rooms meet: what a running program consists of, built in one readable list."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from modules.exceptions import Busy, NotFound
from modules.generate import extras as finishing
from modules.generate import series
from modules.generate.hooks import QUIET, Hooks
from modules.generate.menus import menus
from modules.generate.operations import Added, Extras, Known
from modules.generate.plan import plan
from modules.generate.request import Img2Img, Request, Txt2Img, described
from modules.generate.series import Turn
from modules.generate.wording import Sources
from modules.guests import Guest, Wishes, hooks_of
from modules.history import lastrun
from modules.history.catalogue import History
from modules.host import localizations
from modules.host.catalogue import Scripts
from modules.host.events import Events, ModelLoaded
from modules.host.extensions.builtin import writers
from modules.host.extensions.catalogue import Extensions
from modules.host.standing import standing
from modules.imaging.resize import Scaler
from modules.imaging.thumbnails import Thumbnails
from modules.jobs.progress import Progress
from modules.jobs.queue import Job, Queue
from modules.jobs.store import Store as JobStore
from modules.prompts.stylefiles import Styles
from modules.settings.defaults import Defaults
from modules.settings.folders import Folders
from modules.settings.options import Options, View, frozen
from modules.settings.outputs import output_folders
from modules.settings.reach import HOST, Role, User
from modules.settings.sections import Launch
from modules.settings.store import Store
from modules.weights.downloads.request import Download
from modules.weights.downloads.store import Downloads, refresh
from modules.weights.faces.catalogue import Restorers
from modules.weights.hashing import Hashes
from modules.weights.library import Library
from modules.weights.networks.shelf import Shelves, shelves_of
from modules.weights.recipe import Merge, Planned
from modules.weights.recipe import planned as merging
from modules.weights.upscalers.catalogue import Upscalers

log = logging.getLogger(__name__)

GUESTS_JOBS = 20  # that may wait at once


@dataclass(frozen=True, slots=True)
class App:
    """All parts of a running program. Only the outer rooms (webapi, webui, server, cli, compat) see it whole."""

    launch: Launch
    folders: Folders
    options: Options
    defaults: Defaults
    library: Library
    sources: Sources
    shelves: Shelves
    upscalers: Upscalers
    restorers: Restorers
    thumbnails: Thumbnails
    history: History
    queue: Queue
    downloads: Downloads
    engine: Engine
    scripts: Scripts
    events: Events
    extensions: Extensions
    catalogs: Mapping[str, Callable[[], list[str]]]
    guests: list[Guest] = dataclasses.field(default_factory=list)  # put in before the page is made

    def generate(
        self, request: Request, task_id: str | None = None, user: User = HOST, wishes: Wishes | None = None
    ) -> Job:
        """Queue a request; its job's result is a `generate.result.Result`. Bad requests are refused here, at once.

        `wishes`: what it asks of guests.
        """
        self.scripts.check(request)
        self._may(user, self.scripts.sets(request))
        planned = plan(request, self.options, self.library, self.sources)

        kind = "img2img" if isinstance(request, Img2Img) else "txt2img"

        def work(progress: Progress) -> Any:
            return self.engine.run(planned, progress, self._hooks(progress, kind, wishes or {}))

        return self.queue.submit(kind, work, task_id=task_id, request=described(request), owner=user.name)

    def series(self, first: Request, turns: Sequence[Turn], task_id: str, user: User, wishes: Wishes) -> Job:
        """Queue requests that are like the first one, but made as their turns come, as one job with one result."""
        self.scripts.check(first)
        self._may(user, self.scripts.sets(first))

        def drawn(request: Request, progress: Progress) -> Any:
            one = plan(request, self.options, self.library, self.sources)
            return self.engine.run(one, progress, self._hooks(progress, "img2img", wishes))

        def work(progress: Progress) -> Any:
            return series.run(turns, drawn, progress, self.options.view().img2img_batch_show_results_limit)

        plan(first, self.options, self.library, self.sources)
        return self.queue.submit("img2img", work, task_id=task_id, request=described(first), owner=user.name)

    def _hooks(self, progress: Progress, tab: str, wishes: Wishes) -> Hooks:
        return self.scripts.hooks(progress, lambda one: hooks_of(self.guests, tab, wishes, one))

    def _may(self, user: User, overrides: Collection[str] = ()) -> None:
        """Forbidden for a job that this user may not have done."""
        for name in overrides if user.role < Role.ADMIN else ():
            spec = self.options.specs.get(name)
            if spec is not None and not spec.infotext and spec.choices != "checkpoints":
                user.need(Role.ADMIN, f"set {name} for a picture")
        if user.role is Role.GUEST and len(self.queue.waiting(user.name)) >= GUESTS_JOBS:
            raise Busy(f"You have {GUESTS_JOBS} jobs in the queue already; wait for one of them.")

    def txt2img(self, request: Txt2Img, task_id: str | None = None) -> Job:
        """Queue a picture from words."""
        return self.generate(request, task_id)

    def extras(
        self,
        request: Extras,
        sources: Sequence[finishing.Source],
        folder: Path | None = None,
        *,
        shows: bool = True,
        more: Sequence[Added] = (),
        task_id: str | None = None,
        user: User = HOST,
    ) -> Job:
        """Queue work on given pictures, whose results go to the folder if there is one and are shown or not.

        The job's result is a `generate.extras.Result`. Bad requests are refused here, at once.
        """
        self._may(user)
        known = Known(self.upscalers, self.restorers)
        planned = finishing.plan(request, sources, self.options.view(), known, folder, shows, more)

        def work(progress: Progress) -> Any:
            return self.engine.extras(planned, progress)

        return self.queue.submit("extras", work, task_id=task_id, request=dataclasses.asdict(request), owner=user.name)

    def merge(self, merge: Merge, task_id: str | None = None, user: User = HOST) -> Job:
        """Queue a merger of checkpoints; the job's result is the new file's path. What cannot be is refused here."""
        user.need(Role.ADMIN, "merge checkpoints")
        planned = merging(merge, self.library, self.shelves.vaes, self.folders.checkpoints[0])

        def work(progress: Progress) -> Path:
            return self.engine.merge(planned, progress)

        return self.queue.submit("merge", work, task_id=task_id, request=dataclasses.asdict(merge), owner=user.name)

    def download(self, wish: Download, task_id: str | None = None, user: User = HOST) -> Job:
        """Fetch a model file beside all other work; the job's result is an `Arrived`. Nonsense is refused here."""
        user.need(Role.ADMIN, "download models")
        asked, work = dataclasses.asdict(wish), self.downloads.planned(wish)
        return self.queue.submit("download", work, task_id=task_id, request=asked, owner=user.name, beside=True)

    def job_changed(self, job: Job) -> None:
        """Put the pictures of a finished job into the history."""
        if job.completed and job.result is not None:
            shown = getattr(job.result, "shown", ())
            if job.kind in ("txt2img", "img2img") and shown:
                lastrun.keep(self.folders.data, shown[0].infotext)
            self.history.look_at([one.path for one in shown if one.path is not None])

    def describe(self, image: Image.Image, user: User = HOST) -> Job:
        """Queue the describing of an RGB picture; the job's result is a text."""
        self._may(user)
        return self.queue.submit("interrogate", lambda progress: self.engine.captions()(image), owner=user.name)

    def local_name(self, shelf: str, digits: str) -> str | None:
        """The name here of the file on a shelf that has this hash, wherever it came from."""
        entry = getattr(self.shelves, shelf).by_hash(digits)
        return None if entry is None else entry.path.name if shelf == "vaes" else entry.name

    def checkpoint_changed(self, title: Any) -> None:
        """The option was set: load it beside everything else."""
        self.load_checkpoint()

    def load_checkpoint(self) -> Job:
        """Queue the loading of the chosen checkpoint, so that the next picture need not wait for it."""

        def work(progress: Progress) -> None:
            progress.say("Loading the checkpoint")
            try:
                chosen = plan(Txt2Img(), self.options, self.library).checkpoint
            except NotFound as error:
                log.warning("%s", error)
            else:
                self.engine.load(chosen)

        return self.queue.submit("load", work)

    def unload_checkpoint(self) -> Job:
        """Queue the letting go of every loaded checkpoint; the next picture loads its own again."""

        def work(progress: Progress) -> None:
            progress.say("Letting go of the checkpoint")
            self.engine.unload()

        return self.queue.submit("unload", work)


class Engine:
    """The engine room behind a door that opens at the first job: torch and diffusers take seconds to import."""

    def __init__(
        self,
        launch: Launch,
        folders: Folders,
        library: Library,
        options: Options,
        shelves: Shelves,
        upscalers: Upscalers,
        told: Callable[[Any], Any] = lambda model: None,
    ):
        self._parts = (launch, folders, library, options, shelves)
        self._upscalers = upscalers
        self._cache: Any = None
        self._networks: Any = None
        self._depth: Any = None
        self._upscaling: Any = None
        self._faces: Any = None
        self._captions: Any = None
        self._told = told  # of each model that was read

    def _opened(self) -> Any:
        """The model cache; called by the worker thread alone."""
        if self._cache is None:
            from modules.weights.cache import Cache, Limits
            from modules.weights.companions import Companions
            from modules.weights.depth import Estimator
            from modules.weights.networks.store import Store

            launch, folders, library, options, shelves = self._parts
            where = self._place()
            self._cache = Cache(
                library,
                where,
                limits=lambda: Limits.of(options.view()),
                companions=Companions(folders.text_encoders, folders.vaes),
                told=self._told,
            )
            self._depth = Estimator(folders.models / "midas", self._place)
            self._networks = Store(
                shelves,
                where.device,
                limit=lambda: options.view().lora_in_memory_limit,
                vae_flag=Path(launch.vae_path).expanduser().resolve() if launch.vae_path else None,
                approximations=folders.models / "VAE-approx",
            )
        return self._cache

    def _place(self) -> Any:
        from modules.weights.devices import place

        launch = self._parts[0]
        return place(
            use_cpu=bool(launch.use_cpu),
            device_id=launch.device_id,
            no_half=launch.no_half,
            no_half_vae=launch.no_half_vae,
            precision=launch.precision,
            spare=launch.spare,
            checked=not launch.disable_nan_check,
        )

    def upscaling(self) -> Any:
        """What makes pictures larger; called by the worker thread alone."""
        if self._upscaling is None:
            from modules.weights.upscalers.store import Store

            self._upscaling = Store(self._upscalers, self._place)
        return self._upscaling

    def scaler(self, name: str, view: View, progress: Progress) -> Scaler:
        """An upscaler by name, that heeds the user's wish to stop; called by the worker thread alone."""
        made: Scaler = self.upscaling().scaler(name, view, lambda done: progress.stop.check())
        return made

    def load(self, checkpoint: Any) -> None:
        """Have a checkpoint ready in memory."""
        self._opened().get(checkpoint)

    def unload(self) -> None:
        """Have no checkpoint in memory; called by the worker thread alone."""
        if self._cache is not None:
            self._cache.clear()

    def memory(self) -> dict[str, Any]:
        """The device's memory as A1111 tells it; empty before the first job and where there is no such device."""
        if self._cache is None:
            return {}
        from modules.weights.devices import memory

        return memory(self._cache.place.device)

    def run(self, planned: Any, progress: Progress, hooks: Hooks = QUIET) -> Any:
        """Make the pictures of a plan, with those who join in."""
        from modules.generate import engine
        from modules.generate.stores import Stores

        stores = Stores(self._opened(), self._networks, self.upscaling(), self._depth)
        return engine.run(planned, stores, self._parts[1], progress, hooks)

    def merge(self, planned: Planned, progress: Progress) -> Path:
        """Write a new checkpoint from others; it is in the list then."""
        from modules.weights.merging import merge

        library = self._parts[2]
        progress.say("Hashing")
        hashed = tuple(library.hashed(one) for one in planned.models) if planned.merge.save_metadata else planned.models
        progress.say("Merging")
        path = merge(planned, hashed, progress.count)
        library.scan()
        return path

    def extras(self, planned: finishing.Plan, progress: Progress) -> finishing.Result:
        """Work on the pictures of a plan."""
        from modules.generate.operations import Tools
        from modules.weights.faces.store import Store

        if self._faces is None:
            self._faces = Store(self._place)
        return finishing.run(planned, Tools(self.upscaling(), self._faces, self.captions()), progress)

    def captions(self) -> Any:
        """What describes pictures; called by the worker thread alone."""
        if self._captions is None:
            from modules.weights.captions import Captioner

            self._captions = Captioner(self._parts[1].models / "BLIP", self._place)
        return self._captions


def build(launch: Launch, extensions: Extensions | None = None) -> App:
    """The program of one set of flags; starts the worker thread, loads nothing."""
    folders = Folders.of(launch)
    for folder in folders.wanted:
        with contextlib.suppress(OSError):  # a read-only place is no reason not to start
            folder.mkdir(parents=True, exist_ok=True)
    options = Options(Store(folders.config), frozen=frozen(launch))
    hashing = not launch.no_hashing
    hashes = Hashes(folders.cache / "hashes.json")
    library = Library(
        folders.checkpoints,
        hashes,
        hashing=hashing,
        preferred=Path(launch.ckpt).expanduser().resolve() if launch.ckpt else None,
        spare=None if launch.no_download_sd_model else folders.demo,
    )
    styles = Styles(launch.styles_file or [folders.data / "styles.csv"])
    extensions = extensions or Extensions(folders, launch, options.stored())
    sources = Sources(styles, writers(extensions.builtin, folders))
    shelves = shelves_of(folders, hashing)
    upscalers = Upscalers(folders.upscalers)
    engine = Engine(launch, folders, library, options, shelves, upscalers, lambda one: events.tell(ModelLoaded(one)))
    catalogs = menus(options, library, shelves, upscalers, styles, lambda: localizations.names(folders, extensions))
    means = options, catalogs, folders, lambda request: plan(request, options, library, sources), engine
    scripts, events = standing(*means, extensions.troubles)
    app = App(
        launch=launch,
        folders=folders,
        options=options,
        defaults=Defaults(folders.defaults),
        library=library,
        sources=sources,
        shelves=shelves,
        upscalers=upscalers,
        restorers=Restorers(folders.faces),
        thumbnails=Thumbnails(folders.cache / "thumbnails"),
        history=History(folders.cache / "history.sqlite3", lambda: output_folders(folders, options.view())),
        queue=Queue(JobStore(folders.jobs)),
        downloads=Downloads(folders, hashes, options.view, lambda kind: refresh(kind, library, shelves)),
        engine=engine,
        catalogs=catalogs,
        scripts=scripts,
        events=events,
        extensions=extensions,
    )
    options.on_change("sd_model_checkpoint", app.checkpoint_changed)
    app.queue.listen(app.job_changed)
    return app
