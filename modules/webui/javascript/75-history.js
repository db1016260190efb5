// The History tab: pictures in sight, the search over them, and what is known of the one that is chosen.
"use strict";

const PICTURE = {width: 168, height: 168};
const SEARCH_MS = 40; // of rest before the server is asked
const HISTORY_AGAIN_MS = 2000; // until pictures that are just being indexed are asked for again
const SEARCH_HINT = say("Search: words of the prompt, model:name lora:name seed:5 size:512x768 date:2024-05 after:2024 before:2025 name:file \"exact words\"");

class PictureHistory {
    constructor(host) {
        this.host = host;
        this.search = "";
        this.box = element("input", {type: "search", id: "history_search", class: "extra-search", placeholder: SEARCH_HINT, title: SEARCH_HINT, "aria-label": say("Search the history")});
        this.box.addEventListener("input", () => {
            clearTimeout(this.timer);
            this.timer = setTimeout(() => this.ask(), SEARCH_MS);
        });
        this.count = element("span", {class: "extra-count", role: "status"});
        const refresh = element("button", {type: "button", id: "history_refresh", textContent: say("Refresh"), onclick: () => this.refresh()});
        this.folder = element("input", {type: "text", id: "history_folder", placeholder: say("Folder of more pictures, e.g. another installation's outputs"), "aria-label": say("Folder to add")});
        const add = element("button", {type: "button", id: "history_add_folder", textContent: say("Add folder"), onclick: () => this.addFolder()});
        this.view = element("div", {id: "history_pictures", class: "extra-network-cards"});
        host.append(element("div", {class: "extra-tools"}, this.box, refresh, this.count), this.view, element("div", {class: "extra-tools"}, this.folder, add));
        this.grid = new VirtualGrid(this.view, {
            size: () => PICTURE,
            fetch: async (window, signal) => {
                const told = await ask(`internal/history?${new URLSearchParams({search: this.search, ...window})}`, undefined, signal);
                return {...told, items: told.pictures};
            },
            draw: (told) => this.card(told),
            taken: (told) => this.taken(told),
            failed: (error) => (this.count.textContent = error.message),
        });
    }

    async ask() {
        this.search = this.box.value;
        await this.grid.ask();
    }

    taken(told) {
        this.count.textContent = (told.total === 1 ? say("1 picture") : say("{} pictures", told.total)) + (told.busy ? say(", looking for more…") : "");
        clearTimeout(this.again);
        if (told.busy) {
            this.again = setTimeout(() => this.view.scrollTop === 0 && this.ask(), HISTORY_AGAIN_MS);
        }
    }

    async refresh() {
        await tried(() => ask("internal/history/refresh", {}));
        await this.ask();
    }

    async addFolder() {
        await tried(async () => {
            await ask("internal/history/folders", {folder: this.folder.value});
            this.folder.value = "";
            tell(say("The folder was added; its pictures are being read."));
            await this.ask();
        });
    }

    card(told) {
        const title = `${told.name}\n${told.width}x${told.height}, ${new Date(told.time).toLocaleString()}\n${told.prompt}`;
        const image = element("img", {class: "preview notranslate", src: `internal/history/${told.id}/thumb`, alt: "", loading: "lazy", draggable: true, title});
        image.dataset.full = `internal/history/${told.id}/file`;
        const choose = element("button", {type: "button", class: "card-choose notranslate", "aria-label": told.prompt || told.name, title, onclick: () => tried(() => this.choose(told))});
        choose.addEventListener("dblclick", () => document.getElementById("history_restore").click());
        return element("div", {class: "card history-card", "data-id": told.id}, image, choose);
    }

    async choose(told) {
        const box = document.querySelector("#history_chosen textarea, #history_chosen input");
        box.value = String(told.id);
        updateInput(box);
        this.chosen = told.id;
        const known = await ask(`internal/history/${told.id}`);
        if (this.chosen !== told.id) {
            return; // another one was chosen meanwhile
        }
        const file = `internal/history/${told.id}/file`;
        const picture = element("img", {src: file, alt: told.prompt || told.name, class: "history-shown", onclick: () => openLightbox([{source: file, infotext: known.infotext, name: told.name}], 0)});
        const words = element("p", {class: "infotext", dir: "auto", textContent: known.infotext || say("This picture holds no parameters.")});
        const facts = element("p", {class: "extra-count", textContent: `${told.name} · ${told.width}x${told.height} · ${new Date(told.time).toLocaleString()}`});
        const download = element("a", {class: "link-button", href: `${file}?download=1`, textContent: say("Download"), download: told.name});
        const copy = element("button", {type: "button", textContent: say("Copy parameters"), onclick: () => tried(async () => {
            await navigator.clipboard.writeText(known.infotext);
            tell(say("The parameters were copied."));
        })});
        document.getElementById("history_picture").replaceChildren(picture, facts, element("div", {class: "extra-tools"}, download, copy), words);
        this.host.querySelectorAll(".history-card").forEach((card) => card.classList.toggle("chosen", card.dataset.id === String(told.id)));
    }
}

let pictureHistory = null;

/** Made when it first comes into sight; looked at again whenever it comes back with the list at its top. */
function openHistory() {
    const host = document.getElementById("history_browser");
    const visible = Boolean(host && host.offsetParent !== null);
    if (visible && pictureHistory?.host !== host) {
        pictureHistory = new PictureHistory(host);
    }
    if (visible && !pictureHistory.visible && pictureHistory.view.scrollTop === 0) {
        pictureHistory.refresh();
    }
    if (pictureHistory) {
        pictureHistory.visible = visible;
    }
}

onUiUpdate(openHistory);
