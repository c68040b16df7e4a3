/**
 * Keeps the page's files, so that it opens without a network and says itself that it is offline.
 * Messages are not its business: they come over the WebSocket, which no worker sees.
 *
 * @module
 */

/** Constants that the build puts before this file. */
declare const SHELL: { readonly version: string; readonly files: readonly string[] };

// The type libraries of pages and of workers exclude each other: this is the part of a service
// worker's world that is used here.

interface WaitingEvent extends Event {
  waitUntil(work: Promise<unknown>): void;
}

interface RequestEvent extends WaitingEvent {
  readonly request: Request & { readonly mode: string };
  respondWith(answer: Promise<Response>): void;
}

interface ClickEvent extends WaitingEvent {
  readonly notification: { readonly data: unknown; close(): void };
}

interface CachedPage {
  readonly url: string;
  postMessage(message: unknown): void;
  focus(): Promise<unknown>;
}

interface WorkerEvents {
  install: WaitingEvent;
  activate: WaitingEvent;
  fetch: RequestEvent;
  notificationclick: ClickEvent;
}

interface WorkerScope extends EventTarget {
  readonly registration: { readonly scope: string };
  readonly clients: {
    matchAll(query: { type: "window" }): Promise<readonly CachedPage[]>;
    claim(): Promise<void>;
  };
  skipWaiting(): Promise<void>;
}

const worker = globalThis as unknown as WorkerScope;
const SCOPE = new URL(worker.registration.scope);

/** The prefix of this hub’s caches: other hubs may be under other paths of the host. */
const OWN = `bcast ${SCOPE.pathname} `;
const CACHE = OWN + SHELL.version;
const PAGE = "./";

function on<K extends keyof WorkerEvents>(type: K, listener: (event: WorkerEvents[K]) => void) {
  worker.addEventListener(type, listener as EventListener);
}

on("install", (event) => {
  event.waitUntil((async () => {
    const cache = await caches.open(CACHE);
    await cache.addAll([...SHELL.files, "manifest.webmanifest"]);
    await cache.put(PAGE, await fetchPage());
    await worker.skipWaiting();
  })());
});

on("activate", (event) => {
  event.waitUntil((async () => {
    const old = (await caches.keys()).filter((name) => name.startsWith(OWN) && name !== CACHE);
    await Promise.all(old.map((name) => caches.delete(name)));
    await worker.clients.claim();
  })());
});

on("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || !url.href.startsWith(SCOPE.href)) return;
  if (request.mode === "navigate" && url.pathname === SCOPE.pathname) {
    event.respondWith(page(request));
  } else if (SHELL.files.includes(url.pathname.slice(SCOPE.pathname.length))) {
    event.respondWith(kept(request));
  }
});

/** A click on a notification opens the page that it came from. */
on("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil((async () => {
    const pages = await worker.clients.matchAll({ type: "window" });
    const open = pages.find(({ url }) => new URL(url).pathname === SCOPE.pathname);
    open?.postMessage({ show: event.notification.data });
    await open?.focus();
  })());
});

/** The current page from the network; without a network, the cached one. */
async function page(request: Request): Promise<Response> {
  try {
    const answer = await fetch(request);
    if (answer.ok) return answer;
    // A proxy whose hub is away: the page says so better.
    return await known(PAGE) ?? answer;
  } catch (error) {
    const last = await known(PAGE);
    if (last === undefined) throw error;
    return last;
  }
}

async function kept(request: Request): Promise<Response> {
  return await known(request) ?? await fetch(request);
}

async function known(request: Request | string): Promise<Response | undefined> {
  return await (await caches.open(CACHE)).match(request);
}

async function fetchPage(): Promise<Response> {
  const answer = await fetch(PAGE, { headers: { accept: "text/html" }, cache: "no-cache" });
  if (!answer.ok) throw new Error(`The page answers ${answer.status}`);
  return answer;
}
