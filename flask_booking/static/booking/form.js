// The details form: its time is given back when the guest leaves it, the browser does its work, and it asks for a number.

const form = document.querySelector("form[data-details]");
const text = (document.querySelector(".booking-guest") || document.body).dataset;

// The time that the form keeps.

let needed = false; // by the page that comes next
let shown = 0; // when the page was; the server heeds the latest

addEventListener("pagehide", () => {
  if (!needed && form?.dataset.release) {
    navigator.sendBeacon(form.dataset.release, new URLSearchParams({ hold: form.elements.hold.value, shown }));
  }
});

addEventListener("pageshow", ({ persisted }) => {
  needed = false;
  shown = Date.now();
  const came = performance.getEntriesByType("navigation")[0]?.type;
  if (persisted || came === "reload" || came === "back_forward") keepAgain();
});

// Shown again, by reloading the page or by Back, the form has given its time back: it asks for it once more.
async function keepAgain() {
  const { hold, start, tz, duration } = form?.elements ?? {};
  if (!form?.dataset.keepAgain || start?.type !== "hidden") return;
  const body = new URLSearchParams([hold, start, tz, duration].map((field) => [field.name, field.value]));
  body.set("shown", shown);
  const answer = await fetch(form.dataset.keepAgain, { method: "POST", body, redirect: "manual" }).catch(() => null);
  if (answer?.type !== "opaqueredirect") document.querySelector(".kept")?.remove();
}

// The work that a browser does, where it is asked for, before the form is sent.

form?.addEventListener("submit", async (event) => {
  needed = true;
  const work = form.querySelector("[data-work]");
  if (event.submitter?.hasAttribute("formaction")) return; // the same form in another language
  if (!work || work.value || work.dataset.done) return;
  event.preventDefault();
  event.stopPropagation();
  if (work.dataset.begun) return;
  work.dataset.begun = "yes";
  const button = event.submitter || form.querySelector("button");
  const words = button.textContent;
  button.textContent = text.working;
  work.value = await solve(work.dataset.work, work.dataset.challenge);
  work.dataset.done = "yes"; // also in vain: then the server says what to do
  button.textContent = words;
  if (form.requestSubmit) form.requestSubmit(button);
  else form.submit();
});

function solve(script, challenge) {
  return new Promise((resolve) => {
    const worker = new Worker(script, { type: "module" });
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = () => resolve("");
    worker.postMessage(JSON.parse(challenge));
  });
}

// Who chose to be called has to say at which number.

const phone = form?.elements.phone;
if (phone && form.querySelector("[data-calls]")) {
  const ask = () => { phone.required = Boolean(form.querySelector("[data-calls]:checked")); };
  form.addEventListener("change", ask);
  addEventListener("pageshow", ask);
  ask();
}
