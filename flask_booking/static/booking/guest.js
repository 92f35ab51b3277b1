// Makes the public pages quicker. Every one of them works without it.

const root = document.querySelector(".booking-guest") || document.body;
const text = root.dataset;
const status = document.getElementById("status");

function say(words) {
  status.textContent = words;
  if (words) setTimeout(() => status.textContent === words && say(""), 4000);
}

// Months, days and durations: the same page is fetched and its main part replaced.

let turning = null;
let shown = place(location);

function place(url) {
  return url.pathname + url.search;
}

async function show(url, { push = true, keep = "" } = {}) {
  turning?.abort();
  const mine = (turning = new AbortController());
  const main = document.getElementById("main");
  main.setAttribute("aria-busy", "true");
  let page;
  try {
    const answer = await fetch(url, { signal: mine.signal, headers: { Accept: "text/html" } });
    page = new DOMParser().parseFromString(await answer.text(), "text/html");
  } catch (error) {
    if (error.name === "AbortError") return;
    main.removeAttribute("aria-busy");
    return say(text.offline);
  }
  const fresh = page.getElementById("main");
  if (!fresh?.querySelector(".choose")) return location.assign(url);
  main.replaceWith(document.adoptNode(fresh));
  const feet = ".booking-guest > .foot";
  document.querySelectorAll(feet).forEach((foot) => foot.remove());
  page.querySelectorAll(feet).forEach((foot) => fresh.after(document.adoptNode(foot)));
  document.title = page.title;
  if (push) history.pushState(null, "", url);
  shown = place(location);
  if (keep) focusAfter(fresh, keep);
  ready();
}

function focusAfter(main, keep) {
  const day = main.querySelector("#day-title");
  if (keep === "day" && day) {
    day.focus({ preventScroll: true });
    if (day.getBoundingClientRect().top > innerHeight * 0.6) {
      const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
      day.scrollIntoView({ behavior: calm ? "auto" : "smooth", block: "start" });
    }
  } else {
    const same = main.querySelector(keep === "duration" ? ".durations [aria-current]" : `[data-keep="${keep}"]`);
    (same || main).focus({ preventScroll: true });
  }
}

document.addEventListener("click", (event) => {
  if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = event.target.closest("a[data-nav], [data-nav] a");
  if (link) {
    event.preventDefault();
    show(link.href, { keep: link.dataset.keep || "day" });
    return;
  }
  const zones = event.target.closest("a[data-zones]");
  if (zones) {
    event.preventDefault();
    openZones(zones);
    return;
  }
  const copy = event.target.closest("[data-copy]");
  if (copy) navigator.clipboard.writeText(new URL(copy.dataset.copy, location).href).then(() => say(text.copied));
});

addEventListener("popstate", () => {
  if (place(location) === shown) {
    // Only to another part of the page; or back before the next month has come.
    turning?.abort();
    return document.getElementById("main")?.removeAttribute("aria-busy");
  }
  if (document.querySelector(".choose")) show(location.href, { push: false, keep: "day" });
});

// Time zones: the form of the page that lists them, with a search above the list.

async function openZones(link) {
  const line = link.closest(".zone");
  const open = line.nextElementSibling;
  if (open?.matches(".zones-open")) return open.remove();
  let form;
  try {
    const page = new DOMParser().parseFromString(await (await fetch(link.href)).text(), "text/html");
    form = document.adoptNode(page.getElementById("zones"));
  } catch {
    return say(text.offline);
  }
  if (!form) return location.assign(link.href);
  form.className = "zones-open";
  const list = form.querySelector("select");
  const all = [...list.options].map((option) => ({ option, words: `${option.text} ${option.value}`.replace(/_/g, " ") }));
  const search = Object.assign(document.createElement("input"), { type: "search", autocomplete: "off" });
  search.setAttribute("aria-label", text.search);
  search.placeholder = text.search;
  list.size = 8;
  list.before(search);
  const plain = (words) => words.normalize("NFD").replace(/[\u0300-\u036f]/g, "").toLowerCase();
  search.addEventListener("input", () => {
    const wanted = plain(search.value).split(/\s+/).filter(Boolean);
    const found = all.filter(({ words }) => wanted.every((word) => plain(words).includes(word)));
    list.replaceChildren(...found.map(({ option }) => option));
    if (found.length && wanted.length) found[0].option.selected = true;
  });
  search.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") {
      event.preventDefault();
      list.focus();
    }
  });
  list.addEventListener("dblclick", () => form.requestSubmit?.());
  form.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      form.remove();
      link.focus();
    } else if (event.key === "Enter" && event.target === list) {
      event.preventDefault();
      form.querySelector("button").click();
    }
  });
  line.after(form);
  list.selectedOptions[0]?.scrollIntoView({ block: "nearest" });
  search.focus();
}

function detectZone() {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const url = new URL(location);
  if (!zone || url.searchParams.has("tz")) return;
  for (const link of document.querySelectorAll(".offered a")) {
    const target = new URL(link.href);
    target.searchParams.set("tz", zone);
    link.href = target;
  }
  const line = document.querySelector("[data-detect-zone]");
  if (!line) return;
  url.searchParams.set("tz", zone);
  history.replaceState(null, "", url);
  shown = place(url);
  if (zone !== line.dataset.detectZone) show(url.href, { push: false });
  else line.remove();
}

// Forms: sent once; the hold goes into the address first, so that Back finds it.

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("[data-once]")) return;
  if (form.dataset.sent) return event.preventDefault();
  form.dataset.sent = "yes";
  (event.submitter || form.querySelector("button:not([type])"))?.setAttribute("aria-disabled", "true");
  if (form.matches("[data-hold]")) {
    const url = new URL(location);
    url.searchParams.set("hold", form.elements.hold.value);
    history.replaceState(null, "", url);
    shown = place(url);
  }
});

addEventListener("pageshow", () => {
  document.querySelectorAll("[data-once]").forEach((form) => delete form.dataset.sent);
  document.querySelectorAll("[aria-disabled]").forEach((button) => button.removeAttribute("aria-disabled"));
});

function ready() {
  detectZone();
  if (navigator.clipboard) document.querySelectorAll("[data-copy]").forEach((button) => (button.hidden = false));
}

ready();
document.querySelector("[data-focus]")?.focus();
