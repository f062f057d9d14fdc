"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const said = byId("said");

  // Ages, as of the moment somebody reads.
  const dayLength = 86400000;
  const days = (date) => Math.floor((Date.now() - Date.parse(date)) / dayLength);
  const age = (n) => {
    if (n <= 0) return "today";
    if (n === 1) return "yesterday";
    if (n < 60) return n + " days ago";
    if (n < 730) return Math.round(n / 30.4) + " months ago";
    return Math.round(n / 365) + " years ago";
  };
  for (const t of document.querySelectorAll("time[data-age]")) {
    const span = document.createElement("span");
    span.className = "age";
    span.textContent = age(days(t.dateTime));
    t.after(" ", span);
  }

  // What is in a box, or is a digest, can be copied.
  const fallback = (text) => {
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "unseen";
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  };
  const copy = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      return fallback(text);
    }
  };
  const copier = (text, what) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "Copy";
    button.setAttribute("aria-label", "Copy " + what);
    button.addEventListener("click", async () => {
      const done = await copy(text);
      button.textContent = done ? "Copied" : "Select it";
      button.classList.toggle("done", done);
      said.textContent = done ? "Copied " + what : "It could not be copied";
      button.focus();
      setTimeout(() => { button.textContent = "Copy"; button.classList.remove("done"); }, 1600);
    });
    return button;
  };
  for (const box of document.querySelectorAll(".box")) {
    const command = box.closest(".command");
    const label = command ? command.querySelector(".label").textContent : "this text";
    box.append(copier(box.querySelector("code").textContent, label));
  }
  for (const code of document.querySelectorAll("td > code.digest")) {
    code.parentElement.prepend(copier(code.textContent, "digest " + code.textContent.slice(0, 19)));
  }

  // A long table gets a field that filters it.
  for (const table of document.querySelectorAll("table[data-filter]")) {
    const rows = [...table.tBodies[0].rows];
    if (rows.length < 12) continue;
    const label = document.createElement("label");
    const input = document.createElement("input");
    label.className = "within";
    label.append(table.dataset.filter + " ");
    input.type = "search";
    input.autocomplete = "off";
    label.append(input);
    const texts = rows.map((r) => r.textContent.toLowerCase());
    input.addEventListener("input", () => {
      const word = input.value.trim().toLowerCase();
      let n = 0;
      rows.forEach((r, i) => { r.hidden = !texts[i].includes(word); if (!r.hidden) n++; });
      said.textContent = n + " of " + rows.length;
    });
    table.before(label);
  }

  const form = byId("filters");
  if (!form || !byId("images") || !byId("data")) return;

  // The index: search, filters and order, kept in the address.
  const data = JSON.parse(byId("data").textContent);
  const table = byId("images");
  if (!table.tBodies) return;
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const packages = Object.keys(data.packages);
  const fields = ["q", "status", "category", "platform", "age"].map(byId).filter(Boolean);
  const value = (id) => { const f = byId(id); return f ? f.value : ""; };

  const inside = (words) => {
    const hits = new Map(); // place of an image: the package that matches
    if (words.length !== 1 || words[0].length < 2) return hits;
    for (const name of packages) {
      if (!name.includes(words[0])) continue;
      for (const i of data.packages[name]) if (!hits.has(i) || name === words[0]) hits.set(i, name);
    }
    return hits;
  };
  const within = (image, limit) => {
    if (!limit) return true;
    if (!image.built) return false;
    const n = days(image.built);
    return limit > 0 ? n <= limit : n > -limit;
  };
  const apply = () => {
    const words = value("q").toLowerCase().split(/\s+/).filter(Boolean);
    const hits = inside(words);
    const limit = Number(value("age"));
    let n = 0;
    rows.forEach((row, i) => {
      const image = data.images[i];
      const named = words.every((w) => image.text.includes(w));
      const show = (named || hits.has(i)) &&
        (!value("status") || image.status === value("status")) &&
        (!value("category") || (image.categories || []).includes(value("category"))) &&
        (!value("platform") || (image.platforms || []).includes(value("platform"))) &&
        within(image, limit);
      row.hidden = !show;
      row.querySelector(".hit").textContent = show && !named && hits.has(i) ? "contains " + hits.get(i) : "";
      if (show) n++;
    });
    table.hidden = n === 0;
    byId("none").hidden = n > 0;
    byId("clear").disabled = fields.every((f) => !f.value);
    byId("count").textContent = n === rows.length ? n + (n === 1 ? " image" : " images") : n + " of " + rows.length + " images";
  };
  const remember = () => {
    const state = new URLSearchParams();
    for (const f of fields) if (f.value) state.set(f.id, f.value);
    const text = state.toString();
    history.replaceState(null, "", text ? "#" + text : location.pathname + location.search);
  };
  const recall = () => {
    const state = new URLSearchParams(location.hash.slice(1));
    for (const f of fields) {
      f.value = state.get(f.id) || "";
      if (f.selectedIndex < 0) f.value = "";
    }
    apply();
  };
  form.addEventListener("input", () => { apply(); remember(); });
  form.addEventListener("submit", (e) => e.preventDefault());
  byId("clear").addEventListener("click", () => {
    for (const f of fields) f.value = "";
    apply();
    remember();
    byId("q").focus();
  });
  window.addEventListener("hashchange", recall);
  document.addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName);
    if (e.key === "/" && !typing) { e.preventDefault(); byId("q").focus(); byId("q").select(); }
  });

  // Versions compare by their numbers.
  const order = new Intl.Collator("en", { numeric: true }).compare;
  const keys = {
    name: (a, b) => order(a.name, b.name),
    version: (a, b) => order(a.version, b.version),
    status: (a, b) => b.rank - a.rank,
    open: (a, b) => b.open - a.open,
    built: (a, b) => order(b.built, a.built),
    size: (a, b) => b.size - a.size,
  };
  const falling = ["status", "open", "built", "size"]; // the most comes first
  const heads = [...table.tHead.rows[0].cells].filter((h) => h.dataset.sort);
  const sort = (head) => {
    const again = head.dataset.way === "1";
    for (const h of heads) { delete h.dataset.way; h.removeAttribute("aria-sort"); }
    head.dataset.way = again ? "-1" : "1";
    head.setAttribute("aria-sort", again === falling.includes(head.dataset.sort) ? "ascending" : "descending");
    const way = again ? -1 : 1;
    const by = keys[head.dataset.sort];
    const list = rows.map((row, i) => i);
    list.sort((i, j) => way * by(data.images[i], data.images[j]) || i - j);
    body.append(...list.map((i) => rows[i]));
  };
  for (const h of heads) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = h.textContent;
    button.addEventListener("click", () => sort(h));
    h.replaceChildren(button);
  }
  heads[0].setAttribute("aria-sort", "ascending");
  heads[0].dataset.way = "1";

  form.hidden = false;
  recall();
})();
