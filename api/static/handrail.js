// Keeps pages fresh, opens tickets beside their list, and answers the keyboard. Pages work without it, less lively.
"use strict";
(() => {
  const EVERY_MS = 700; // with the answer that follows, what changed is there within a second
  const LOST_MS = 4000; // without an answer for so long, the page says so
  const PATIENCE_MS = 10000; // a connection that hangs is given up, and the next tick makes another
  const WIDE = window.matchMedia("(min-width: 1100px)");
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const one = (selector, root = document) => root.querySelector(selector);
  const byId = (id) => document.getElementById(id);

  // Time texts: <time data-time="ago | elapsed | left">

  const UNITS = [[86400, "d", 3600, "h"], [3600, "h", 60, "min"], [60, "min", 1, "s"]];
  const long = (seconds) => {
    for (const [size, name, small, under] of UNITS) {
      if (seconds >= size) {
        const rest = Math.floor((seconds % size) / small);
        return `${Math.floor(seconds / size)} ${name}` + (rest ? ` ${rest} ${under}` : "");
      }
    }
    return `${seconds} s`;
  };
  const short = (seconds) => long(seconds).split(" ").slice(0, 2).join(" ");
  const tellTimes = () => {
    for (const time of all("time[data-time]")) {
      const seconds = Math.floor((Date.now() - Date.parse(time.dateTime)) / 1000);
      const mode = time.dataset.time;
      let text = null;
      if (mode === "ago") text = short(Math.max(0, seconds));
      if (mode === "elapsed") text = long(Math.max(0, seconds));
      if (mode === "left") text = seconds < 0 ? long(-seconds) : "no time";
      if (text !== null && time.textContent !== text) time.textContent = text;
    }
  };

  // Fresh pieces: what a person opened, typed, focused or scrolled stays

  const replace = (old, fresh) => {
    if (fresh.dataset.digest && fresh.dataset.digest === old.dataset.digest) return;
    const opened = new Map(all("details[id][data-touched]", old).map((each) => [each.id, each.open]));
    keep(old);
    const scrolled = new Map(all("pre[id]", old).map((each) => [each.id, [each.scrollTop, atEnd(each)]]));
    const focused = old.contains(document.activeElement) ? document.activeElement.id : "";
    const told = one("[data-notice='bad']", old);
    if (told && !one("[data-notice]", fresh)) fresh.prepend(told);
    old.replaceWith(fresh);
    htmx.process(fresh);
    for (const [id, isOpen] of opened) {
      const each = byId(id);
      if (!each) continue;
      each.open = isOpen;
      each.dataset.touched = "1";
    }
    putBack();
    for (const [id, [top, wasAtEnd]] of scrolled) {
      if (byId(id)) byId(id).scrollTop = wasAtEnd ? byId(id).scrollHeight : top;
    }
    if (focused && byId(focused)) byId(focused).focus({ preventScroll: true });
    followOutputs(fresh);
  };
  const kept = new Map(); // what was typed into fields, until they are there again
  const fieldsOf = (root) => all("input[id], textarea[id], select[id]", root);
  const isTicked = (field) => field.type === "radio" || field.type === "checkbox";
  const keep = (root) => {
    for (const field of fieldsOf(root).filter(isTouched)) kept.set(field.id, isTicked(field) ? field.checked : field.value);
  };
  const putBack = () => {
    for (const [id, value] of kept) {
      const field = byId(id);
      if (!field) continue;
      field[isTicked(field) ? "checked" : "value"] = value;
      kept.delete(id);
    }
  };
  const presetOf = (field) => {
    if (field.tagName !== "SELECT") return field.defaultValue;
    return ([...field.options].find((option) => option.defaultSelected) ?? field.options[0])?.value;
  };
  const isTouched = (field) => {
    if (isTicked(field)) return field.checked !== field.defaultChecked;
    return field.type !== "hidden" && field.value !== presetOf(field);
  };
  const atEnd = (box) => box.scrollHeight - box.scrollTop - box.clientHeight < 8;
  const followOutputs = (root) => {
    for (const box of all("pre[data-follow]", root)) {
      if (!box.dataset.seen) box.scrollTop = box.scrollHeight;
      box.dataset.seen = "1";
    }
  };

  // A question that gave way to another under somebody's eyes: its buttons wait until what changed was opened

  const questionOf = (piece) => one("[data-question]", piece)?.dataset.question ?? "";
  const noteShown = (piece) => {
    const now = questionOf(piece);
    const isNews = now && now !== piece.dataset.read && !one("[data-locked]", piece);
    if (isNews) piece.dataset.shown = now;
  };
  const unlock = (told) => {
    const piece = told.closest("[data-live]");
    const locked = all("[data-locked]", piece);
    if (!locked.length) return;
    if (piece.dataset.read) piece.dataset.shown = piece.dataset.read;
    piece.dataset.read = questionOf(piece);
    for (const button of locked) {
      button.disabled = false;
      delete button.dataset.locked;
    }
  };
  document.addEventListener(
    "toggle",
    (event) => {
      if (event.target.matches?.("details[data-unlocks]") && event.target.open) unlock(event.target);
    },
    true,
  );

  const parse = (text) => new DOMParser().parseFromString(text, "text/html");
  const ask = async (address) => {
    const headers = { "HX-Request": "true", Accept: "text/html" };
    const answer = await fetch(address, { headers, redirect: "error", signal: AbortSignal.timeout(PATIENCE_MS) });
    if (answer.status === 401) location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
    if (answer.status === 204) return null;
    if (!answer.ok) throw new Error(answer.statusText);
    return parse(await answer.text());
  };

  const addressOf = (piece) => {
    const address = new URL(piece.dataset.live, location.href);
    if (piece.dataset.count !== undefined) address.searchParams.set("seen", piece.dataset.count);
    if (piece.dataset.digest) address.searchParams.set("seen", piece.dataset.digest);
    const pulse = one("#pulse", piece);
    if (pulse) {
      noteShown(piece);
      address.searchParams.set("shown", piece.dataset.shown ?? "");
      address.searchParams.set("read", piece.dataset.read ?? "");
      address.searchParams.set("pulse", pulse.dataset.pulse);
      address.searchParams.set("seen", all("section[data-digest]", piece).map((s) => s.dataset.digest).join());
    }
    return address;
  };
  let sentAt = 0;
  document.addEventListener("htmx:beforeSend", () => { sentAt = Date.now(); });
  const isAnswering = (piece) => one(".htmx-request", piece) !== null && Date.now() - sentAt < PATIENCE_MS;
  const refresh = async (piece) => {
    if (isAnswering(piece)) return;
    const asked = addressOf(piece);
    const fresh = await ask(asked);
    const isStale = isAnswering(piece) || addressOf(piece).href !== asked.href; // somebody answered in the meantime
    if (fresh === null || !piece.isConnected || isStale) return;
    for (const element of [...fresh.body.children]) {
      const old = byId(element.id);
      if (!old) continue;
      if (element.id === "pulse") old.dataset.pulse = element.dataset.pulse;
      else replace(old, element);
    }
  };

  // The list: changed rows in their places, new ones where they belong; nothing else moves

  const refreshRows = async (list) => {
    const shown = all("li[data-id]", list);
    const last = shown.at(-1);
    const address = new URL(list.dataset.rows, location.href);
    address.searchParams.set("since", list.dataset.since);
    if (last) address.searchParams.set("oldest", last.dataset.id);
    const fresh = await ask(address);
    if (fresh === null) return;
    list.dataset.since = one("ol", fresh).dataset.since;
    for (const row of all("li[data-id]", fresh)) {
      const old = byId(row.id);
      if (old && old.dataset.version === row.dataset.version) continue;
      if (old) {
        const isFocused = old.contains(document.activeElement);
        row.classList.toggle("open", old.classList.contains("open"));
        old.replaceWith(row);
        if (isFocused) one("a", row).focus({ preventScroll: true });
      } else if (row.dataset.left === undefined) {
        place(row, list);
      } else continue;
      row.classList.add("fresh");
    }
  };
  const place = (row, list) => {
    const next = all("li[data-id]", list).find((each) => each.dataset.id < row.dataset.id);
    list.insertBefore(row, next ?? one("li.older", list));
    for (const first of all("#first, #nothing")) first.remove();
    for (const hidden of all(".columns, .filters, .views")) hidden.hidden = false;
  };

  // The clock of it all

  let isBusy = false;
  let answeredAt = Date.now();
  const tick = async () => {
    tellTimes();
    if (document.hidden) answeredAt = Date.now(); // nothing was asked
    byId("offline").hidden = Date.now() - answeredAt < LOST_MS;
    if (document.hidden || isBusy) return;
    isBusy = true;
    try {
      const lists = all("[data-rows]").map(refreshRows);
      await Promise.all([...lists, ...all("[data-live]").map(refresh)]);
      answeredAt = Date.now();
      byId("offline").hidden = true;
    } catch {
      // the banner says it if this goes on
    } finally {
      isBusy = false;
    }
    tellWaiting();
  };
  const tellWaiting = () => {
    const count = Number(byId("waiting")?.dataset.count ?? 0);
    const title = (count ? `(${count}) ` : "") + (one("#panel .ticket")?.dataset.title ?? document.body.dataset.title);
    if (document.title !== title) document.title = title;
  };

  // The side panel: a ticket beside its list, under the ticket's own address

  const panel = byId("panel");
  const showPanel = async (address) => {
    kept.clear();
    const fresh = await ask(address).catch(() => null);
    if (fresh === null) return location.assign(address);
    const close = document.createElement("button");
    close.className = "close";
    close.textContent = "Close";
    close.title = "Close (Esc)";
    close.addEventListener("click", () => history.back());
    const link = document.createElement("a");
    link.href = address;
    link.textContent = "Open as a page";
    const bar = document.createElement("div");
    bar.className = "bar";
    bar.append(link, close);
    panel.replaceChildren(bar, ...fresh.body.children);
    panel.hidden = false;
    panel.scrollTop = 0;
    htmx.process(panel);
    followOutputs(panel);
    for (const row of all("#rows li")) row.classList.toggle("open", one("a.row", row)?.pathname === address);
    tellTimes();
    tellWaiting();
  };
  const hidePanel = () => {
    panel.hidden = true;
    panel.replaceChildren();
    for (const row of all("#rows li.open")) {
      row.classList.remove("open");
      one("a.row", row).focus({ preventScroll: true });
    }
    tellWaiting();
  };
  document.addEventListener("click", (event) => {
    const row = event.target.closest("a.row");
    const isPlain = !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) && event.button === 0;
    if (!row || !panel || !isPlain || !WIDE.matches) return;
    event.preventDefault();
    if (panel.hidden) history.pushState({ panel: row.pathname }, "", row.pathname);
    else history.replaceState({ panel: row.pathname }, "", row.pathname);
    showPanel(row.pathname);
  });
  window.addEventListener("popstate", (event) => {
    if (event.state?.panel && panel) showPanel(event.state.panel);
    else if (panel && location.pathname === document.body.dataset.path) hidePanel();
    else if (location.pathname !== document.body.dataset.path) location.reload();
  });

  // Keyboard: j and k walk the list, / searches, Esc closes

  document.addEventListener("keydown", (event) => {
    if (event.metaKey || event.ctrlKey || event.altKey) return;
    const isTyping = event.target.matches("input, textarea, select");
    if (event.key === "Escape") {
      for (const menu of all("details.menu[open]")) menu.open = false;
      if (isTyping) event.target.blur();
      else if (panel && !panel.hidden) history.back();
    }
    if (isTyping) return;
    if (event.key === "/" && byId("q")) {
      event.preventDefault();
      byId("q").focus();
    }
    if (event.key === "j" || event.key === "k") {
      const rows = all("a.row, a.row-link");
      const at = rows.indexOf(document.activeElement);
      rows[Math.min(rows.length - 1, Math.max(0, at + (event.key === "j" ? 1 : -1)))]?.focus();
    }
  });
  document.addEventListener("click", (event) => {
    const summary = event.target.closest("summary");
    if (summary) summary.parentElement.dataset.touched = "1";
    for (const menu of all("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
  });

  // Forms

  document.addEventListener("change", (event) => {
    const form = event.target.closest("form.filters");
    if (form && event.target.type === "checkbox") form.requestSubmit();
  });
  document.addEventListener("input", (event) => {
    if (event.target.id !== "text" || !byId("numbers")) return;
    const count = event.target.value.split("\n").length;
    byId("numbers").textContent = Array.from({ length: count }, (_, line) => `${line + 1}\n`).join("");
  });
  document.addEventListener("htmx:responseError", (event) => {
    const { xhr } = event.detail;
    if (xhr.status === 401) return location.reload();
    let words = `Handrail answered ${xhr.status}.`;
    try {
      words = JSON.parse(xhr.responseText).detail;
    } catch {
      // not a problem document
    }
    byId("trouble").textContent = words;
    byId("trouble").hidden = false;
  });
  document.addEventListener("htmx:sendError", () => {
    byId("offline").hidden = false;
    answeredAt = 0;
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { target, xhr, requestConfig } = event.detail;
    if (target.id !== "s-decide") return;
    const form = requestConfig.elt.closest("form") ?? requestConfig.elt;
    keep(target);
    if (xhr.status >= 400) return;
    for (const field of fieldsOf(form)) kept.delete(field.id); // it was sent
    if (!target.contains(form)) return;
    const { dataset } = target.closest("[data-live]");
    dataset.shown = dataset.read = ""; // what one's own answer leads to surprises nobody
  });
  document.addEventListener("htmx:afterSettle", (event) => {
    putBack();
    followOutputs(event.target);
    tellTimes();
    if (event.detail.target?.id === "s-decide") one("[data-notice]", byId("s-decide"))?.scrollIntoView({ block: "nearest" });
  });

  document.body.classList.add("lively");
  const tabs = one(".top nav"); // on a phone the current tab may be out of sight
  const tab = one(".top nav [aria-current]");
  if (tab) tabs.scrollLeft = tab.offsetLeft - tabs.offsetLeft - (tabs.clientWidth - tab.offsetWidth) / 2;
  followOutputs(document);
  tellTimes();
  window.setInterval(tick, EVERY_MS);
})();
