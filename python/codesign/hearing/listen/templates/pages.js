/* Building blocks of pages. Text is only ever set as text. */
function make(tag, properties, ...children) {
  const { attributes, on, ...rest } = properties;
  const element = Object.assign(document.createElement(tag), rest);
  Object.entries(attributes ?? {}).forEach(([name, value]) => element.setAttribute(name, value));
  Object.entries(on ?? {}).forEach(([name, handler]) => element.addEventListener(name, handler));
  element.append(...children);
  return element;
}
const SCALE = [[-3, "A is much better"], [-2, "A is better"], [-1, "A is slightly better"], [0, "They are the same"],
  [1, "B is slightly better"], [2, "B is better"], [3, "B is much better"]];
const WORDS = ["bad", "poor", "fair", "good", "excellent"];

/* Play, and a button for each version; `refresh` is called whenever something was heard or answered. */
function deckControls(versions, refresh) {
  const buttons = new Map();
  const play = make("button", { type: "button", className: "primary", textContent: "Play", on: { click: () => deck.toggle() } });
  const deck = new Deck(versions.map(([, id]) => id), () => {
    play.textContent = deck.playing ? "Stop" : "Play";
    buttons.forEach((button, id) => button.setAttribute("aria-pressed", String(id === deck.current && deck.playing)));
    refresh();
  });
  versions.forEach(([label, id]) => buttons.set(id, make("button", {
    type: "button", className: "version", textContent: label, attributes: { "aria-pressed": "false" }, on: { click: () => deck.choose(id) },
  })));
  return { deck, view: make("div", { className: "deck" }, play, ...buttons.values()), buttons };
}

/* Two versions, seven answers. ids[0] is A. */
function preferencePage(ids, refresh) {
  const controls = deckControls([["A", ids[0]], ["B", ids[1]]], refresh);
  const radios = SCALE.map(([value, words], index) => make("label", {},
    make("input", { type: "radio", name: "preference", value: String(value), on: { change: refresh } }), make("kbd", { textContent: String(index + 1) }), words));
  const chosen = () => radios.map((label) => label.firstChild).find((radio) => radio.checked);
  return {
    deck: controls.deck,
    nodes: [controls.view, make("fieldset", { className: "preference" }, make("legend", { textContent: "Which would you rather listen to?" }), ...radios)],
    missing: () => (controls.deck.heard.size < 2 ? "Listen to both." : chosen() ? "" : "Answer the question."),
    answer: () => ({ left: ids[0], right: ids[1], score: Number(chosen().value) }),
    key(key) {
      if (key === "a" || key === "b") controls.deck.choose(ids[key === "a" ? 0 : 1]);
      else if (key >= "1" && key <= "7") { radios[key - 1].firstChild.checked = true; radios[key - 1].firstChild.focus(); refresh(); } else return false;
      return true;
    },
  };
}

/* The open reference and a slider for every version. */
function mushraPage(ids, reference, refresh) {
  const labels = ids.map((_, index) => String(index + 1));
  const controls = deckControls([["Reference", reference], ...ids.map((id, index) => [labels[index], id])], () => { mark(); refresh(); });
  const touched = new Set();
  const sliders = ids.map((id, index) => make("input", {
    type: "range", min: 0, max: 100, step: 1, value: 50, attributes: { "aria-label": `Version ${labels[index]}, 0 bad to 100 excellent` },
    on: { input: () => touch(index), change: () => touch(index), focus: () => controls.deck.playing && controls.deck.choose(id) },
  }));
  const outputs = ids.map(() => make("output", { textContent: "–" }));
  const rows = ids.map((id, index) => make("div", { className: "rating" }, controls.buttons.get(id), sliders[index], outputs[index]));
  function touch(index) {
    touched.add(index);
    outputs[index].textContent = sliders[index].value;
    sliders[index].setAttribute("aria-valuetext", `${sliders[index].value}, ${WORDS[Math.min(4, Math.floor(sliders[index].value / 20))]}`);
    refresh();
  }
  const mark = () => rows.forEach((row, index) => row.classList.toggle("on", ids[index] === controls.deck.current && controls.deck.playing));
  return {
    deck: controls.deck,
    nodes: [controls.view, make("div", { className: "scale", attributes: { "aria-hidden": "true" } }, ...WORDS.map((word) => make("span", { textContent: word }))), ...rows],
    missing: () => (controls.deck.heard.size < ids.length + 1 ? "Listen to all versions and the reference." : touched.size < ids.length ? "Rate every version." : ""),
    answer: () => ({ scores: Object.fromEntries(ids.map((id, index) => [id, Number(sliders[index].value)])) }),
    key(key) {
      if (key === "r") controls.deck.choose(reference);
      else if (key >= "1" && Number(key) <= ids.length) { controls.deck.choose(ids[key - 1]); sliders[key - 1].focus(); } else return false;
      return true;
    },
  };
}
