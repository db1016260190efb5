// Gestures: pictures dragged onto a prompt or from a gallery to an input, Generate forever, pieces of a prompt moved.
"use strict";

const FOREVER_MS = 400; // between a look whether the run is over
const PICTURE_TYPE = /^image\//;
const forever = {}; // tab -> the timer that presses Generate again

// ---- Alt+Left and Alt+Right move the piece between commas that the caret is in

document.addEventListener("keydown", (event) => {
    const left = event.key === "ArrowLeft";
    if (opts.keyedit_move !== false && event.altKey && !event.ctrlKey && !event.shiftKey && (left || event.key === "ArrowRight") && isPrompt(event.target)) {
        stopHere(event);
        const area = event.target;
        const moved = movedPiece(area.value, area.selectionStart, left);
        if (moved) {
            replaceText(area, moved.text);
            area.setSelectionRange(moved.start, moved.end);
        }
    }
}, true);

/** The text with the piece around the caret one place further, and where the piece is then; null where it cannot go. */
function movedPiece(text, caret, left) {
    const pieces = piecesOf(text);
    const place = pieces.findIndex((piece) => caret <= piece.end);
    const other = place + (left ? -1 : 1);
    if (place < 0 || other < 0 || other >= pieces.length) {
        return null;
    }
    const [first, second] = left ? [pieces[other], pieces[place]] : [pieces[place], pieces[other]];
    const words = (piece) => text.slice(piece.start, piece.end);
    const between = text.slice(first.end, second.start);
    const made = text.slice(0, first.start) + words(second) + between + words(first) + text.slice(second.end);
    const length = words(pieces[place]).length;
    const start = left ? first.start : second.end - length;
    return {text: made, start, end: start + length};
}

/** The pieces between commas and line ends, without the blanks around them; commas in brackets part nothing. */
function piecesOf(text) {
    const pieces = [];
    let [depth, start] = [0, 0];
    const add = (end) => {
        const words = text.slice(start, end);
        const lead = words.length - words.trimStart().length;
        pieces.push({start: start + lead, end: start + Math.max(lead, words.trimEnd().length)});
        start = end + 1;
    };
    for (let place = 0; place < text.length; place++) {
        depth += "([{<".includes(text[place]) ? 1 : ")]}>".includes(text[place]) ? -1 : 0;
        if (depth <= 0 && /[,\n]/.test(text[place])) {
            add(place);
        }
    }
    add(text.length);
    return pieces;
}

// ---- a picture dropped on a prompt is read, and fills the form

document.addEventListener("dragover", (event) => {
    if (promptBoxAt(event.target) || sourceAt(event.target)) {
        event.preventDefault();
    }
}, true);

document.addEventListener("drop", (event) => {
    if (event.isTrusted && dropped(event.target, event.dataTransfer)) { // what is dispatched below is gradio's
        stopHere(event);
    }
}, true);

/** Take what was dropped, if it is for us: whether it is. A file on an image input is gradio's own business. */
function dropped(target, given) {
    const box = promptBoxAt(target);
    const source = sourceAt(target);
    const file = Array.from(given.files).find((one) => PICTURE_TYPE.test(one.type));
    const address = given.getData("text/uri-list") || given.getData("text/plain");
    if (!(box || source) || (file ? !box : !isAddress(address))) {
        return false;
    }
    tried(async () => {
        const picture = file ?? (await pictureAt(address));
        await (box ? readInto(box, picture) : giveTo(source, picture));
    });
    return true;
}

function promptBoxAt(target) {
    return target.closest?.(".prompt");
}

/** The image input under the pointer. */
function sourceAt(target) {
    return target.closest?.('.source-picture, #pnginfo_image, .paintable');
}

function isAddress(text) {
    return /^(https?:|data:image\/|blob:)/.test(text.trim());
}

/** A picture of this server, or one that the page itself holds; others would be a request to elsewhere. */
async function pictureAt(text) {
    const address = new URL(text.trim().split("\n")[0], document.baseURI);
    if (/^https?:$/.test(address.protocol) && address.origin !== location.origin) {
        throw new Error(say("That picture is on another server; save it, then drop the file."));
    }
    const answer = await fetch(fullAddress(address.href) ?? address);
    const blob = await answer.blob();
    if (!answer.ok || !PICTURE_TYPE.test(blob.type)) {
        throw new Error(say("What was dropped is no picture."));
    }
    return new File([blob], fileName(address.href) || "picture.png", {type: blob.type});
}

/** The address of the file that a small picture of the history stands for. */
function fullAddress(address) {
    const small = Array.from(document.querySelectorAll("img[data-full]")).find((image) => image.src === address);
    return small?.dataset.full;
}

/** Put a picture into one of gradio's image inputs, as if it had been dropped there as a file. */
async function giveTo(source, picture) {
    const carried = new DataTransfer();
    carried.items.add(picture);
    const clear = source.querySelector('button[aria-label="Clear"], button[aria-label="Remove Image"]');
    if (clear) {
        clear.click();
        await new Promise((done) => setTimeout(done, 100));
    }
    const zone = source.querySelector("button.wrap, .upload-container button, [data-testid] button") ?? source;
    zone.dispatchEvent(new DragEvent("drop", {dataTransfer: carried, bubbles: true, cancelable: true}));
}

function dataAddress(blob) {
    return new Promise((done, failed) => {
        const reader = new FileReader();
        reader.onload = () => done(reader.result);
        reader.onerror = () => failed(new Error(say("The file cannot be read.")));
        reader.readAsDataURL(blob);
    });
}

async function readInto(box, picture) {
    const told = await ask("sdapi/v1/png-info", {image: await dataAddress(picture)});
    if (!told.info) {
        throw new Error(say("This picture holds no parameters."));
    }
    const tab = box.id.split("_")[0];
    const area = document.querySelector(`#${tab}_prompt textarea`);
    area.value = told.info;
    updateInput(area);
    await new Promise(requestAnimationFrame);
    document.getElementById(tab === "txt2img" ? "paste" : `${tab}_paste`).click();
}

// ---- right click on Generate: forever

document.addEventListener("contextmenu", (event) => {
    const button = event.target.closest?.('[id$="_generate"], [id$="_interrupt"], [id$="_skip"]');
    if (button) {
        event.preventDefault();
        openForeverMenu(button.id.split("_")[0], event.clientX, event.clientY);
    }
});

function openForeverMenu(tab, x, y) {
    document.getElementById("context-menu")?.remove();
    const entry = (text, act) => element("button", {type: "button", role: "menuitem", textContent: text, onclick: act});
    const menu = element("div", {id: "context-menu", role: "menu"},
        entry(say("Generate forever"), () => generateForever(tab)),
        entry(say("Cancel generate forever"), () => cancelForever(tab)));
    Object.assign(menu.style, {left: `${Math.min(x, innerWidth - 200)}px`, top: `${Math.min(y, innerHeight - 80)}px`});
    document.body.append(menu);
    menu.firstChild.focus();
    const away = (event) => {
        if (!event.isTrusted && !menu.contains(event.target)) {
            return; // the page presses buttons itself when a run begins or ends
        }
        menu.remove();
        document.removeEventListener("click", away);
    };
    setTimeout(() => document.addEventListener("click", away));
    menu.addEventListener("keydown", (event) => event.key === "Escape" && away(event));
}

function generateForever(tab) {
    cancelForever(tab);
    const press = () => !isRunning(tab) && document.getElementById(`${tab}_generate`)?.click();
    press();
    forever[tab] = setInterval(press, FOREVER_MS);
    document.getElementById(`${tab}_generate`)?.classList.add("forever");
}

function cancelForever(tab) {
    clearInterval(forever[tab]);
    delete forever[tab];
    document.getElementById(`${tab}_generate`)?.classList.remove("forever");
}

/** A refusal would come again and again: the first one ends it. */
onRunRefused((tab) => cancelForever(tab));

// ---- the shape that width and height give, drawn over the picture to start from

const ASPECT_MS = 1500;
let aspectTimer = null;

onFormChange(({tab, values}) => {
    const picture = tab === "img2img" && document.activeElement?.closest("#img2img_width, #img2img_height") && sourcePicture();
    if (picture?.naturalWidth) {
        showAspect(picture, values);
    }
});

function showAspect(picture, {width, height, resize_mode: mode}) {
    let frame = document.getElementById("imageARPreview");
    if (!frame) {
        frame = element("div", {id: "imageARPreview"});
        document.body.append(frame);
    }
    const box = picture.getBoundingClientRect();
    const shown = Math.min(box.width / picture.naturalWidth, box.height / picture.naturalHeight);
    const [across, down] = [picture.naturalWidth * shown, picture.naturalHeight * shown];
    const fit = mode === 2 ? Math.max(across / width, down / height) : Math.min(across / width, down / height);
    const [w, h] = [width * fit, height * fit];
    Object.assign(frame.style, {left: `${box.left + (box.width - w) / 2}px`, top: `${box.top + (box.height - h) / 2}px`, width: `${w}px`, height: `${h}px`, display: "block"});
    clearTimeout(aspectTimer);
    aspectTimer = setTimeout(() => (frame.style.display = "none"), ASPECT_MS);
}
