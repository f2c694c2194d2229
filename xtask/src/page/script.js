"use strict";
(() => {
  // The page is complete without this script. It adds sorting, hiding, another baseline, copying,
  // a switch between light and dark, and keeps the state of all of it in the address.
  performance.mark("report-start");
  const root = document.documentElement;
  const make = (tag, text, attributes) => {
    const element = document.createElement(tag);
    if (text) element.textContent = text;
    for (const name in attributes) element.setAttribute(name, attributes[name]);
    return element;
  };
  const word = (element) => element.textContent.trim();

  // #anchor?key=value&key=value
  const state = { get: new Map(), anchor: "" };
  const read = () => {
    let hash = location.hash.slice(1);
    try {
      hash = decodeURI(hash);
    } catch {
      // Not an address of this page: taken as it stands.
    }
    const [anchor, query] = hash.split("?");
    state.anchor = anchor;
    if (query !== undefined) {
      state.get = new Map(query.split("&").map((pair) => pair.split("=", 2)));
    }
  };
  const write = () => {
    const pairs = [...state.get].filter(([, value]) => value).map((pair) => pair.join("="));
    const hash = "#" + state.anchor + (pairs.length ? "?" + pairs.join("&") : "");
    try {
      history.replaceState(null, "", hash);
    } catch {
      location.replace(hash);
    }
  };
  const keep = (key, value) => {
    if (value) state.get.set(key, String(value));
    else state.get.delete(key);
    write();
  };

  const THEMES = ["auto", "light", "dark"];
  const themes = make("button", "", { class: "theme", type: "button" });
  const dress = () => {
    const theme = THEMES.includes(state.get.get("theme")) ? state.get.get("theme") : "auto";
    if (theme === "auto") delete root.dataset.theme;
    else root.dataset.theme = theme;
    themes.textContent = "Theme: " + theme;
    return theme;
  };
  themes.addEventListener("click", () => {
    const next = THEMES[(THEMES.indexOf(dress()) + 1) % THEMES.length];
    keep("theme", next === "auto" ? "" : next);
    dress();
  });
  document.querySelector(".top").append(themes);

  const number = (factor) => {
    if (!(factor >= 0.095)) return factor.toPrecision(2);
    return factor < 9.995 ? factor.toFixed(2) : factor < 99.95 ? factor.toFixed(1) : factor.toFixed(0);
  };
  const BOUNDS = [1.05, 1.2, 1.5, 2, 4, 10];
  const shade = (factor) => "h" + BOUNDS.filter((bound) => factor > bound).length;
  const valueOf = (cell) => {
    const value = cell && cell.dataset.v;
    return value === undefined ? null : Number(value);
  };

  // The text of a factor as the page came with it.
  const said = (shown) => shown.dataset.said ?? word(shown);
  // A row that is only known to take at least so long is no base: its quotients would look exact.
  const canBeBase = (row) => {
    const cell = row.cells[1];
    return valueOf(cell) > 0 && !said(cell.firstElementChild).startsWith(">");
  };

  // As the Markdown beside the results: nothing is obeyed, and nothing becomes a link or a mention.
  const isLinked = (text) => /@|:\/\/|www\.|mailto:|#\d/i.test(text);
  const code = (text) => {
    const longest = Math.max(...text.split(/[^`]/).map((run) => run.length));
    const fence = "`".repeat(longest + 1);
    const pad = /^`|`$/.test(text) ? " " : "";
    return fence + pad + text + pad + fence;
  };
  const escaped = (text) => text.replace(/\s+/g, " ").trim().split(" ").map((part) => (
    isLinked(part) ? code(part.replaceAll("|", "¦")) : part.replace(/[\\`*_[\]<|~&$]/g, "\\$&")
  )).join(" ");

  class Table {
    constructor(table) {
      this.table = table;
      this.id = table.id;
      this.body = table.tBodies[0];
      this.rows = [...this.body.rows];
      this.heads = [...table.tHead.rows[0].cells];
      this.hidden = new Set();
      this.base = -1;
      this.sorted = "";
      this.factors = table.classList.contains("race") && this.id[0] === "t";
      this.heads.forEach((head, column) => {
        if (head.classList.contains("fig")) return;
        const button = make("button", word(head), { type: "button" });
        head.replaceChildren(button);
        button.addEventListener("click", () => {
          const down = this.sorted === column + "a";
          this.sort(this.sorted === column + "d" ? "" : column + (down ? "d" : "a"));
          this.keep();
        });
      });
      this.tools();
    }

    tools() {
      const tools = make("div", "", { class: "tools" });
      this.pickBase = this.factors && this.choice("relative to", "the best", (row) => {
        this.rebase(row);
        this.keep();
      }, canBeBase);
      this.pickHide = this.choice("hide", "a row …", (row) => {
        this.hidden.add(row);
        this.pickHide.value = "";
        this.show();
        this.keep();
      });
      this.all = make("button", "", { type: "button" });
      this.all.hidden = true;
      this.all.addEventListener("click", () => {
        this.hidden.clear();
        this.show();
        this.keep();
      });
      const copy = make("button", "Copy as Markdown", { type: "button" });
      copy.addEventListener("click", () => this.copy(copy));
      for (const select of [this.pickBase, this.pickHide]) {
        if (select) tools.append(select.parentNode);
      }
      tools.append(this.all, copy);
      this.table.parentNode.before(tools);
    }

    // A select whose rows are listed when it is first used: a page may have thousands of rows.
    choice(name, none, chosen, suits = () => true) {
      const label = make("label", name + " ");
      const select = make("select");
      select.append(new Option(none, ""));
      let filled = false;
      const fill = () => {
        if (filled) return;
        filled = true;
        this.rows.forEach((row, at) => {
          if (suits(row)) select.append(new Option(word(row.cells[0]), at));
        });
      };
      for (const event of ["focus", "pointerdown", "fill"]) select.addEventListener(event, fill);
      select.addEventListener("change", () => chosen(select.value === "" ? -1 : Number(select.value)));
      label.append(select);
      return select;
    }

    sort(by) {
      this.sorted = by;
      const column = parseInt(by, 10);
      const down = by.endsWith("d");
      this.heads.forEach((head, at) => {
        if (at === column) head.setAttribute("aria-sort", down ? "descending" : "ascending");
        else head.removeAttribute("aria-sort");
      });
      const keys = new Map(this.rows.map((row) => {
        const value = valueOf(row.cells[column]);
        return [row, value === null && row.cells[column] ? word(row.cells[column]) : value];
      }));
      const compare = (one, other) => {
        const [a, b] = [keys.get(one), keys.get(other)];
        const numbers = [typeof a === "number", typeof b === "number"];
        // What has no value comes last, whichever way the others go.
        if (numbers[0] !== numbers[1]) return numbers[0] ? -1 : 1;
        const order = numbers[0] ? a - b : a < b ? -1 : a > b ? 1 : 0;
        return down ? -order : order;
      };
      const rows = Number.isNaN(column) ? this.rows : [...this.rows].sort(compare);
      this.body.append(...rows);
    }

    show() {
      this.rows.forEach((row, at) => { row.hidden = this.hidden.has(at); });
      this.all.hidden = this.hidden.size === 0;
      this.all.textContent = "Show " + this.hidden.size + " hidden";
    }

    // Factors relative to a row are quotients of the factors to the best; verdicts are about the
    // best, so their marks go.
    rebase(at) {
      this.base = this.rows[at] && canBeBase(this.rows[at]) ? at : -1;
      const base = this.base < 0 ? 1 : valueOf(this.rows[this.base].cells[1]);
      this.rows.forEach((row, place) => {
        const cell = row.cells[1];
        const shown = cell.firstElementChild;
        const value = valueOf(cell);
        if (value === null) return;
        const bound = said(shown).startsWith(">") ? ">" : "";
        shown.dataset.said ??= said(shown);
        shown.dataset.look ??= shown.className;
        const factor = value / base;
        shown.textContent = this.base < 0 ? shown.dataset.said : bound + number(factor) + "×";
        shown.className = this.base < 0 ? shown.dataset.look : shade(factor);
        row.classList.toggle("base", place === this.base);
      });
      const button = this.heads[1].firstElementChild;
      button.textContent = this.base < 0 ? "to best" : "to " + word(this.rows[this.base].cells[0]);
    }

    keep() {
      keep(this.id + ".sort", this.sorted);
      keep(this.id + ".base", this.base < 0 ? "" : this.base + 1);
      keep(this.id + ".hide", [...this.hidden].sort((a, b) => a - b).map((at) => at + 1).join("."));
    }

    restore() {
      const get = (key) => state.get.get(this.id + "." + key) || "";
      const by = get("sort");
      if (by !== this.sorted && (by === "" || /^\d+[ad]$/.test(by))) this.sort(by);
      const hidden = get("hide").split(".").map((at) => parseInt(at, 10) - 1);
      const wanted = new Set(hidden.filter((at) => at >= 0 && at < this.rows.length));
      if (wanted.size || this.hidden.size) {
        this.hidden = wanted;
        this.show();
      }
      const base = (parseInt(get("base"), 10) || 0) - 1;
      if (this.factors && base !== this.base) {
        this.rebase(base);
        this.pickBase.dispatchEvent(new Event("fill"));
        this.pickBase.value = this.base < 0 ? "" : String(this.base);
      }
    }

    markdown() {
      const shown = this.heads.map((head, at) => (head.classList.contains("fig") ? -1 : at)).filter((at) => at >= 0);
      const line = (cells) => "| " + cells.join(" | ") + " |";
      const head = shown.map((at) => escaped(word(this.heads[at])));
      const rule = shown.map((at) => (at === 0 ? "---" : "---:"));
      const rows = [...this.body.rows].filter((row) => !row.hidden);
      const body = rows.map((row) => line(shown.map((at) => escaped(word(row.cells[at])))));
      return [line(head), line(rule), ...body].join("\n") + "\n";
    }

    async copy(button) {
      const text = this.markdown();
      let done = true;
      try {
        await navigator.clipboard.writeText(text);
      } catch {
        const area = make("textarea");
        area.value = text;
        document.body.append(area);
        area.select();
        done = document.execCommand("copy");
        area.remove();
        button.focus();
      }
      button.textContent = done ? "Copied" : "Not copied: the browser refused";
      setTimeout(() => { button.textContent = "Copy as Markdown"; }, 2000);
    }
  }

  read();
  dress();
  const tables = [...document.querySelectorAll("table")].map((table) => new Table(table));
  const restore = () => {
    dress();
    for (const table of tables) table.restore();
  };
  restore();
  const go = () => {
    const target = state.get.size && state.anchor && document.getElementById(state.anchor);
    if (target) target.scrollIntoView();
  };
  go();
  addEventListener("hashchange", () => {
    const plain = !location.hash.includes("?");
    read();
    if (plain) write();
    else restore();
    go();
  });
  performance.measure("report-script", "report-start");
})();
