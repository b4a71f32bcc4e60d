// Bundles src/ into ../static/dist with hashed names and writes manifest.json beside them.
// Run through `python -m kameng.web.assets_build`, which brings its own Node.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";
import * as sass from "sass";

const here = path.dirname(fileURLToPath(import.meta.url));
const src = path.join(here, "src");
const out = path.resolve(here, "../static/dist");
const modules = path.join(here, "node_modules");

const scss = {
  name: "scss",
  setup(build) {
    build.onLoad({ filter: /\.scss$/ }, ({ path: file }) => {
      // Bootstrap 5 still uses @import; its deprecation notes are not ours to act on.
      const { css, loadedUrls } = sass.compile(file, {
        loadPaths: [modules],
        quietDeps: true,
        silenceDeprecations: ["import", "global-builtin", "color-functions", "if-function"],
        logger: sass.Logger.silent,
      });
      return { contents: css, loader: "css", watchFiles: loadedUrls.map(fileURLToPath) };
    });
  },
};

function entryPoints() {
  const entries = [
    { in: path.join(src, "shop/index.js"), out: "shop" },
    { in: path.join(src, "shop/index.css"), out: "shop" },
    { in: path.join(src, "console/index.js"), out: "console" },
    { in: path.join(src, "console/index.css"), out: "console" },
    { in: path.join(src, "charts/index.js"), out: "charts" },
  ];
  for (const file of listFiles(path.join(src, "themes"), ".css")) {
    entries.push({ in: file, out: `theme-${path.basename(file, ".css")}` });
  }
  return entries;
}

function listFiles(folder, suffix = "") {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.startsWith(".") && entry.name.endsWith(suffix))
    .map((entry) => path.join(entry.parentPath, entry.name))
    .sort();
}

async function bundle() {
  const result = await esbuild.build({
    entryPoints: entryPoints(),
    outdir: out,
    entryNames: "[name]-[hash]",
    bundle: true,
    minify: true,
    metafile: true,
    format: "iife",
    // Old Android WebViews are a large part of the phones that buy here.
    target: ["chrome79", "safari13", "firefox78"],
    supported: { destructuring: true }, // Safari 13 has it; only a rare corner of it was wrong
    loader: { ".svg": "dataurl" },
    plugins: [scss],
    legalComments: "linked",
    logLevel: "warning",
    nodePaths: [modules],
  });
  const manifest = {};
  for (const [file, info] of Object.entries(result.metafile.outputs)) {
    if (!info.entryPoint) continue;
    const name = path.basename(file);
    manifest[name.replace(/-[A-Z0-9]{8}(\.\w+)$/, "$1")] = name;
  }
  return manifest;
}

// One symbol per line of icons.txt: `bolt` is outline/bolt, `filled/star` becomes `star-filled`.
function sprite() {
  const names = readFileSync(path.join(src, "icons.txt"), "utf8")
    .split("\n").map((line) => line.replace(/#.*/, "").trim()).filter(Boolean);
  const symbols = [...new Set(names)].sort().map(symbol);
  return `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join("")}</svg>\n`;
}

function symbol(name) {
  const filled = name.startsWith("filled/");
  const base = filled ? name.slice(7) : name;
  const file = path.join(modules, "@tabler/icons/icons", filled ? "filled" : "outline", `${base}.svg`);
  if (!existsSync(file)) throw new Error(`icons.txt: Tabler has no icon named ${name}`);
  const body = readFileSync(file, "utf8").replace(/<!--[\s\S]*?-->/g, "")
    .replace(/^[\s\S]*?<svg[^>]*>/, "").replace(/<\/svg>\s*$/, "").replace(/\s*\n\s*/g, "");
  const paint = filled
    ? 'fill="currentColor"'
    : 'fill="none" stroke="currentColor" stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round"';
  return `<symbol id="${base}${filled ? "-filled" : ""}" viewBox="0 0 24 24" ${paint}>${body}</symbol>`;
}

function writeHashed(manifest, name, content) {
  const hash = createHash("sha256").update(content).digest("hex").slice(0, 8).toUpperCase();
  const { dir, name: stem, ext } = path.parse(name);
  const hashed = path.posix.join(dir, `${stem}-${hash}${ext}`);
  mkdirSync(path.join(out, dir), { recursive: true });
  writeFileSync(path.join(out, hashed), content);
  manifest[name] = hashed;
}

function removeStale(manifest) {
  const keep = new Set([...Object.values(manifest), "manifest.json"]);
  for (const file of listFiles(out)) {
    const name = path.relative(out, file).split(path.sep).join("/");
    const isLicence = name.endsWith(".LEGAL.txt") && keep.has(name.slice(0, -10));
    if (!keep.has(name) && !isLicence) rmSync(file);
  }
}

mkdirSync(out, { recursive: true });
const manifest = await bundle();
writeHashed(manifest, "sprite.svg", sprite());
for (const file of listFiles(path.join(src, "images"))) {
  const name = path.relative(src, file).split(path.sep).join("/");
  writeHashed(manifest, name, readFileSync(file));
}
const sorted = Object.fromEntries(Object.entries(manifest).sort());
writeFileSync(path.join(out, "manifest.json"), JSON.stringify(sorted, null, 2) + "\n");
removeStale(manifest);
