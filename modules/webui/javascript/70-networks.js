// The browser of network files: of however many cards, only those in sight stand in the page.
"use strict";

const CARD = {width: 160, height: 220};
const SORTS = ["Path", "Name", "Date Created", "Date Modified"]; // as the setting has them
const NOTES = [
    ["description", say("Description"), "textarea"],
    ["sd_version", say("Stable Diffusion version"), "input"],
    ["activation_text", say("Activation text"), "input"],
    ["preferred_weight", say("Preferred weight"), "number"],
    ["negative_text", say("Negative prompt"), "input"],
    ["vae", say("Preferred VAE"), "input"],
    ["defaults", say("Default parameters, such as Steps: 8, CFG scale: 2, Sampler: Euler a"), "input"],
    ["notes", say("Notes"), "textarea"],
];
const NOTES_OF_CHECKPOINT = ["vae", "defaults"];
const NOTES_OF_LORA = ["activation_text", "preferred_weight", "negative_text"];
const lastPrompt = {}; // tab -> the prompt box that was written in last
const networkBrowsers = new WeakMap();
var desiredCheckpointName = "";

class NetworkBrowser {
    constructor(host) {
        const {tab, page} = host.dataset;
        this.host = host;
        this.tab = tab;
        this.page = page;
        this.id = `${tab}_${page}`;
        this.query = {search: "", folder: "", sort: "Path", descending: false};
        this.build();
    }

    build() {
        const {extra_networks_card_order_field: field, extra_networks_card_order: order} = opts;
        this.query.sort = SORTS.includes(field) ? field : "Path";
        this.query.descending = order === "Descending";
        const search = element("input", {type: "search", id: `${this.id}_extra_search`, class: "extra-search", placeholder: say("Search"), "aria-label": say("Search")});
        search.addEventListener("input", () => this.ask({search: search.value}));
        const sort = element("select", {id: `${this.id}_extra_sort`, "aria-label": say("Order")}, ...SORTS.map((text) => element("option", {value: text, textContent: say(text)})));
        sort.value = this.query.sort;
        sort.addEventListener("change", () => this.ask({sort: sort.value}));
        const turn = element("button", {type: "button", id: `${this.id}_extra_sort_dir`, "aria-label": say("Turn the order over")});
        const showTurn = () => (turn.textContent = this.query.descending ? "↓" : "↑");
        turn.addEventListener("click", () => this.ask({descending: !this.query.descending}).then(showTurn));
        showTurn();
        const refresh = element("button", {type: "button", id: `${this.id}_extra_refresh`, textContent: say("Refresh"), onclick: () => this.refresh()});
        this.count = element("span", {class: "extra-count", role: "status"});
        this.folders = element("div", {id: `${this.id}_dirs`, class: "extra-network-dirs"});
        this.view = element("div", {id: `${this.id}_cards`, class: "extra-network-cards"});
        this.grid = new VirtualGrid(this.view, {
            size: () => ({width: opts.extra_networks_card_width || CARD.width, height: opts.extra_networks_card_height || CARD.height}),
            fetch: async (window, signal) => {
                const told = await ask(`sd_extra_networks/cards?${new URLSearchParams({page: this.page, ...this.query, ...window})}`, undefined, signal);
                return {...told, items: told.cards};
            },
            draw: (told) => this.card(told),
            taken: (told, fresh) => this.taken(told, fresh),
            failed: (error) => (this.count.textContent = error.message),
        });
        this.host.append(element("div", {class: "extra-tools"}, search, sort, turn, refresh, this.count), this.folders, this.view);
    }

    async refresh() {
        await tried(() => ask(`sd_extra_networks/refresh?page=${this.page}`, {}));
        await this.again();
    }

    /** Another question: from the first card on. */
    async ask(change) {
        this.query = {...this.query, ...change};
        await this.grid.ask();
    }

    taken(told, fresh) {
        this.count.textContent = told.total === 1 ? say("1 file") : say("{} files", told.total);
        if (fresh) {
            this.showFolders(told.folders);
        }
    }

    showFolders(folders) {
        const known = folders.join("\n");
        if (this.knownFolders !== known) {
            this.knownFolders = known;
            const button = (text, folder) => element("button", {type: "button", textContent: text, "data-folder": folder, onclick: () => this.ask({folder})});
            this.folders.replaceChildren(...(folders.length ? [button(say("all"), ""), ...folders.map((one) => button(one, one))] : []));
        }
        for (const button of this.folders.children) {
            button.setAttribute("aria-pressed", String(button.dataset.folder === this.query.folder));
        }
    }

    card(told) {
        const act = (text, label, work) => element("button", {type: "button", class: text ? "card-button" : "card-button icon-styles", textContent: text, title: label, "aria-label": `${label}: ${told.name}`, onclick: (event) => {
            event.stopPropagation();
            work();
        }});
        const buttons = element("div", {class: "button-row"},
            told.path ? act("", say("Copy path"), () => this.copy(told.path)) : null,
            act("i", say("Metadata"), () => this.metadata(told)),
            act("✎", say("Edit notes and preview"), () => this.edit(told)));
        const picture = told.picture ? element("img", {class: "preview", src: told.picture, alt: "", loading: "lazy", draggable: false}) : null;
        const described = opts.extra_networks_card_show_desc !== false ? told.description : "";
        const words = element("div", {class: "actions"}, element("span", {class: "name", textContent: told.name}), element("span", {class: "description", textContent: described}));
        const choose = element("button", {type: "button", class: "card-choose", "aria-label": told.name, title: told.folder ? `${told.folder}/${told.name}` : told.name, onclick: () => this.choose(told)});
        return element("div", {class: "card", "data-name": told.name}, picture, words, choose, buttons);
    }

    choose(told) {
        if (this.page === "checkpoints") {
            selectCheckpoint(told.name);
        } else {
            cardClicked(this.tab, told.prompt, told.negative_prompt, this.page === "textual_inversion");
        }
    }

    async copy(path) {
        await tried(() => navigator.clipboard.writeText(path));
        tell(say("Copied: {}", path));
    }

    async metadata(told) {
        await tried(async () => {
            const answer = await ask(`sd_extra_networks/metadata?${new URLSearchParams({page: this.page, item: told.name})}`);
            openTextDialog(told.name, answer.metadata ?? say("This file tells nothing about itself."));
        });
    }

    async edit(told) {
        await tried(async () => {
            const kept = await ask(`sd_extra_networks/notes?${new URLSearchParams({page: this.page, item: told.name})}`);
            this.openEditor(told, kept);
        });
    }

    openEditor(told, kept) {
        const fields = NOTES.filter(([name]) => this.shows(name)).map(([name, label, kind]) => {
            const box = element(kind === "textarea" ? "textarea" : "input", kind === "number" ? {type: "number", step: 0.05} : {});
            box.name = name;
            box.value = kept[name];
            return element("label", {}, label, box);
        });
        const save = element("button", {type: "submit", class: "primary", textContent: say("Save")});
        const replace = element("button", {type: "button", textContent: say("Replace preview by the picture shown"), onclick: () => this.replacePreview(told, dialog)});
        const form = element("form", {class: "card-editor"}, ...fields, element("div", {class: "dialog-row"}, save, replace));
        const dialog = openDialog(told.name, form);
        form.addEventListener("submit", (event) => {
            event.preventDefault();
            const said = Object.fromEntries(new FormData(form));
            if ("preferred_weight" in said) {
                said.preferred_weight = Number(said.preferred_weight);
            }
            tried(async () => {
                await ask("sd_extra_networks/notes", {page: this.page, item: told.name, ...said});
                dialog.close();
                await this.again();
            });
        });
    }

    shows(name) {
        return NOTES_OF_CHECKPOINT.includes(name) ? this.page === "checkpoints" : this.page === "lora" || !NOTES_OF_LORA.includes(name);
    }

    async replacePreview(told, dialog) {
        await tried(async () => {
            const shown = shownPicture(this.tab);
            if (!shown) {
                throw new Error(say("There is no picture in the gallery; make one first."));
            }
            const picture = await (await fetch(shown)).blob();
            await ask(`sd_extra_networks/preview?${new URLSearchParams({page: this.page, item: told.name})}`, picture);
            dialog.close();
            await ask(`sd_extra_networks/refresh?page=${this.page}`, {});
            await this.again();
        });
    }

    /** The same question once more. */
    async again() {
        await this.grid.ask(true);
    }
}

/** The address of the picture that a tab's gallery shows. */
function shownPicture(tab) {
    const gallery = document.getElementById(`${tab}_gallery`);
    return fullSource(gallery?.querySelector(".preview .media-button img, .grid-wrap img"));
}

function selectCheckpoint(name) {
    desiredCheckpointName = name;
    document.getElementById("change_checkpoint")?.click();
}

/** A card was clicked: its words go into the prompts, or out where they stand already. */
function cardClicked(tab, prompt, negative, allowNegative) {
    const boxes = ["prompt", "neg_prompt"].map((name) => document.querySelector(`#${tab}_${name} textarea`));
    if (negative) {
        toggleWords(boxes[1], negative);
        toggleWords(boxes[0], prompt);
        return;
    }
    toggleWords(allowNegative && lastPrompt[tab] === boxes[1] ? boxes[1] : boxes[0], prompt);
}

/** Put words into a prompt or take them out, whichever is due. */
function toggleWords(box, words) {
    const without = withoutWords(box.value, words);
    const separator = opts.extra_networks_add_text_separator ?? " ";
    replaceText(box, without ?? (box.value ? box.value + separator : "") + words);
}

/** The text without the words; a tag is the same whatever its weight. Null if they are not in it. */
function withoutWords(text, words) {
    const literal = (part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    const tag = /^<(\w+):([^:>]+)[^>]*>/.exec(words);
    const pattern = tag
        ? `\\s?<${tag[1]}:${literal(tag[2])}(:[^>]*)?>(${literal(words.slice(tag[0].length))})?`
        : `(^|[\\s,])${literal(words)}(?=$|[\\s,])`;
    const found = new RegExp(pattern).exec(text);
    return found ? (text.slice(0, found.index) + text.slice(found.index + found[0].length)).trim() : null;
}

document.addEventListener("focusin", (event) => {
    if (isPrompt(event.target)) {
        lastPrompt[event.target.closest("[id$=_prompt]").id.split("_")[0]] = event.target;
    }
});

/** A browser is filled when it first comes into sight. */
function openNetworkBrowsers() {
    for (const host of document.querySelectorAll(".network-browser")) {
        if (!networkBrowsers.has(host) && host.offsetParent !== null) {
            networkBrowsers.set(host, new NetworkBrowser(host));
            networkBrowsers.get(host).ask({});
        }
    }
}

onUiUpdate(openNetworkBrowsers);
