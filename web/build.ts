/**
 * Makes the files of the web page in `web/dist`, for the hub to serve and the executable to hold:
 * bundled, minified, named after their content, and compressed once and for all. Does nothing when
 * the sources are what they were.
 *
 * ```sh
 * deno task web
 * ```
 *
 * @module
 */

import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { type AssetEntry, type AssetList, CODINGS, LIST, PAGE } from "../server/http/asset_list.ts";

const ROOT = new URL("../", import.meta.url);
const DIST = new URL("web/dist/", ROOT);

/** The sources of the page in this repository. */
const SOURCES = [
  "web",
  "chat",
  "client",
  "client.ts",
  "protocol",
  "protocol.ts",
  "server/http/asset_list.ts",
];

/** The other input of the build: the versions of the packages. */
const SETTINGS = "deno.json";

/** Style sheets, in order of precedence. */
const STYLES = ["base", "layout", "messages", "composer", "dialogs"];

/** Bytes below which compression does not pay. */
const MIN_COMPRESSED = 256;

/** Characters of the hash in a file name. */
const NAME_HASH = 10;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A file to be written to `web/dist`. */
interface Made {
  readonly entry: AssetEntry;
  readonly bodies: ReadonlyMap<string, Uint8Array>;
}

/**
 * Makes the files unless they are up to date.
 *
 * @returns whether there was anything to do.
 */
export async function buildWeb(): Promise<boolean> {
  const sources = await hashOfSources();
  if (await builtFrom() === sources) return false;
  const made = await makeAll();
  await write(made, { sources, files: made.map(({ entry }) => entry) });
  return true;
}

async function makeAll(): Promise<readonly Made[]> {
  const [script, worker] = await Promise.all([bundle("web/main.tsx"), bundle("web/sw.ts")]);
  const style = minifiedCss(await Promise.all(STYLES.map((name) => source(`style/${name}.css`))));
  const named = await Promise.all([
    asset("app.js", "text/javascript", script),
    asset("style.css", "text/css", encoder.encode(style)),
    asset("icon.svg", "image/svg+xml", encoder.encode(await source("icons/icon.svg"))),
    asset("icon-192.png", "image/png", await Deno.readFile(new URL("web/icons/192.png", ROOT))),
    asset("icon-512.png", "image/png", await Deno.readFile(new URL("web/icons/512.png", ROOT))),
  ]);
  const names = new Map(named.map(({ of, made }) => [of, made.entry.path]));
  const [page, manifest] = (await Promise.all([
    source("index.html"),
    source("manifest.webmanifest"),
  ])).map((text) => withNames(text, names));
  const shell = [...names.values()];
  // The worker is another one whenever the shell is: that is how browsers notice.
  const version = await hash(encoder.encode(JSON.stringify([shell, page, manifest])));
  const head = `const SHELL=${JSON.stringify({ version, files: shell })};`;
  return [
    ...named.map(({ made }) => made),
    await make(PAGE, "text/html; charset=utf-8", encoder.encode(page), false),
    await make(
      "manifest.webmanifest",
      "application/manifest+json",
      encoder.encode(manifest),
      false,
    ),
    await make(
      "sw.js",
      "text/javascript; charset=utf-8",
      encoder.encode(head + decoder.decode(worker)),
      false,
    ),
  ];
}

async function asset(
  name: string,
  type: string,
  body: Uint8Array,
): Promise<{ readonly of: string; readonly made: Made }> {
  const [stem, ending] = [name.slice(0, name.lastIndexOf(".")), name.slice(name.lastIndexOf("."))];
  const path = `assets/${stem}-${(await hash(body)).slice(0, NAME_HASH)}${ending}`;
  const whole = type.startsWith("text/") ? `${type}; charset=utf-8` : type;
  return { of: name, made: await make(path, whole, body, true) };
}

async function make(
  path: string,
  type: string,
  body: Uint8Array,
  immutable: boolean,
): Promise<Made> {
  const bodies = new Map([["identity", body]]);
  if (body.length >= MIN_COMPRESSED && !type.startsWith("image/png")) {
    bodies.set("gzip", gzipSync(body, { level: 9 }));
    const params = {
      [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
      [constants.BROTLI_PARAM_SIZE_HINT]: body.length,
    };
    bodies.set("br", brotliCompressSync(body, { params }));
  }
  const codings = CODINGS.filter((coding) => bodies.has(coding));
  return { entry: { path, type, hash: await hash(body), immutable, codings }, bodies };
}

async function bundle(path: string): Promise<Uint8Array> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["bundle", "--quiet", "--minify", "--platform", "browser", path],
    cwd: ROOT,
    stdout: "piped",
    stderr: "piped",
  }).output();
  if (!success) throw new Error(`Cannot bundle ${path}: ${decoder.decode(stderr).trim()}`);
  return stdout;
}

/** Removes comments and blank lines; compression does the rest. */
function minifiedCss(sheets: readonly string[]): string {
  return sheets.join("\n").replace(/\/\*.*?\*\//gs, "").replace(/\s*\n\s*/g, "\n").trim();
}

/** `text` with `{{name}}` replaced by the address of that file. */
function withNames(text: string, names: ReadonlyMap<string, string>): string {
  return text.replace(/\{\{(.+?)\}\}/g, (_, name: string) => {
    const path = names.get(name);
    if (path === undefined) throw new Error(`Cannot place {{${name}}}: there is no such file`);
    return path;
  });
}

function source(name: string): Promise<string> {
  return Deno.readTextFile(new URL(`web/${name}`, ROOT));
}

async function write(made: readonly Made[], list: AssetList): Promise<void> {
  // Moved into place as a whole, so that concurrent builds and running hubs never see half of it.
  const parent = new URL("web/", ROOT);
  const folder = new URL(`.dist-${crypto.randomUUID()}/`, parent);
  await Deno.mkdir(new URL("assets/", folder), { recursive: true });
  try {
    await Promise.all(
      made.flatMap(({ entry, bodies }) =>
        Array.from(bodies, ([coding, body]) =>
          Deno.writeFile(
            new URL(coding === "identity" ? entry.path : `${entry.path}.${coding}`, folder),
            body,
          ))
      ),
    );
    await Deno.writeTextFile(new URL(LIST, folder), JSON.stringify(list, undefined, 2));
    await removeIfThere(DIST);
    await Deno.rename(folder, DIST);
  } catch (error) {
    await removeIfThere(folder);
    // A concurrent build was faster, with the same content.
    if (await builtFrom() !== list.sources) throw error;
  }
}

async function removeIfThere(folder: URL): Promise<void> {
  try {
    await Deno.remove(folder, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** The hash of the sources that `web/dist` was built from; `undefined` if there is none. */
async function builtFrom(): Promise<string | undefined> {
  try {
    const list: AssetList = JSON.parse(await Deno.readTextFile(new URL(LIST, DIST)));
    return list.sources;
  } catch {
    // Not there, or not whole: to be made.
    return undefined;
  }
}

async function hashOfSources(): Promise<string> {
  const files = (await Promise.all([SETTINGS, ...SOURCES].map(filesIn))).flat().sort();
  const parts = await Promise.all(files.map(async (path) => {
    return `${path} ${await hash(await Deno.readFile(new URL(path, ROOT)))}`;
  }));
  return await hash(encoder.encode(parts.join("\n")));
}

async function filesIn(path: string): Promise<string[]> {
  if ((await Deno.stat(new URL(path, ROOT))).isFile) return [path];
  const inside: Promise<string[]>[] = [];
  for await (const { name } of Deno.readDir(new URL(path, ROOT))) {
    // What is made, and what editors leave.
    if (name !== "dist" && !name.startsWith(".")) inside.push(filesIn(`${path}/${name}`));
  }
  return (await Promise.all(inside)).flat();
}

async function hash(bytes: Uint8Array): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new Uint8Array(bytes));
  return new Uint8Array(digest).toHex();
}

if (import.meta.main) await buildWeb();
