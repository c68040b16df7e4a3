/** What the page was made of when it was loaded; the names have a hash of what is in them. */
const MADE_OF = 'script[src^="assets/"], link[rel="stylesheet"][href^="assets/"]';

/** Whether the hub by now serves another page than the one that is open. */
export async function isOutdated(signal: AbortSignal): Promise<boolean> {
  const answer = await fetch("./", { headers: { accept: "text/html" }, cache: "no-cache", signal });
  const page = await answer.text();
  // Something else answers there for the moment: a proxy that wants one to sign in.
  if (!answer.ok || !page.includes('<div id="app">')) return false;
  return [...document.querySelectorAll(MADE_OF)].some((element) => {
    return !page.includes(element.getAttribute("src") ?? element.getAttribute("href") ?? "");
  });
}
