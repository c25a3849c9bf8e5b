// A download in one click, without a new tab and without leaving the page.
//
// A plain link would do where all goes well, but a navigation asks "leave this page?" while uploads run and, where the
// store is away, ends on the browser's own error page. In a hidden frame the file is saved all the same, and only a
// failure ever loads a document there: then `failed` is told why, and the page says it.
function downloadOnClick(link, failed) {
  link.onclick = (event) => {
    if (event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    const frame = document.createElement("iframe");
    frame.hidden = true;
    frame.title = "Download";
    frame.onload = () => {
      let reason = "download-failed";
      try {
        const answer = new URL(frame.contentWindow.location.href);
        if (answer.protocol === "about:") return;
        reason = answer.searchParams.get("error") ?? reason;
      } catch {
        // A page of the store's, or the browser's own "cannot be reached": neither may be read from here.
      }
      frame.remove();
      failed(reason);
    };
    frame.src = link.href;
    document.body.append(frame);
  };
}
