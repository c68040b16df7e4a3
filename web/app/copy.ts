/**
 * Copies what is selected of literal text as the characters that it is made of. By themselves,
 * browsers turn spaces that do not break into those that do, and leave out ends of lines.
 */
export function copyLiterally(event: ClipboardEvent): void {
  const selection = getSelection();
  if (event.clipboardData === null || selection?.rangeCount !== 1) return;
  const range = selection.getRangeAt(0);
  const { commonAncestorContainer: around } = range;
  const element = around instanceof Element ? around : around.parentElement;
  const within = element?.closest(".literal");
  const texts = within ? [within] : [...element?.querySelectorAll(".literal") ?? []];
  const [only, ...others] = texts.filter((each) => range.intersectsNode(each));
  const text = range.toString();
  // What is around a message may be selected with it: that is for the browser to put in words.
  if (only === undefined || others.length > 0 || !only.textContent?.includes(text)) return;
  event.clipboardData.setData("text/plain", text);
  event.preventDefault();
}
