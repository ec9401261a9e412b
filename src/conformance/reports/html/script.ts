/**
 * The page's script. It is text, since it runs in a browser, which this layer knows nothing of; it only shows, hides and
 * puts in place what the page brings along.
 */
export const SCRIPT = String.raw`
"use strict";
(() => {
  const root = document.documentElement;
  const data = JSON.parse(document.getElementById("cases").textContent);
  const byId = (id) => document.getElementById(id);
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];
  const FIRST_CASES = 60;

  // Theme: the system's until somebody asks for the other.
  const themeButton = byId("theme");
  const dark = () => (root.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  const nameTheme = () => { themeButton.textContent = dark() ? "Light" : "Dark"; };
  themeButton.addEventListener("click", () => { root.dataset.theme = dark() ? "light" : "dark"; nameTheme(); });
  nameTheme();

  // The matrix.
  const areas = all("details.area").map((element) => ({
    element,
    wasOpen: element.open,
    name: element.dataset.area,
    sections: all("tbody", element).map((body) => ({
      body,
      rows: all("tr.clause", body).map((row) => ({
        row,
        id: row.id,
        role: row.dataset.r,
        level: row.dataset.l,
        statuses: [...row.querySelectorAll("td.s")].map((cell) => cell.className.slice(4)),
        text: [
          row.id,
          row.cells[0].textContent,
          body.rows[0].textContent,
          ...(data.clauses[row.id] ?? []).map((index) => data.ids[index]),
        ].join("\n").toLowerCase(),
      })),
    })),
  }));
  const total = areas.reduce((sum, area) => sum + area.sections.reduce((n, { rows }) => n + rows.length, 0), 0);

  // Filters.
  const form = byId("filters");
  const shown = byId("shown");
  const chosen = (name) => new Set(all('input[name="' + name + '"]:checked', form).map(({ value }) => value));
  let wasFiltered = false;
  // Column heads stick below the filters.
  new ResizeObserver(() => root.style.setProperty("--controls", form.offsetHeight + "px")).observe(form);

  function apply() {
    const words = form.q.value.toLowerCase().split(/\s+/).filter(Boolean);
    const statuses = chosen("status");
    const levels = chosen("level");
    const roles = chosen("role");
    const only = form.area.value;
    const filtered = words.length + statuses.size + levels.size + roles.size > 0 || only !== "";
    let count = 0;
    for (const area of areas) {
      let inArea = 0;
      for (const { body, rows } of area.sections) {
        let inSection = 0;
        for (const entry of rows) {
          const fits =
            (only === "" || area.name === only) &&
            (levels.size === 0 || levels.has(entry.level)) &&
            (roles.size === 0 || roles.has(entry.role)) &&
            (statuses.size === 0 || entry.statuses.some((status) => statuses.has(status))) &&
            words.every((word) => entry.text.includes(word));
          entry.row.hidden = !fits;
          const opened = entry.row.nextElementSibling;
          if (opened?.classList.contains("opened")) opened.hidden = !fits;
          if (fits) inSection++;
        }
        body.hidden = inSection === 0;
        inArea += inSection;
      }
      area.element.hidden = inArea === 0;
      if (filtered) {
        if (!wasFiltered) area.wasOpen = area.element.open;
        area.element.open = inArea > 0;
      } else if (wasFiltered) {
        area.element.open = area.wasOpen;
      }
      count += inArea;
    }
    wasFiltered = filtered;
    byId("reset").hidden = !filtered;
    byId("none").hidden = count > 0;
    const number = (value) => value.toLocaleString("en");
    shown.textContent = filtered ? number(count) + " of " + number(total) + " statements" : number(total) + " statements";
    remember({ q: form.q.value.trim(), area: only, status: [...statuses], level: [...levels], role: [...roles] });
  }

  function remember(state) {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(state)) if (value.length > 0) query.set(name, [value].flat().join(","));
    const text = query.toString();
    const isQuery = location.hash === "" || location.hash.startsWith("#?");
    if (isQuery && location.hash !== (text === "" ? "" : "#?" + text)) {
      history.replaceState(null, "", text === "" ? location.pathname + location.search : "#?" + text);
    }
  }

  let pending = 0;
  form.addEventListener("input", () => {
    cancelAnimationFrame(pending);
    if (!location.hash.startsWith("#?")) history.replaceState(null, "", location.pathname + location.search);
    pending = requestAnimationFrame(apply);
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(() => { apply(); form.q.focus(); }));

  // Cases.
  function panelsOf(indexes) {
    const list = document.createElement("div");
    const put = (some) => {
      list.insertAdjacentHTML("beforeend", some.map((index) => data.html[index]).join(""));
      for (const place of all("[data-shared]:empty", list)) place.innerHTML = data.shared[place.dataset.shared];
    };
    put(indexes.slice(0, FIRST_CASES));
    if (indexes.length > FIRST_CASES) {
      const more = document.createElement("button");
      more.className = "more";
      more.textContent = (indexes.length - FIRST_CASES) + " more cases";
      more.addEventListener("click", () => { more.remove(); put(indexes.slice(FIRST_CASES)); });
      list.append(more);
    }
    return list;
  }

  function toggle(row, button, columns, content) {
    const opened = row.nextElementSibling;
    const isOpen = opened?.classList.contains("opened");
    button.setAttribute("aria-expanded", String(!isOpen));
    if (isOpen) { opened.remove(); return null; }
    const below = document.createElement("tr");
    below.className = "opened";
    const cell = document.createElement("td");
    cell.colSpan = columns;
    cell.append(...content());
    below.append(cell);
    row.after(below);
    return below;
  }

  function toggleClause(row) {
    const button = row.querySelector("button");
    if (button === null) return;
    const indexes = data.clauses[row.id] ?? [];
    const below = toggle(row, button, row.cells.length, () => {
      const parts = [];
      const place = data.places[row.id];
      if (place !== undefined) {
        const where = document.createElement("div");
        where.className = "statement";
        where.innerHTML = place;
        parts.push(where);
      }
      const reason = data.reasons[row.id];
      if (reason !== undefined) {
        const said = document.createElement("p");
        said.className = "reason";
        const lead = document.createElement("b");
        lead.textContent = "Not observable: ";
        said.append(lead, reason);
        parts.push(said);
      }
      parts.push(panelsOf(indexes));
      return parts;
    });
    // One case: there is nothing to choose from.
    if (below !== null && indexes.length === 1) below.querySelector("details.case").open = true;
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button === null) return;
    const clause = button.closest("tr.clause");
    if (clause !== null) toggleClause(clause);
    else if (button.classList.contains("case-link")) {
      const row = button.closest("tr");
      // Another variant takes the place of the one that is open.
      const other = row.querySelector(".case-link[aria-expanded=true]");
      if (other !== null && other !== button) {
        other.setAttribute("aria-expanded", "false");
        row.nextElementSibling.remove();
      }
      const below = toggle(row, button, row.cells.length, () => [panelsOf([data.ids.indexOf(button.dataset.case)])]);
      if (below !== null) below.querySelector("details.case").open = true;
    }
  });

  // Keys: / to search, Escape to leave, arrows from statement to statement.
  document.addEventListener("keydown", (event) => {
    const at = document.activeElement;
    const typing = at !== null && (at.tagName === "SELECT" || (at.tagName === "INPUT" && at.type === "search"));
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      form.q.focus();
      form.q.select();
    } else if (event.key === "Escape" && at === form.q && form.q.value !== "") {
      event.preventDefault();
      form.q.value = "";
      apply();
    } else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && at?.closest("tr.clause")) {
      const buttons = all("tr.clause:not([hidden]) button").filter((button) => button.offsetParent !== null);
      const next = buttons[buttons.indexOf(at) + (event.key === "ArrowDown" ? 1 : -1)];
      if (next !== undefined) { event.preventDefault(); next.focus(); }
    }
  });

  // Addresses: #split-ring.device.… is a statement, #?status=fail a filter.
  function follow() {
    const hash = decodeURIComponent(location.hash.slice(1));
    if (hash.startsWith("?")) {
      const query = new URLSearchParams(hash.slice(1));
      form.q.value = query.get("q") ?? "";
      form.area.value = query.get("area") ?? "";
      if (form.area.selectedIndex < 0) form.area.value = "";
      for (const input of all("input[type=checkbox]", form)) {
        input.checked = (query.get(input.name) ?? "").split(",").includes(input.value);
      }
      apply();
      return;
    }
    const row = hash === "" ? null : byId(hash);
    if (row === null) { apply(); return; }
    const area = row.closest("details.area");
    if (area === null) { apply(); return; }
    if (row.hidden || area.hidden) {
      for (const input of all("input[type=checkbox]", form)) input.checked = false;
      form.q.value = "";
      form.area.value = "";
    }
    apply();
    area.open = true;
    if (!row.classList.contains("clause")) return;
    if (!row.nextElementSibling?.classList.contains("opened")) toggleClause(row);
    row.scrollIntoView({ block: "start" });
    row.querySelector("button")?.focus({ preventScroll: true });
  }
  addEventListener("hashchange", follow);
  follow();
})();
`;
