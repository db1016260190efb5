// The Extras tab: which sub-tabs are in front, and a factor by an upscaler's name.
"use strict";

const SCALE_TO = "extras_scale_to_tab";
const SCALE_IN_NAME = /(\d)x|x(\d)/i;

onSubmit(({tab, values}) => {
    if (tab === "extras") {
        values.front = tabInFront("mode_extras");
        values.to_size = tabInFront("extras_resize_mode") === SCALE_TO;
    }
});

/** gradio: another upscaler was chosen; where the options want it, its factor is. */
function scaleByName(name, scale) {
    const found = opts.set_scale_by_when_changing_upscaler && SCALE_IN_NAME.exec(name);
    return found ? Number(found[1] ?? found[2]) : scale;
}
