// Puts text on the clipboard; false where the browser does not let it (a page served over plain http, a refused
// permission): then the text has to be shown to be copied by hand.
async function toClipboard(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
