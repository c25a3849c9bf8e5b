// Streamlit sets color-scheme on .stApp only; what it hangs beside it (popovers, dialogs) would stay light.
export default function () {
  const app = document.querySelector(".stApp");
  if (!app || window.__datashelfScheme?.app === app) return;
  window.__datashelfScheme?.observer.disconnect();
  const follow = () => {
    const scheme = getComputedStyle(app).colorScheme;
    if (document.documentElement.style.colorScheme !== scheme) document.documentElement.style.colorScheme = scheme;
  };
  const observer = new MutationObserver(follow);
  observer.observe(app, { attributes: true, attributeFilter: ["class", "style"] });
  window.__datashelfScheme = { app, observer };
  follow();
}
