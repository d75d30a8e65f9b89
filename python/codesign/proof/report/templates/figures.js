/* What a chart's part is, said below the chart while the pointer is over it or the keyboard is on it. */
document.querySelectorAll(".chart").forEach((box) => {
  const parts = [...box.querySelectorAll("svg > * title, svg > * > * > title")].map((title) => title.parentNode);
  if (!parts.length) return;
  const line = Object.assign(document.createElement("p"), { className: "readout", textContent: "Point at a part, or use ← and →, to read it." });
  line.setAttribute("role", "status");
  box.after(line);
  let at = -1;
  const tell = (part) => {
    box.querySelectorAll(".told").forEach((old) => old.classList.remove("told"));
    part.classList.add("told");
    line.textContent = part.querySelector("title").textContent;
  };
  box.addEventListener("pointermove", (event) => {
    const part = event.target.closest?.("svg > *, svg g > *");
    if (part && part.querySelector(":scope > title")) { at = parts.indexOf(part); tell(part); }
  });
  box.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    at = (at + step + parts.length) % parts.length;
    tell(parts[at]);
    parts[at].scrollIntoView?.({ block: "nearest", inline: "nearest" });
    event.preventDefault();
  });
});

/* Tables that can be sorted: a button in each heading, numbers by their value, the sum stays below. */
const valueOf = (cell) => {
  const text = cell.textContent.trim(), number = Number(text.replace(/[,%\s]/g, ""));
  return text && !Number.isNaN(number) ? number : text;
};
document.querySelectorAll("table.sortable").forEach((table) => {
  const body = table.tBodies[0], heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "sort", textContent: head.textContent });
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") !== "descending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const rows = [...body.rows].sort((a, b) => {
        const [x, y] = [valueOf(a.cells[column]), valueOf(b.cells[column])];
        const order = typeof x === "number" && typeof y === "number" ? x - y : typeof x === "number" ? 1 : typeof y === "number" ? -1 : x.localeCompare(y);
        return down ? -order : order;
      });
      body.replaceChildren(...rows);
    });
  });
});

/* The page's own figures as files: made here, so that nothing is fetched. */
const figures = JSON.parse(document.getElementById("figures").textContent);
const csv = (rows) => rows.map((row) => row.map((cell) => (/[",\n]/.test(String(cell ?? "")) ? `"${String(cell).replaceAll('"', '""')}"` : cell ?? "")).join(",")).join("\n") + "\n";
const tableOf = (rows) => [Object.keys(rows[0]), ...rows.map((row) => Object.values(row))];
const files = [["report.json", "application/json", () => JSON.stringify(figures, null, 1) + "\n"]];
if (figures.layers.length) files.push(["layers.csv", "text/csv", () => csv(tableOf(figures.layers))]);
if (figures.trace.high.length) {
  const { low, mean, high, skipped, per_column: step } = figures.trace;
  files.push(["frames.csv", "text/csv", () => csv([["frame", "lowest", "mean", "highest", "skipped"], ...high.map((value, index) => [index * step, low[index], mean[index], value, skipped[index]])])]);
}
if (figures.memories.length) files.push(["memory.csv", "text/csv", () => csv([["memory", "part", "symbol", "bytes"], ...figures.memories.flatMap((memory) => memory.parts.flatMap((part) => part.symbols.map((symbol) => [memory.name, part.label, symbol.name, symbol.bytes])))])]);
const downloads = document.getElementById("downloads");
files.forEach(([name, type, make]) => {
  const link = Object.assign(document.createElement("a"), { href: "#downloads", download: name, textContent: name });
  link.addEventListener("click", () => { link.href = URL.createObjectURL(new Blob([make()], { type })); });
  downloads.append(link, " ");
});
downloads.hidden = false;
