// Opens a page of this app in the session that is running, as the browser's own Back does it: one entry in the history,
// one rerun. (st.switch_page with query parameters leaves a second entry, the old page under the new parameters.)
function goTo(address) {
  history.pushState({}, "", address);
  window.dispatchEvent(new PopStateEvent("popstate"));
}
