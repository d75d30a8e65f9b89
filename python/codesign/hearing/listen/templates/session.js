/* From the first page to the last: who listens, the order, what was answered, and where it is kept. */
const test = JSON.parse(document.getElementById("test").textContent);
const view = document.getElementById("page");
const status = document.getElementById("progress");
const bar = document.getElementById("bar");
const STORE = `codesign-listen:${test.test}`;
let session = null;
let page = null;

/* The order depends on the test's seed and the listener's name alone: mulberry32 over a hash of both (FNV-1a). */
function randomOf(text) {
  let state = 2166136261;
  for (const letter of text) state = Math.imul(state ^ letter.codePointAt(0), 16777619) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
function shuffled(list, random) {
  const result = [...list];
  for (let last = result.length - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1));
    [result[last], result[other]] = [result[other], result[last]];
  }
  return result;
}
/* Kept twice: in the browser's storage, which outlives the page, and with the tab, which has it at once after a reload. */
function save() {
  history.replaceState(session, "");
  try { localStorage.setItem(STORE, JSON.stringify(session)); } catch (error) { status.textContent = `Not saved in this browser: ${error.message}`; }
}
function restore() {
  let stored = null;
  try { stored = JSON.parse(localStorage.getItem(STORE)); } catch { /* damaged: the other copy may be sound */ }
  const good = [history.state, stored].filter((found) => found && found.test === test.test && Array.isArray(found.answers) && typeof found.listener === "string");
  return good.sort((one, other) => other.answers.length - one.answers.length)[0] ?? null;
}
function show(title, ...nodes) {
  view.replaceChildren(make("h2", { textContent: title }), ...nodes);
  view.focus();
}

function welcome() {
  const found = restore();
  const name = make("input", { type: "text", id: "listener", required: true, maxLength: 40, pattern: "[A-Za-z0-9._\\-]{1,40}", autocomplete: "off" });
  const start = make("form", { on: { submit: (event) => { event.preventDefault(); begin(name.value); } } },
    make("p", {}, make("label", { htmlFor: "listener", textContent: "Your listener code (letters, digits, . _ -): " }), name),
    make("button", { type: "submit", className: "primary", textContent: "Start" }));
  view.replaceChildren(document.getElementById("welcome").content.cloneNode(true));
  if (found) {
    view.append(make("p", {}, make("button", {
      type: "button", className: "primary", id: "resume", textContent: found.finished ? `Show the end page of ${found.listener}` : `Go on as ${found.listener}: ${found.answers.length} of ${test.trials.length} done`,
      on: { click: () => { session = found; next(); } },
    })), make("p", { className: "hint", textContent: "Starting anew deletes what is kept of this session in this browser." }));
  }
  view.append(start);
}
function begin(listener) {
  session = { schema_version: 1, kind: "listen-result", test: test.test, test_kind: test.kind, listener, started: new Date().toISOString(), finished: "", answers: [] };
  save();
  status.textContent = `Training, then ${test.trials.length} ${test.trials.length === 1 ? "page" : "pages"}`;
  trial(test.training[0], "Training: this page does not count", () => next());
}
function next() {
  const random = randomOf(`${test.seed}:${test.test}:${session.listener}`);
  const order = shuffled(test.trials, random).map((item) => ({ ...item, stimuli: shuffled(item.stimuli, random) }));
  const position = session.answers.length;
  if (position >= order.length) return finish();
  status.textContent = `Page ${position + 1} of ${order.length}`;
  bar.hidden = false;
  bar.value = position;
  return trial(order[position], `Page ${position + 1} of ${order.length}`, (answer) => { session.answers.push(answer); save(); next(); });
}
async function trial(item, title, done) {
  const began = performance.now();
  const hint = make("span", { className: "hint", attributes: { role: "status" } });
  const go = make("button", { type: "button", className: "primary", id: "next", textContent: "Next", disabled: true, on: { click: () => leave() } });
  const refresh = () => { const missing = page.missing(); hint.textContent = missing; go.disabled = missing !== ""; };
  page = test.kind === "preference" ? preferencePage(item.stimuli, refresh) : mushraPage(item.stimuli, item.reference, refresh);
  const mine = page;
  function leave() {
    if (mine.missing()) return;
    mine.deck.stop();
    page = null;
    done({ trial: item.id, ...mine.answer(), seconds: Math.round((performance.now() - began) / 100) / 10 });
  }
  mine.leave = leave;
  show(title, ...mine.nodes, make("div", { className: "next" }, go, hint));
  hint.textContent = "Loading…";
  try { await mine.deck.load(); refresh(); } catch (error) { hint.className = "error"; hint.textContent = `Cannot play: ${error.message}`; }
}
async function finish() {
  if (!session.finished) { session.finished = new Date().toISOString(); save(); }
  status.textContent = "";
  bar.value = test.trials.length;
  const said = make("p", { id: "saved", attributes: { role: "status" } });
  const stem = `${test.test}-${session.listener}`;
  const file = (name, type, text) => make("a", { download: name, href: URL.createObjectURL(new Blob([text], { type })), textContent: name });
  show("Thank you", make("p", { textContent: "Your answers, to be handed in:" }), make("ul", {}, make("li", {}, file(`${stem}.json`, "application/json", JSON.stringify(session, null, 1))), make("li", {}, file(`${stem}.csv`, "text/csv", csv()))), said);
  if (!location.protocol.startsWith("http")) { said.textContent = "They are kept in this browser. Save the JSON file and hand it in."; return; }
  try {
    const reply = await fetch("results", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(session) });
    said.textContent = reply.ok ? "They have been handed in." : `They could not be handed in (${reply.status}): save the JSON file.`;
  } catch { said.textContent = "They could not be handed in: save the JSON file."; }
}
function csv() {
  const rows = session.answers.flatMap((answer) => (answer.scores ? Object.entries(answer.scores).map(([id, score]) => [answer.trial, id, "", score, answer.seconds]) : [[answer.trial, answer.left, answer.right, answer.score, answer.seconds]]));
  return ["test,listener,trial,stimulus_or_left,right,score,seconds", ...rows.map((row) => [test.test, session.listener, ...row].join(","))].join("\r\n") + "\r\n";
}
document.addEventListener("keydown", (event) => {
  if (!page || event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.key === " " && event.target.tagName !== "BUTTON") page.deck.toggle();
  else if (event.key === "Enter" && event.target.tagName !== "BUTTON") page.leave();
  else if (!page.key(event.key.toLowerCase())) return;
  event.preventDefault();
});
welcome();
