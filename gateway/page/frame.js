// What the pages do beyond HTML: forms and links by fetch, live updates, keys.
// Everything works without it but live updates and search while typing.
(() => {
  "use strict";
  const $ = (s, in_ = document) => in_.querySelector(s);
  const all = (s, in_ = document) => [...in_.querySelectorAll(s)];

  // The reader's zone goes to the server, which writes the times.
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone && !document.cookie.includes("kam_zone=" + encodeURIComponent(zone)))
    document.cookie = "kam_zone=" + encodeURIComponent(zone) + "; path=/; max-age=31536000; samesite=lax";

  // swap puts what another answer of the server holds in place of the page.
  // Lists stay where they were scrolled to.
  const parts = ["rail", "main"];
  function swap(html, url, push, live) {
    const doc = new DOMParser().parseFromString(html, "text/html");
    if (!doc.getElementById("main") || !doc.getElementById("rail") || !$("#rail")) return location.assign(url);
    const notes = live && $("#notes"); // what was done or refused stays to be read
    const at = all("[data-scroll]").map(e => [e.id, e.scrollTop]);
    for (const link of all("link[rel=stylesheet]", doc.head))
      if (!$(`link[href="${link.getAttribute("href")}"]`)) document.head.append(document.adoptNode(link));
    for (const id of parts) $("#" + id).replaceWith(document.adoptNode(doc.getElementById(id)));
    if (notes) $("#notes")?.replaceWith(notes);
    document.title = doc.title;
    document.documentElement.lang = doc.documentElement.lang;
    for (const [id, top] of at) { const e = document.getElementById(id); if (e) e.scrollTop = top; }
    if (push && url !== location.href) history.pushState(null, "", url);
    $("#fresh").hidden = true;
    document.dispatchEvent(new Event("kam:page"));
  }
  const focus = () => ($("#wrong") || $("[data-focus]") || $("#main")).focus({ preventScroll: !$("#wrong") });

  let going = null;
  async function go(url, options = {}, push = true, live = false) {
    going?.abort();
    const mine = going = new AbortController();
    document.documentElement.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(url, { ...options, signal: mine.signal, headers: { Accept: "text/html" } });
      if (!(answer.headers.get("Content-Type") || "").startsWith("text/html")) return location.assign(url);
      const html = await answer.text();
      $("#offline").hidden = true;
      const there = options.method === "post" && !answer.redirected ? location.href : answer.url;
      swap(html, there, push, live);
      return true;
    } catch (e) {
      if (e.name !== "AbortError") $("#offline").hidden = false;
    } finally {
      if (going === mine) { going = null; document.documentElement.removeAttribute("aria-busy"); }
    }
  }

  document.addEventListener("submit", async e => {
    const form = e.target;
    if (form.method === "dialog" || !form.matches("form[data-swap]") || form.enctype === "multipart/form-data") return;
    e.preventDefault();
    if (form.dataset.sent) return; // a double click
    form.dataset.sent = "1";
    const data = new URLSearchParams(new FormData(form, e.submitter));
    const url = new URL(e.submitter?.getAttribute("formaction") || form.getAttribute("action") || location.href, location.href);
    const post = form.method === "post";
    if (!post) url.search = new URLSearchParams([...data].filter(([, v]) => v !== "")).toString();
    const ok = await go(url.href, post ? { method: "post", body: data } : {});
    delete form.dataset.sent;
    if (ok && (post || !form.matches("[data-quiet]"))) focus();
  });

  document.addEventListener("click", e => {
    const open = e.target.closest("[data-open]");
    if (open) return showKeys(open.dataset.open);
    const a = e.target.closest("a[data-swap]");
    if (!a || e.ctrlKey || e.metaKey || e.shiftKey || e.button) return;
    e.preventDefault();
    go(a.href);
  });
  addEventListener("popstate", () => go(location.href, {}, false));
  $("#refresh").addEventListener("click", () => go(location.href, {}, false));

  // Search while typing: a form with data-live sends itself.
  let typing;
  document.addEventListener("input", e => {
    const form = e.target.closest("form[data-live]");
    if (!form) return;
    clearTimeout(typing);
    typing = setTimeout(() => form.requestSubmit(), 250);
  });

  // A form with data-preview shows what would become of what is typed.
  let looking;
  document.addEventListener("input", e => {
    const form = e.target.closest("form[data-preview]");
    if (!form) return;
    clearTimeout(typing);
    typing = setTimeout(async () => {
      looking?.abort();
      const mine = looking = new AbortController();
      try {
        const answer = await fetch(form.dataset.preview, { method: "post", body: new URLSearchParams(new FormData(form)), signal: mine.signal, headers: { Accept: "text/html" } });
        const found = answer.ok && new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("preview");
        if (found && form.isConnected) $("#preview").replaceWith(document.adoptNode(found));
      } catch { /* the next letter asks again */ }
    }, 300);
  });

  // Live updates. What somebody types is never taken from under his hands.
  const writes = () => all("#main textarea, #main input:not([type=hidden]):not([type=checkbox])").some(i => i.value !== i.defaultValue) || $("dialog[open], .stale, #wrong") || $("#main details[open] form");
  function changed(c) {
    const watch = ($("#main").dataset.watch || "").split(" ");
    if (!watch.includes("cases") && ![c.case_no, c.batch_no, c.customer_no].some(n => n && watch.includes(n))) return;
    if (writes() || going || document.hidden) $("#fresh").hidden = false;
    else go(location.href, {}, false, true);
  }
  if (document.body.dataset.events && "EventSource" in window) {
    const events = new EventSource(document.body.dataset.events);
    let waits;
    events.addEventListener("change", e => {
      clearTimeout(waits); // one act makes several changes
      const c = JSON.parse(e.data);
      waits = setTimeout(() => changed(c), 400);
    });
    events.addEventListener("end", () => { events.close(); location.reload(); });
    addEventListener("pagehide", () => events.close());
  }

  // Keys. A control says its own by data-key; g and a letter go to a page.
  function showKeys(id) {
    const here = $("#keys-here");
    here.replaceChildren(...all("#main [data-key]").flatMap(b => {
      const dt = document.createElement("dt"), dd = document.createElement("dd"), k = document.createElement("kbd");
      k.textContent = b.dataset.key;
      dt.append(k);
      dd.textContent = b.dataset.label || b.textContent.trim();
      return [dt, dd];
    }));
    document.getElementById(id).showModal();
  }
  const press = b => { if (b.tagName === "SUMMARY" && !b.parentElement.open) setTimeout(() => $("input:not([type=hidden]), textarea, select", b.parentElement)?.focus(), 0); b.click(); };
  function move(by) {
    const rows = all("#main [data-row]");
    if (!rows.length) return;
    const now = rows.findIndex(r => r.matches("[aria-current=true]") || r === document.activeElement);
    const to = rows[Math.max(0, Math.min(rows.length - 1, now < 0 ? 0 : now + by))];
    to.focus();
    if (to.matches("[data-swap]") && to !== rows[now]) go(to.href).then(() => document.getElementById(to.id)?.focus());
  }
  let first = "";
  document.addEventListener("keydown", e => {
    if ((e.ctrlKey || e.metaKey) && e.key === "k") { e.preventDefault(); $("#search")?.focus(); return; }
    if (e.key === "Escape") {
      const open = e.target.closest?.("details[open]") || $("#main .verbs details[open]");
      if (open) { open.open = false; $("summary", open).focus(); } else e.target.blur?.();
      return;
    }
    if (e.ctrlKey || e.metaKey || e.altKey || e.target.matches?.("input:not([type=checkbox]):not([type=radio]), textarea, select") || $("dialog[open]")) return;
    const was = first;
    first = e.key === "g" && was !== "g" ? "g" : "";
    if (first) { setTimeout(() => { first = ""; }, 1200); }
    const find = was === "g" ? $(`[data-go="${CSS.escape(e.key)}"]`) : $(`[data-key="${CSS.escape(e.key)}"]:not([aria-disabled=true])`);
    if (find && !(first && !find)) { if (!first) { e.preventDefault(); press(find); } return; }
    if (e.key === "j" || e.key === "k") { e.preventDefault(); move(e.key === "j" ? 1 : -1); }
    if (e.key === "x") { const box = $("#main [data-row][aria-current=true]")?.parentElement.querySelector("input[type=checkbox]"); if (box) { box.click(); } }
    if (e.key === "/") { e.preventDefault(); $("#search")?.focus(); }
  });
})();
