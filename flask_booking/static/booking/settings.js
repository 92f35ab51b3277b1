// Makes the settings screens pleasant; each of them works without it.

const all = (selector, root = document) => [...root.querySelectorAll(selector)];

// Texts grow with what is typed.

function grow(area) {
  area.style.height = "auto";
  area.style.height = `${Math.min(area.scrollHeight + 2, 480)}px`;
}

document.addEventListener("input", (event) => {
  if (event.target.matches?.("[data-grow]")) grow(event.target);
});
all(".booking [data-grow]").forEach(grow);

// The current screen's name is in sight, also where the names don't fit.

document.querySelector(".bk-nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });

// What only the eye would notice is also told to screen readers.

function say(text) {
  let region = document.querySelector("#bk-said");
  if (!region) {
    region = document.createElement("p");
    region.id = "bk-said";
    region.className = "bk-hidden";
    region.setAttribute("role", "status");
    document.querySelector(".booking").append(region);
  }
  region.textContent = "";
  setTimeout(() => { region.textContent = text; }, 50);
}

// Links are copied by a button.

for (const button of all("[data-copy]")) {
  if (!navigator.clipboard) break;
  button.hidden = false;
  const label = button.querySelector("span");
  const usual = label.textContent;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.dataset.copy);
    label.textContent = button.dataset.copied;
    say(button.dataset.copied);
    setTimeout(() => { label.textContent = usual; }, 2000);
  });
}

// Menus close as people expect.

document.addEventListener("click", (event) => {
  for (const menu of all("details.bk-menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && event.target.closest?.("details.bk-menu[open]");
  if (menu) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

// The colleague to look after is switched by choosing.

for (const form of all("[data-switch]")) {
  const button = form.querySelector("button");
  const select = form.querySelector("select");
  button.hidden = true;
  select.addEventListener("change", () => form.requestSubmit());
}

// A form is sent once, however often its button is pressed: unless a script sends it, or its answer is shown elsewhere.

addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post" || !form.closest(".booking")) return;
  if (form.target || event.submitter?.hasAttribute("formtarget")) return;
  if (form.dataset.sent) return event.preventDefault();
  form.dataset.sent = "yes";
});
addEventListener("pageshow", () => all("[data-sent]").forEach((form) => delete form.dataset.sent));

// Problems are read out and reached at once.

document.querySelector(".bk-problems[tabindex]")?.focus();

// Rows of places and questions are added, moved and removed here instead of by the server.

function renumber(list) {
  const rows = all(":scope > [data-row]", list);
  rows.forEach((row, index) => {
    const up = row.querySelector("[data-row-up]");
    const down = row.querySelector("[data-row-down]");
    if (up) up.disabled = index === 0;
    if (down) down.disabled = index === rows.length - 1;
  });
}

for (const box of all("[data-rows]")) {
  const list = box.querySelector("[data-rows-list]");
  const template = box.querySelector("[data-rows-template]");
  let next = 1000;
  box.querySelector("[data-rows-add]").addEventListener("click", (event) => {
    event.preventDefault();
    next += 1;
    const holder = document.createElement("template");
    holder.innerHTML = template.innerHTML.replaceAll("__row__", String(next));
    const row = holder.content.firstElementChild;
    list.append(row);
    box.querySelector("[data-rows-empty]")?.remove();
    renumber(list);
    all("[data-kind]", row).forEach(suit);
    row.querySelector("select, input:not([type=hidden])").focus();
    changed(list);
  });
  list.addEventListener("click", (event) => {
    const button = event.target.closest("[data-row-up], [data-row-down], [data-row-remove]");
    if (!button) return;
    event.preventDefault();
    const row = button.closest("[data-row]");
    if (button.matches("[data-row-remove]")) {
      const neighbour = row.nextElementSibling ?? row.previousElementSibling;
      row.remove();
      (neighbour?.querySelector("select, input:not([type=hidden])") ?? box.querySelector("[data-rows-add]")).focus();
    } else if (button.matches("[data-row-up]")) {
      row.previousElementSibling?.before(row);
      button.focus();
    } else {
      row.nextElementSibling?.after(row);
      button.focus();
    }
    renumber(list);
    changed(list);
  });
}

// Only the fields that fit the chosen kind are shown.

function suit(select) {
  const row = select.closest("[data-row]");
  for (const field of all("[data-for-kind]", row)) {
    field.hidden = !field.dataset.forKind.split(" ").includes(select.value);
  }
  measure(select.form);
}

// What matters only to meetings that last longer than so many minutes.

function minutesOf(text) {
  const clock = /^(\d{1,2})[:.](\d{2})$/.exec(text.trim());
  const words = clock ?? /^(?:(\d+)\s*h(?:ours?)?)?\s*(?:(\d+)\s*(?:m|min|minutes?)?)?$/i.exec(text.trim());
  return words ? Number(words[1] ?? 0) * 60 + Number(words[2] ?? 0) : 0;
}

function measure(form) {
  const fields = all("[name=duration], [name=more_durations]", form);
  const longest = Math.max(0, ...fields.flatMap((field) => field.value.split(/[,;]/)).map(minutesOf));
  for (const part of all("[data-longer]", form)) part.hidden = longest <= Number(part.dataset.longer);
}

document.addEventListener("input", (event) => {
  if (["duration", "more_durations"].includes(event.target.name)) measure(event.target.form);
});

document.addEventListener("change", (event) => {
  if (event.target.matches?.("[data-kind]")) suit(event.target);
});
all(".booking [data-row] [data-kind]").forEach(suit);

// The same for what depends on a choice elsewhere in the form: data-when="name=value,value".

function settle(form) {
  for (const part of all("[data-when]", form)) {
    const [name, values] = part.dataset.when.split("=");
    const data = new FormData(form);
    part.hidden = !values.split(",").includes(data.get(name) ?? "");
  }
}

for (const form of all(".booking form")) {
  if (!form.querySelector("[data-when]")) continue;
  form.addEventListener("change", () => settle(form));
  settle(form);
}

// Hours: more ranges in a day, fewer, and Monday's for every working day.

function freshRange(box) {
  const range = box.querySelector("[data-range]").cloneNode(true);
  all("input", range).forEach((input) => { input.value = ""; });
  range.querySelector(".bk-tag")?.remove();
  return range;
}

function showRemovers(box) {
  for (const button of all("[data-remove-range]", box)) button.hidden = false;
}

for (const box of all("[data-ranges]")) {
  showRemovers(box);
  box.addEventListener("click", (event) => {
    const button = event.target.closest("[data-remove-range]");
    if (!button) return;
    const range = button.closest("[data-range]");
    if (all("[data-range]", box).length > 1) range.remove();
    else all("input", range).forEach((input) => { input.value = ""; });
    box.querySelector("input").focus();
    changed(box);
  });
}

for (const button of all("[data-add-range]")) {
  button.addEventListener("click", (event) => {
    event.preventDefault();
    const box = button.closest("[data-day]").querySelector("[data-ranges]");
    const range = freshRange(box);
    box.append(range);
    range.querySelector("input").focus();
    changed(box);
  });
}

for (const button of all("[data-copy-monday]")) {
  button.addEventListener("click", (event) => {
    event.preventDefault();
    const boxes = all("[data-ranges]", button.closest("form"));
    const [monday, ...rest] = boxes;
    rest.slice(0, 4).forEach((box) => {
      const names = all("input", box).slice(0, 2).map((input) => [input.name, input.getAttribute("aria-label")]);
      const remove = box.querySelector("[data-remove-range] span").textContent;
      box.replaceChildren(...all("[data-range]", monday).map((range) => {
        const copy = range.cloneNode(true);
        all("input", copy).forEach((input, place) => {
          [input.name] = names[place];
          input.setAttribute("aria-label", names[place][1]);
          input.value = all("input", range)[place].value;
        });
        copy.querySelector("[data-remove-range] span").textContent = remove;
        return copy;
      }));
    });
    changed(button);
  });
}

// Colours have a picker beside their text.

for (const input of all("[data-colour]")) {
  const picker = document.createElement("input");
  picker.type = "color";
  picker.setAttribute("aria-label", input.labels?.[0]?.textContent.trim() ?? input.name);
  const valid = () => /^#[0-9a-f]{6}$/i.test(input.value);
  picker.value = valid() ? input.value : input.placeholder || "#2456d6";
  input.before(picker);
  picker.addEventListener("input", () => {
    input.value = picker.value;
    input.dispatchEvent(new Event("input", { bubbles: true }));
  });
  input.addEventListener("input", () => { if (valid()) picker.value = input.value; });
}

// The address follows the name until somebody types one.

// What was typed becomes what an address can hold, as saving would make it.

const titled = document.querySelector("[data-slug-from]");
const slug = document.querySelector("[data-slug]");
const letters = { ß: "ss", æ: "ae", ø: "o", œ: "oe", ł: "l", đ: "d", þ: "th", ð: "d", ı: "i" };
const slugOf = (text) => text.toLowerCase().replace(/[ßæøœłđþðı]/g, (letter) => letters[letter])
  .normalize("NFKD").replace(/[^\x20-\x7e]/g, "").toLowerCase()
  .replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 60).replace(/-$/, "");
if (slug) slug.addEventListener("change", () => { slug.value = slugOf(slug.value) || slug.value; });
if (titled && slug) titled.addEventListener("input", () => { slug.placeholder = slugOf(titled.value); });

// Previews follow what is typed: the form goes to the server, which answers with a piece of the page.

for (const preview of all("[data-live]")) {
  const form = preview.closest("form");
  const out = preview.querySelector("[data-live-out]") ?? preview;
  const field = preview.dataset.liveField;
  let waiting = 0;
  let latest = 0;
  const ask = async () => {
    latest += 1;
    const mine = latest;
    const data = new FormData(form);
    if (field) data.set("preview_field", field);
    data.delete("do");
    try {
      const answer = await fetch(preview.dataset.live, { method: "POST", body: new URLSearchParams(data) });
      if (!answer.ok || mine !== latest) return;
      out.innerHTML = await answer.text();
      if (field) preview.hidden = !form.elements[field].value.trim();
    } catch {
      // Offline: the preview stays as it was.
    }
  };
  const later = (event) => {
    if (field && event.target.name !== field) return;
    clearTimeout(waiting);
    waiting = setTimeout(ask, 300);
  };
  form.addEventListener("input", later);
  form.addEventListener("change", later);
}

// A new host whose hours are in another time zone than this device is offered to have them here.

function clockIn(zone, day) {
  return new Date(day).toLocaleString("en", { timeZone: zone });
}

for (const offer of all("[data-zone-offer]")) {
  const there = offer.dataset.zoneOffer;
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const now = Date.now();
  // Names of the same zone differ, clocks don't: neither now nor in half a year.
  if (!here || [now, now + 182 * 864e5].every((day) => clockIn(here, day) === clockIn(there, day))) continue;
  offer.elements.time_zone.value = here;
  offer.querySelector("[data-zone-name]").textContent = here.replaceAll("_", " ");
  offer.hidden = false;
}

// Variables are put where the text is being written.

let written = null;
document.addEventListener("focusin", (event) => {
  if (event.target.matches?.("[data-variables]")) written = event.target;
});
for (const name of all("[data-variable]")) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = name.textContent;
  name.replaceChildren(button);
  button.addEventListener("click", () => {
    const target = written ?? document.querySelector("textarea[data-variables]");
    target.focus();
    target.setRangeText(name.dataset.variable, target.selectionStart, target.selectionEnd, "end");
    target.dispatchEvent(new Event("input", { bubbles: true }));
  });
}

// What isn't saved isn't lost by accident.

const touched = new Set();

function changed(element) {
  const form = element.closest?.("form[data-guard]");
  if (!form) return;
  touched.add(form);
  form.querySelector("[data-unsaved]")?.removeAttribute("hidden");
}

for (const form of all("form[data-guard]")) {
  form.addEventListener("input", () => changed(form));
  form.addEventListener("change", () => changed(form));
  form.addEventListener("submit", (event) => {
    if (event.submitter?.getAttribute("formtarget") === null) touched.clear();
  });
  if (form.hasAttribute("data-touched")) changed(form);
}
window.addEventListener("beforeunload", (event) => {
  if (touched.size) event.preventDefault();
});

// Switches work at once, and what is being done in the background is shown when it is done.

const fresh = document.querySelector("[data-fresh]");

async function refreshFrom(answer) {
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const newer = page.querySelector("[data-fresh]");
  if (!answer.ok || !newer) {
    location.reload();
    return "";
  }
  const focused = document.activeElement?.id;
  fresh.replaceChildren(...newer.childNodes);
  fresh.toggleAttribute("data-pending", newer.hasAttribute("data-pending"));
  prepareSwitches();
  if (focused) document.getElementById(focused)?.focus();
  return page.querySelector(".bk-notice[role=status] p")?.textContent.trim() ?? "";
}

function prepareSwitches() {
  for (const button of all("[data-unscripted]", fresh)) button.hidden = true;
  all("form", fresh).filter((form) => form.querySelector("[data-when]")).forEach(settle);
}

async function sendSwitches(form) {
  settle(form);
  try {
    const said = await refreshFrom(await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) }));
    if (said) say(said);
    waitForReading();
  } catch {
    location.reload();
  }
}

let looks = 0;
let waiting = false;

function waitForReading() {
  if (waiting || !fresh.hasAttribute("data-pending") || looks > 40) return;
  looks += 1;
  waiting = true;
  setTimeout(async () => {
    waiting = false;
    // Nothing is replaced under somebody's fingers.
    if (!document.hidden && !fresh.querySelector("details[open]")) {
      try {
        await refreshFrom(await fetch(location.href));
      } catch {
        // Offline: the next look may do.
      }
    }
    waitForReading();
  }, looks < 10 ? 1500 : 5000);
}

if (fresh) {
  prepareSwitches();
  fresh.addEventListener("change", (event) => {
    const form = event.target.closest("form[data-switches]");
    if (form) sendSwitches(form);
  });
  waitForReading();
}

// Event types are put in order by dragging.

for (const list of all("[data-sortable]")) {
  if (list.children.length < 2) continue;
  for (const item of list.children) {
    const grip = item.querySelector("[data-drag]");
    grip.hidden = false;
    grip.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      drag(list, item);
    });
  }
}

// Moving an item in the page releases its pointer, so the whole page listens until it is let go.
function drag(list, item) {
  item.classList.add("bk-dragging");
  const follow = (event) => {
    const over = document.elementFromPoint(event.clientX, event.clientY)?.closest("[data-id]");
    if (!over || over === item || over.parentElement !== list) return;
    const box = over.getBoundingClientRect();
    if (event.clientY < box.top + box.height / 2) over.before(item);
    else over.after(item);
  };
  const drop = () => {
    document.removeEventListener("pointermove", follow);
    document.removeEventListener("pointerup", drop);
    document.removeEventListener("pointercancel", drop);
    item.classList.remove("bk-dragging");
    saveOrder(list);
  };
  document.addEventListener("pointermove", follow);
  document.addEventListener("pointerup", drop);
  document.addEventListener("pointercancel", drop);
}

async function saveOrder(list) {
  const token = list.querySelector("input[type=hidden]");
  const body = new URLSearchParams([[token.name, token.value]]);
  for (const item of list.children) body.append("order", item.dataset.id);
  const items = [...list.children];
  items.forEach((item, index) => {
    item.querySelector("[value=up]").disabled = index === 0;
    item.querySelector("[value=down]").disabled = index === items.length - 1;
  });
  try {
    const answer = await fetch(list.dataset.sortable, { method: "POST", body, redirect: "manual" });
    if (answer.type !== "opaqueredirect" && !answer.ok) location.reload();
  } catch {
    location.reload();
  }
}
