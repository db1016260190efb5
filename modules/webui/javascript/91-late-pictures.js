// img2img's sub-tabs are mounted when they are opened; until then a hidden element stands for each one's picture, so that
// extensions' scripts find on it what A1111's page has from the start. Who listens to it, listens to the picture later.
"use strict";

const LATE_PICTURES = ["img2img_image", "img2img_sketch", "img2maskimg", "inpaint_sketch", "img_inpaint_base"];

class StandIn {
    constructor(id) {
        this.id = id;
        this.heard = []; // [whether of the input's parent, the arguments of addEventListener]
        const input = Object.assign(document.createElement("input"), {type: "file"});
        const place = document.createElement("div");
        place.append(input);
        for (const [element, ofParent] of [[input, false], [place, true]]) {
            element.addEventListener = (...words) => this.heard.push([ofParent, words]);
        }
        this.host = Object.assign(document.createElement("div"), {id, hidden: true});
        this.host.append(place);
        document.body.append(this.host);
    }

    /** Make way for the picture where it is mounted; whether it is. */
    gone() {
        const found = Array.from(document.querySelectorAll(`[id="${this.id}"]`)).find((one) => one !== this.host);
        const input = found?.querySelector("input");
        if (!input) {
            return false;
        }
        this.host.remove();
        for (const [ofParent, words] of this.heard) {
            (ofParent ? input.parentElement : input).addEventListener(...words);
        }
        return true;
    }
}

function standInForPictures() {
    let left = LATE_PICTURES.map((id) => new StandIn(id));
    const observer = new MutationObserver(() => { // made before the extensions', so told before them
        left = left.filter((one) => !one.gone());
        if (!left.length) {
            observer.disconnect();
        }
    });
    observer.observe(document.body, {childList: true, subtree: true});
}

if (document.querySelector('meta[name="webui-guests"]')) {
    standInForPictures();
}
