// The hires pass's rare rows: shown by options, and as long as something is chosen in them.
"use strict";

const HIRES_ROWS = {
    sampler: ["hr_checkpoint_name", "hr_sampler_name", "hr_scheduler"],
    prompts: ["hr_prompt", "hr_negative_prompt"],
};
let hiresValues = {};

function showHiresRows() {
    for (const [row, names] of Object.entries(HIRES_ROWS)) {
        const wanted = opts[`hires_fix_show_${row}`] || names.some((name) => hiresValues[name]);
        document.body.classList.toggle(`with-hires-${row}`, Boolean(wanted));
    }
}

onFormChange(({tab, values}) => {
    if (tab === "txt2img") {
        hiresValues = values;
        showHiresRows();
    }
});

onOptionsChanged(showHiresRows);
