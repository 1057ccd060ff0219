// SPDX-License-Identifier: MIT
// Pictures of the comparison with other libraries: heat maps over the sizes, inertia against time, memory against time, and
// the roofline. Drawn as SVG from the rows that page.js has read; one set of chips chooses who is shown in all of them.

const CHARTS = { hidden: new Set(), heat: "", grid: "", curve: "", memory: "", roof: "" };
const label = (row) => `${row.dataset} n ${grouped(row.n)} d ${grouped(row.d)} k ${grouped(row.k)}`;
const good = (group) => ROWS.filter((row) => row.group === group && !row.error);
const cellsOf = (rows) => groupBy(rows, (row) => [label(row), row.threads].join("|"));
const autoOf = (rows) => rows.find((row) => row.backend === "auto");
const least = (rows, key) => rows.reduce((best, row) => (row[key] !== undefined && (!best || row[key] < best[key]) ? row : best), undefined);

// ---- A small plot with logarithmic axes.
const SVG = "http://www.w3.org/2000/svg";
function svg(tag, attributes = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}
const WIDTH = 640, HEIGHT = 380, LEFT = 80, RIGHT = 104, TOP = 14, BOTTOM = 44;
function logTicks(low, high) {
  const ticks = [];
  const steps = high / low > 300 ? [1] : high / low > 8 ? [1, 2, 5] : [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8];
  for (let e = Math.floor(Math.log10(low)); e <= Math.ceil(Math.log10(high)); e++) {
    for (const step of steps) {
      const v = step * 10 ** e;
      if (v >= low * 0.999 && v <= high * 1.001) ticks.push(v);
    }
  }
  return ticks.filter((_, i) => i % Math.ceil(ticks.length / 8) === 0);
}
// series: [{name, colour, points: [[x, y, tip]], line}]; roofs: [{from, to, name}] in data units.
function plot({ series, xFormat, yFormat, xName, yName, roofs = [], name }) {
  const points = series.flatMap((s) => s.points);
  if (!points.length) return element("p", { class: "empty" }, "Nothing chosen was measured here.");
  const range = (at, extra) => {
    const values = [...points.map((p) => p[at]), ...extra];
    const low = Math.min(...values), high = Math.max(...values), room = Math.max((high / low) ** 0.06, 1.002);
    return [low / room, high * room];
  };
  const [x0, x1] = range(0, []), [y0, y1] = range(1, roofs.map((r) => r.to[1]));
  const x = (v) => LEFT + (WIDTH - LEFT - RIGHT) * Math.log(v / x0) / Math.log(x1 / x0);
  const y = (v) => HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * Math.log(v / y0) / Math.log(y1 / y0);
  const picture = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": name, class: "plot" });
  for (const v of logTicks(x0, x1)) {
    picture.append(svg("line", { x1: x(v), x2: x(v), y1: TOP, y2: HEIGHT - BOTTOM, class: "rule" }),
      svg("text", { x: x(v), y: HEIGHT - BOTTOM + 16, "text-anchor": "middle" }, xFormat(v)));
  }
  for (const v of logTicks(y0, y1)) {
    picture.append(svg("line", { x1: LEFT, x2: WIDTH - RIGHT, y1: y(v), y2: y(v), class: "rule" }),
      svg("text", { x: LEFT - 7, y: y(v) + 4, "text-anchor": "end" }, yFormat(v)));
  }
  picture.append(svg("text", { x: (LEFT + WIDTH - RIGHT) / 2, y: HEIGHT - 8, "text-anchor": "middle", class: "axis" }, xName),
    svg("text", { x: 14, y: (TOP + HEIGHT - BOTTOM) / 2, "text-anchor": "middle", class: "axis", transform: `rotate(-90 14 ${(TOP + HEIGHT - BOTTOM) / 2})` }, yName));
  const roofNames = [];
  for (const roof of roofs) {
    const from = [Math.max(roof.from[0], x0), 0], to = [Math.min(roof.to[0], x1), 0];
    if (from[0] >= to[0]) continue;
    const at = (v) => Math.min(Math.max(roof.at(v), y0), y1);
    picture.append(svg("line", { x1: x(from[0]), y1: y(at(from[0])), x2: x(to[0]), y2: y(at(to[0])), class: "roof" }));
    if (!roof.name) continue;
    const [right, base] = [x(to[0]) - 4, y(at(to[0])) - 5];
    roofNames.push([right - roof.name.length * LETTER, base - LINE, right, base + 2]);
    picture.append(svg("text", { x: right, y: base, "text-anchor": "end", class: "roofname" }, roof.name));
  }
  const names = [];
  for (const s of series) {
    if (s.line && s.points.length > 1) {
      picture.append(svg("polyline", { points: s.points.map((p) => `${x(p[0])},${y(p[1])}`).join(" "), fill: "none", stroke: s.colour, "stroke-width": s.strong ? 3 : 1.8 }));
    }
    for (const p of s.points) {
      picture.append(svg("circle", { cx: x(p[0]), cy: y(p[1]), r: s.strong ? 6 : 4.2, fill: s.colour, class: "dot", "data-tip": p[2] || s.name }));
    }
    const last = s.points[s.points.length - 1];
    names.push({ name: s.name, x: x(last[0]), y: y(last[1]), strong: s.strong });
  }
  drawNames(picture, names, series.flatMap((s) => s.points.map((p) => [x(p[0]), y(p[1])])), roofNames);
  return picture;
}

// Each name beside its last point, right of it or else left, moved up or down to where it covers no other name and no
// point; one that fits nowhere is left to its tip.
const LETTER = 6.4, LINE = 11.5;
function drawNames(picture, names, dots, others) {
  const taken = [...others, ...dots.map(([x, y]) => [x - 5, y - 5, x + 5, y + 5])];
  const free = (box) => box[0] >= 0 && box[1] >= 0 && box[2] <= WIDTH && box[3] <= HEIGHT - BOTTOM &&
    !taken.some((t) => t[0] < box[2] && box[0] < t[2] && t[1] < box[3] && box[1] < t[3]);
  names.sort((a, b) => (b.strong ? 1 : 0) - (a.strong ? 1 : 0) || a.y - b.y);
  for (const n of names) {
    const width = n.name.length * LETTER;
    const boxes = [0, 1, -1, 2, -2, 3, -3, 4, -4].flatMap((step) => [n.x + 9, n.x - 9 - width].map((left) =>
      [left, n.y + step * LINE - LINE / 2, left + width, n.y + step * LINE + LINE / 2]));
    const box = boxes.find(free);
    if (!box) continue;
    taken.push(box);
    picture.append(svg("text", { x: box[0], y: box[3] - 2, class: "name" }, n.name));
  }
}

function chooser(id, values, chosen, update) {
  return element("select", { id, "aria-label": id, onchange: (event) => { update(event.target.value); drawCharts(); } },
    ...values.map((v) => element("option", { value: v, selected: v === chosen }, v)));
}
const megabytes = (v) => unit(v, [[1e9, "GB"], [1e6, "MB"], [1e3, "kB"]]);  // round ticks, which binary units have not
const shown = (row) => !CHARTS.hidden.has(row.backend);
// Libraries, auto and our other backends on the problems of the comparison.
const whole = () => good("peer").concat(good("ourpeer").filter((row) => row.backend !== "auto"));

// ---- Heat maps.
function heatChoices(rows) {
  const libraries = distinct(rows.filter((row) => !row.ours), "backend");
  const list = [];
  if (rows.some((row) => row.ours && row.backend !== "auto")) list.push("fastest of our backends", "auto over simd");
  if (libraries.length) list.push("auto over the best library", ...libraries.map((name) => `auto over ${name}`));
  return list;
}
function heatValue(list, choice) {
  const auto = autoOf(list);
  if (choice === "fastest of our backends") {
    const best = least(list.filter((row) => row.ours && row.exact && row.backend !== "auto"), "seconds");
    return best && { text: best.backend, colour: colour(best), tip: `${best.backend}: ${seconds(best.seconds)}\nauto: ${auto ? seconds(auto.seconds) : "–"}` };
  }
  const name = choice.slice("auto over ".length);
  const other = name === "the best library" ? least(list.filter((row) => !row.ours && row.exact), "each") : list.find((row) => row.backend === name);
  if (!auto || !other || !auto.each || !other.each) return undefined;
  const ratio = other.each / auto.each;
  return { ratio, text: times(ratio), note: name === "the best library" ? other.backend : "", tip: `${other.backend}: ${seconds(other.each)} an iteration\nauto: ${seconds(auto.each)}` };
}
// Red below one, white at one, blue above, the deeper the farther (30 times is the deepest).
const heatColour = (ratio) => {
  const depth = Math.min(Math.abs(Math.log(ratio)) / Math.log(30), 1);
  return `color-mix(in srgb, ${ratio < 1 ? "var(--bad)" : "var(--accent)"} ${(12 + 68 * depth).toFixed(0)}%, var(--card))`;
};
function drawHeat() {
  const rows = good("map").concat(good("ourmap"));
  const grids = [];
  for (const [down, fixed] of [["d", "n"], ["n", "d"]]) {
    for (const value of distinct(rows, fixed)) {
      const mine = rows.filter((row) => row[fixed] === value);
      if (distinct(mine, down).length > 1 && distinct(mine, "k").length > 1) grids.push({ name: `(${down}, k) at ${fixed} = ${grouped(value)}`, down, mine });
    }
  }
  const choices = heatChoices(rows);
  if (!grids.length || !choices.length) return undefined;
  if (!choices.includes(CHARTS.heat)) CHARTS.heat = choices.find((c) => c === "auto over the best library") || choices[0];
  if (!grids.some((g) => g.name === CHARTS.grid)) CHARTS.grid = grids[0].name;
  const { down, mine } = grids.find((g) => g.name === CHARTS.grid);
  const ks = distinct(mine, "k"), sizes = distinct(mine, down);
  const body = sizes.map((size) => element("tr", {}, element("th", {}, `${down} ${grouped(size)}`), ...ks.map((k) => {
    const value = heatValue(mine.filter((row) => row[down] === size && row.k === k), CHARTS.heat);
    if (!value) return element("td", {}, "–");
    return element("td", { style: value.ratio ? `background:${heatColour(value.ratio)}` : `background:color-mix(in srgb, ${value.colour} 45%, var(--card))`,
      "data-tip": value.tip }, value.text, value.note ? element("small", {}, value.note) : "");
  })));
  return element("article", { class: "card chart", id: "heat" }, element("h3", {}, "Maps over the sizes"),
    element("div", { class: "tools" }, chooser("heat-what", choices, CHARTS.heat, (v) => { CHARTS.heat = v; }),
      chooser("heat-grid", grids.map((g) => g.name), CHARTS.grid, (v) => { CHARTS.grid = v; })),
    element("table", { class: "heat" }, element("thead", {}, element("tr", {}, element("th", {}, ""), ...ks.map((k) => element("th", {}, `k ${grouped(k)}`)))),
      element("tbody", {}, ...body)),
    element("p", { class: "hint" }, CHARTS.heat === "fastest of our backends" ? "auto is not counted: it has to find this one." : "Times of an iteration; above 1× auto is faster."));
}

// ---- Inertia against time: prefixes of the fit.
function drawCurves() {
  const rows = good("curve");
  const problems = [...groupBy(rows, label).keys()];
  if (!problems.length) return undefined;
  if (!problems.includes(CHARTS.curve)) CHARTS.curve = problems[0];
  const mine = rows.concat(whole()).filter((row) => label(row) === CHARTS.curve && row.inertia && shown(row));
  const began = groupBy(mine, (row) => row.backend);
  const lowest = Math.min(...mine.map((row) => row.inertia));
  const series = [...began].filter(([, list]) => list.some((row) => row.iters)).map(([name, list]) => ({
    name, colour: colour(list[0]), line: true, strong: name === "auto",
    points: list.sort((a, b) => a.seconds - b.seconds).map((row) => [row.seconds, row.inertia / lowest,
      `${name}\n${row.iters || row.iterations || 25} iterations: ${seconds(row.seconds)}\ninertia ${row.inertia.toPrecision(6)}`]),
  }));
  return element("article", { class: "card chart", id: "curves" }, element("h3", {}, "Inertia against time"),
    element("div", { class: "tools" }, chooser("curve-what", problems, CHARTS.curve, (v) => { CHARTS.curve = v; })),
    plot({ series, xFormat: seconds, yFormat: (v) => v.toFixed(3), xName: "time from the given centroids", yName: "inertia / lowest", name: "Inertia against time" }));
}

// ---- Memory against time.
function drawMemory() {
  const rows = whole();
  const problems = [...groupBy(rows, label).keys()];
  if (!problems.length) return undefined;
  if (!problems.includes(CHARTS.memory)) CHARTS.memory = problems[0];
  const mine = rows.filter((row) => label(row) === CHARTS.memory && row.memory > 0 && shown(row));
  const series = mine.map((row) => ({ name: row.backend, colour: colour(row), strong: row.backend === "auto",
    points: [[row.seconds, Math.max(row.memory, 4096), `${row.backend}\n${seconds(row.seconds)}\n${size(row.memory)}`]] }));
  return element("article", { class: "card chart", id: "memory" }, element("h3", {}, "Memory against time"),
    element("div", { class: "tools" }, chooser("memory-what", problems, CHARTS.memory, (v) => { CHARTS.memory = v; })),
    plot({ series, xFormat: seconds, yFormat: megabytes, xName: "time of 25 iterations", yName: "memory on top of the samples", name: "Memory against time" }));
}

// ---- Roofline.
function drawRoof() {
  const rows = whole().filter((row) => row.gflops && row.intensity);
  const sets = ["all problems", ...groupBy(rows, label).keys()];
  if (!rows.length) return undefined;
  if (!sets.includes(CHARTS.roof)) CHARTS.roof = sets[0];
  const mine = rows.filter((row) => shown(row) && (CHARTS.roof === sets[0] || label(row) === CHARTS.roof));
  const most = Math.max(...mine.map((row) => row.threads));
  const high = Math.max(...mine.map((row) => row.intensity)) * 10;
  const roofs = [];
  for (const [isa, dtype, threads, peak] of ROOFS.peaks) {
    if (dtype !== "f32" || threads !== most) continue;
    roofs.push({ from: [1e-9, peak], to: [high, peak], at: () => peak, name: `${isa}: ${three(peak)} GFLOP/s` });
  }
  const bandwidth = ROOFS.bandwidths[most], top = Math.max(0, ...roofs.map((r) => r.to[1]));
  if (bandwidth && top) roofs.push({ from: [1e-9, 0], to: [top / bandwidth, top], at: (v) => v * bandwidth, name: "" });
  const series = [...groupBy(mine, (row) => row.backend)].map(([name, list]) => ({ name, colour: colour(list[0]), strong: name === "auto",
    points: list.sort((a, b) => a.gflops - b.gflops).map((row) => [row.intensity, row.gflops, `${name}\n${label(row)}\n${three(row.gflops)} GFLOP/s`]) }));
  return element("article", { class: "card chart", id: "roof" }, element("h3", {}, "Roofline: every backend and library"),
    element("div", { class: "tools" }, chooser("roof-what", sets, CHARTS.roof, (v) => { CHARTS.roof = v; })),
    plot({ series, roofs, xFormat: three, yFormat: three, xName: "FLOP per byte, samples read once a pass", yName: "GFLOP/s (2·n·k·d a pass)", name: "Roofline" }),
    element("p", { class: "hint" }, "Who skips distances may rise above the roof: all 2·n·k·d operations count."));
}

function drawCharts() {
  const names = [...new Set(["peer", "ourpeer", "curve"].flatMap(good).map((row) => row.backend))];
  const cards = [drawHeat(), drawCurves(), drawMemory(), drawRoof()].filter(Boolean);
  $("charts").hidden = !cards.length;
  const row = (name) => ["peer", "ourpeer", "curve"].flatMap(good).find((r) => r.backend === name);
  $("chart-names").replaceChildren(...names.map((name) => element("button", {
    type: "button", class: "chip", "aria-pressed": String(!CHARTS.hidden.has(name)), "data-show": name,
    onclick: () => { if (!CHARTS.hidden.delete(name)) CHARTS.hidden.add(name); drawCharts(); },
  }, element("i", { style: `background:${colour(row(name))}` }), name)));
  $("chart-cards").replaceChildren(...cards);
}
$("chart-all").addEventListener("click", () => { CHARTS.hidden.clear(); drawCharts(); });
$("chart-none").addEventListener("click", () => {
  for (const chip of document.querySelectorAll("[data-show]")) if (chip.dataset.show !== "auto") CHARTS.hidden.add(chip.dataset.show);
  drawCharts();
});
drawCharts();
