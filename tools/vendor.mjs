// Copies the finished files of third-party parts to where the hub serves them from.
import { copyFileSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const target = join(root, "src/llmos/web/static/vendor");

mkdirSync(target, { recursive: true });
copyFileSync(join(root, "node_modules/htmx.org/dist/htmx.min.js"), join(target, "htmx.min.js"));
copyFileSync(join(root, "node_modules/htmx.org/LICENSE"), join(target, "htmx.LICENSE"));
copyFileSync(join(root, "node_modules/uplot/dist/uPlot.iife.min.js"), join(target, "uPlot.iife.min.js"));
copyFileSync(join(root, "node_modules/uplot/dist/uPlot.min.css"), join(target, "uPlot.min.css"));
copyFileSync(join(root, "node_modules/uplot/LICENSE"), join(target, "uPlot.LICENSE"));
copyFileSync(join(root, "node_modules/altcha/dist/external/altcha.min.js"), join(target, "altcha.min.js"));
copyFileSync(join(root, "node_modules/altcha/dist/external/altcha.css"), join(target, "altcha.css"));
copyFileSync(join(root, "node_modules/altcha/dist/workers/pbkdf2.js"), join(target, "altcha-worker.js"));
copyFileSync(join(root, "node_modules/altcha/LICENSE.txt"), join(target, "altcha.LICENSE"));
