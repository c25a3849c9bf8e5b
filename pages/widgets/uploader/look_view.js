// What was found in a file before it was sent: its columns, how it is read, and how it compares with the shelf.

const CHIPS = 6;
const NOTES = 2;
const TYPE_WORDS = {
  string: "text",
  float: "number",
  boolean: "yes/no",
  struct: "record",
  binary: "bytes",
  null: "empty",
};
const FIXED = new Set(["parquet", "arrow", "json", "jsonl"]); // Formats that leave nothing to choose.

class LookView {
  element = make("div", "look");
  #upload;
  #drawn = "";

  constructor(upload) {
    this.#upload = upload;
    this.element.hidden = true;
  }

  /** Draw anew where something else is known than before. `change()` is called where the user wants it read otherwise. */
  update(change) {
    const { look, state, result, wish } = this.#upload;
    const known = [Boolean(look), state === "done", result?.rows ?? null, wish].join();
    if (known === this.#drawn) return;
    this.#drawn = known;
    this.element.hidden = !look;
    if (look) this.element.replaceChildren(...this.#parts(look, change));
  }

  #parts(look, change) {
    if (!look.columns.length) return look.certain && look.reason ? [make("p", "look-facts", look.reason)] : [];
    const chips = look.columns.slice(0, CHIPS).map(({ name, type }) => {
      const words = TYPE_WORDS[type] ?? type;
      const chip = make("span", "chip", make("span", "chip-name", name), " ", make("span", "chip-type", words));
      chip.title = `${name} · ${words}`;
      return chip;
    });
    const more = (look.column_count ?? look.columns.length) - chips.length;
    if (more > 0) chips.push(make("span", "chip-more", `and ${more.toLocaleString("en-US")} more`));
    // No list: these are not more of the uploads that the list around them counts.
    const list = make("div", "chips", ...chips);
    list.setAttribute("role", "group");
    list.setAttribute("aria-label", `Columns of ${this.#upload.name}`);
    const notes = (look.notes ?? []).slice(0, NOTES);
    const said = notes.length ? [make("p", "look-notes", notes.join(" "))] : [];
    return [list, this.#facts(look, change), ...said];
  }

  #facts(look, change) {
    const { state, result } = this.#upload;
    const parts = [...(look.read_as ?? [])];
    // Once the rows are counted, the sentence above says them.
    const counted = state === "done" && result?.rows != null;
    if (look.rows != null && !counted) parts.push(formatRows(look.rows, look.rows_exact));
    const line = make("p", "look-facts", parts.join(" · "));
    if (look.comparison) {
      const same = look.comparison.startsWith("Same columns");
      line.append(" · ", make("span", same ? "same" : "differs", look.comparison));
    }
    if (!FIXED.has(look.format)) line.append(this.#changeLink(change));
    return line;
  }

  #changeLink(change) {
    const { wish, state, name } = this.#upload;
    if (wish && state !== "done") return " · opens to be changed when the upload is done";
    const button = makeButton("link", { text: "Change" }, change);
    button.setAttribute("aria-label", `Change how ${name} is read`);
    return make("span", "", " ", button);
  }
}
