// The uploader of whoever is signed in: their files go onto their own shelf.

export default function (args) {
  const { parentElement } = args;
  // A change of theme or data calls this again on the same elements, without a clean-up in between.
  parentElement.datashelfPicker?.stop();
  const picker = new Picker(theQueue(), parentElement, args);
  parentElement.datashelfPicker = picker;
  return () => picker.stop();
}
