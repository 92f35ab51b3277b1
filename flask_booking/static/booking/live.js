// Tells a host of what guests just did, while a page of the CRM is open. Asks only while somebody can see the page.

const EVERY = 15_000;
const box = document.querySelector("[data-booking-live]");
const told = new Set();
let since = box.dataset.since;

async function ask() {
  if (document.hidden) return;
  try {
    const answer = await fetch(`${box.dataset.bookingLive}?since=${since}`, { headers: { Accept: "application/json" } });
    if (!answer.ok || !(answer.headers.get("content-type") ?? "").startsWith("application/json")) return;
    const { now, news } = await answer.json();
    since = now;
    news.filter(({ key }) => !told.has(key)).forEach(show);
  } catch {
    // Offline, or the server is away: the next answer tells what was missed.
  }
}

function show({ key, text, url }) {
  told.add(key);
  const note = document.createElement("p");
  const link = document.createElement("a");
  link.href = url;
  link.textContent = text;
  const close = document.createElement("button");
  close.type = "button";
  close.setAttribute("aria-label", box.dataset.close);
  close.textContent = "×";
  close.addEventListener("click", () => note.remove());
  note.append(link, close);
  box.append(note);
}

setInterval(ask, EVERY);
document.addEventListener("visibilitychange", ask);
