/** The files of the loaded page. Their names contain a hash of the content. */
const MADE_OF = 'script[src^="assets/"], link[rel="stylesheet"][href^="assets/"]';

/** Whether the hub serves a newer page than the loaded one. */
export async function isOutdated(signal: AbortSignal): Promise<boolean> {
  const answer = await fetch("./", { headers: { accept: "text/html" }, cache: "no-cache", signal });
  const page = await answer.text();
  // Something else answers, for example a proxy with a login page.
  if (!answer.ok || !page.includes('<div id="app">')) return false;
  return [...document.querySelectorAll(MADE_OF)].some((element) => {
    return !page.includes(element.getAttribute("src") ?? element.getAttribute("href") ?? "");
  });
}
