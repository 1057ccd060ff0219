// SPDX-License-Identifier: MIT
// Filters, bars and the sortable table, drawn from the embedded data. The state lives in the address, so that a view
// can be linked to: #group=fit&dataset=blobs&backend=simd,elkan&metric=x_naive&sort=seconds&theme=dark
"use strict";

const { rows: ROWS, colours: COLOURS, roofs: ROOFS } = JSON.parse(document.getElementById("data").textContent);
const GROUPS = { peer: "Libraries", own: "Own defaults", ourpeer: "Our backends", fit: "Whole fits", assign: "Assignment pass", kernel: "Kernels", seeding: "Seeding", limit: "At the limit" };
const SPARE = ["#3b82f6", "#f2a413", "#12b07f", "#8b5cf6", "#06a9c9", "#e05fb0", "#7cb518", "#f4743b"];
const CARDS = 8, LINES = 50;
const $ = (id) => document.getElementById(id);

// ---- Numbers as people read them.
const grouped = (v) => String(Math.round(v)).replace(/\B(?=(\d{3})+$)/g, "\u2009");
const three = (v) => {
  const a = Math.abs(v);
  return v === 0 ? "0" : a >= 100 ? grouped(v) : a >= 10 ? v.toFixed(1) : a >= 1 ? v.toFixed(2) : String(+v.toPrecision(3));
};
const unit = (v, steps) => {
  const [factor, name] = steps.find(([f]) => Math.abs(v) >= f) || steps[steps.length - 1];
  return `${three(v / factor)} ${name}`;
};
const seconds = (v) => unit(v, [[1, "s"], [1e-3, "ms"], [1e-6, "µs"], [1e-9, "ns"]]);
const size = (v) => unit(v, [[2 ** 30, "GiB"], [2 ** 20, "MiB"], [2 ** 10, "KiB"], [1, "B"]]);
const percent = (v) => Math.abs(v) < 0.0005 ? "0.0 %" : `${Math.abs(v) >= 0.1 ? (v * 100).toFixed(0) : (v * 100).toFixed(1)} %`;
const times = (v) => `${three(v)}×`;
const capital = (text) => text[0].toUpperCase() + text.slice(1);
const plural = (n, word) => `${grouped(n)} ${word}${n === 1 ? "" : "s"}`;

// ---- What can be shown and filtered. The table's columns are this list, too.
const COLUMNS = [
  { key: "dataset", name: "data set", text: true, filter: "Data set" },
  { key: "dtype", name: "dtype", text: true, filter: "Type" },
  { key: "n", name: "n", format: grouped, filter: "n, samples" },
  { key: "d", name: "d", format: grouped, filter: "d, features" },
  { key: "k", name: "k", format: grouped, filter: "k, clusters" },
  { key: "threads", name: "T", title: "threads", format: String, filter: "Threads" },
  { key: "backend", name: "backend", text: true, filter: "Backend" },
  { key: "isa", name: "isa", text: true, filter: "Instruction set" },
  { key: "marks", name: "marks", title: "explained at the end of the page", text: true },
  { key: "over", name: "× auto", title: "how many times longer an iteration takes than that of auto", format: times, metric: "Times slower than auto", one: true },
  { key: "each", name: "iteration", title: "time of an iteration", format: seconds, metric: "Time of an iteration", low: true, only: ["peer", "ourpeer"] },
  { key: "seconds", name: "time", format: seconds, metric: "Time", low: true },
  { key: "spread", name: "spread", format: percent },
  { key: "x_naive", name: "× naive", format: times, metric: "Speed-up over naive", one: true },
  { key: "x_textbook", name: "× textbook", format: times, metric: "Speed-up over textbook", one: true },
  { key: "x_simd", name: "× simd", format: times, metric: "Speed-up over simd", one: true },
  { key: "gflops", name: "GFLOP/s", format: three, metric: "GFLOP/s" },
  { key: "peak", name: "% peak", format: percent, metric: "Share of the FMA peak" },
  { key: "bound", name: "% bound", title: "share of what the operations of the argmin leave of the peak", format: percent, metric: "Share of the operation bound" },
  { key: "bandwidth", name: "% read", title: "share of the read bandwidth", format: percent, metric: "Share of the read bandwidth" },
  { key: "saved", name: "saved", title: "distances not computed", format: percent, metric: "Distances saved", mean: true },
  { key: "reranked", name: "reranked", format: grouped, only: ["assign"] },
  { key: "iterations", name: "iter.", format: grouped },
  { key: "distances", name: "distances", format: grouped, only: ["seeding", "fit"] },
  { key: "inertia", name: "inertia", format: (v) => String(+v.toPrecision(5)), only: ["seeding", "own"] },
  { key: "off", name: "/ naive's", title: "inertia as a multiple of naive's", format: (v) => v.toFixed(5), only: ["peer"] },
  { key: "worse", name: "/ lowest", title: "inertia as a multiple of the lowest on this problem", format: (v) => v.toFixed(4), metric: "Inertia over the lowest", low: true, only: ["own"] },
  { key: "memory", name: "memory", format: size, metric: "Working memory", low: true },
];
const METRICS = ["over", "each", "x_naive", "x_textbook", "x_simd", "seconds", "gflops", "peak", "bound", "bandwidth", "saved", "memory", "worse"]
  .map((key) => COLUMNS.find((c) => c.key === key));
const FILTERS = COLUMNS.filter((c) => c.filter);

const state = { group: "", metric: "", filters: {}, sort: "", down: false, allCards: false, allLines: false };

// ---- Small things used everywhere.
function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (value !== undefined && value !== false) node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== undefined && child !== ""));
  return node;
}
const distinct = (rows, key) => [...new Set(rows.map((row) => row[key]).filter((v) => v !== undefined))]
  .sort((a, b) => (typeof a === "number" ? a - b : 0));
const inGroup = () => ROWS.filter((row) => row.group === state.group);
const selected = () => inGroup().filter((row) =>
  Object.entries(state.filters).every(([key, values]) => !values.size || values.has(String(row[key]))));
const metric = () => METRICS.find((m) => m.key === state.metric);
const series = (row) => [row.backend, isKernel() ? row.isa : "", row.threads].join("|");
const backendWord = () => ({ kernel: "kernel", limit: "case", seeding: "method", peer: "library", own: "library" })[state.group] || "backend";
const leftOut = (row) => (row.error || "").startsWith("skipped: ");  // on purpose, as too slow
const why = (row) => (leftOut(row) ? "left out: " + row.error.slice(9) : "failed: " + row.error);
const isKernel = () => state.group === "kernel" || state.group === "limit";
const sizes = (row) => [row.dataset, row.dtype, row.n, row.d, row.k].join("|");
// A kernel is compared with itself on other instruction sets; backends and seedings are compared on a problem.
const problem = (row) => (isKernel() ? row.backend + "|" : "") + sizes(row);
const groupBy = (rows, key) => rows.reduce((map, row) => map.set(key(row), [...(map.get(key(row)) || []), row]), new Map());
const spare = {};
function colour(row) {
  const name = isKernel() ? row.isa : row.backend;
  if (COLOURS[name]) return COLOURS[name];
  spare[name] ??= SPARE[Object.keys(spare).length % SPARE.length];
  return spare[name];
}

// ---- The address.
function readHash() {
  const given = new URLSearchParams(location.hash.slice(1));
  const groups = Object.keys(GROUPS).filter((g) => ROWS.some((row) => row.group === g));
  state.group = groups.includes(given.get("group")) ? given.get("group") : groups[0] || "";
  state.filters = {};
  for (const { key } of FILTERS) {
    const known = new Set(inGroup().map((row) => String(row[key])));
    const asked = (given.get(key) || "").split(",").filter((value) => known.has(value));
    if (asked.length) state.filters[key] = new Set(asked);
  }
  state.metric = given.get("metric") || state.metric;
  state.sort = COLUMNS.some((c) => c.key === given.get("sort")) ? given.get("sort") : "";
  state.down = given.get("order") === "down";
  if (["light", "dark"].includes(given.get("theme"))) document.documentElement.dataset.theme = given.get("theme");
}
function writeHash() {
  const next = new URLSearchParams({ group: state.group, metric: state.metric });
  for (const [key, values] of Object.entries(state.filters)) if (values.size) next.set(key, [...values].join(","));
  if (state.sort) next.set("sort", state.sort);
  if (state.sort && state.down) next.set("order", "down");
  history.replaceState(null, "", "#" + next.toString().replaceAll("%2C", ","));
}
function change(update) {
  update();
  draw();
  writeHash();
}

// ---- Filters.
function drawControls() {
  const groups = Object.keys(GROUPS).filter((g) => ROWS.some((row) => row.group === g));
  $("groups").replaceChildren(...groups.map((g) => element("button", {
    type: "button", "aria-pressed": String(g === state.group),
    onclick: () => change(() => Object.assign(state, { group: g, filters: {}, allCards: false, allLines: false })),
  }, GROUPS[g])));

  const usable = METRICS.filter((m) => inGroup().some((row) => row[m.key] !== undefined));
  if (!usable.some((m) => m.key === state.metric)) {
    state.metric = (usable.find((m) => isKernel() && m.key === "gflops") || usable[0] || { key: "" }).key;
  }
  $("metric").replaceChildren(...usable.map((m) =>
    element("option", { value: m.key, selected: m.key === state.metric }, m.metric)));

  const blocks = FILTERS.map((column) => [column, distinct(inGroup(), column.key)]).filter(([, values]) => values.length > 1);
  $("filters").replaceChildren(...blocks.map(([column, values]) => element("div", { class: "filter" },
    element("h4", {}, column.key === "backend" ? capital(backendWord()) : column.filter),
    element("div", { class: "chips" }, ...values.map((value) => chip(column, value))))));
  $("reset").disabled = !Object.values(state.filters).some((values) => values.size);
}
function chip(column, value) {
  const chosen = (state.filters[column.key] ||= new Set());
  const coloured = column.key === (isKernel() ? "isa" : "backend");
  return element("button", {
    type: "button", class: "chip", "aria-pressed": String(chosen.has(String(value))), "data-key": column.key, "data-value": value,
    onclick: () => change(() => {
      if (!chosen.delete(String(value))) chosen.add(String(value));
      Object.assign(state, { allCards: false, allLines: false });
    }),
  }, coloured ? element("i", { style: `background:${colour({ isa: value, backend: value })}` }) : "",
  column.format ? column.format(value) : String(value));
}

// ---- Bars.
function nameOf(row, rows, one) {
  const several = new Set(rows.map((r) => r.threads)).size > 1;
  const extra = [isKernel() ? row.isa : "", several ? `T=${row.threads}` : ""].filter(Boolean).join(" ");
  if (isKernel() && one) return [extra];
  return [row.backend + (row.exact === false ? " ≈" : ""), extra ? element("small", {}, " " + extra) : ""];
}
function bars(entries, m, rows, one) {
  const top = Math.max(...entries.map((e) => e.value || 0), m.one ? 1 : 0);
  const nodes = [];
  for (const { row, value, note, tip } of entries) {
    const track = element("div", { class: "track", "data-tip": tip });
    if (value !== undefined) {
      const width = top > 0 ? Math.max(0, 100 * value / top) : 0;
      track.append(element("div", { class: row.exact === false ? "fill inexact" : "fill",
        style: `width:${width.toFixed(2)}%;background-color:${colour(row)}` }));
      if (m.one && top > 1) track.append(element("div", { class: "one", style: `left:${(100 / top).toFixed(2)}%` }));
    }
    nodes.push(element("div", { class: "name" }, ...nameOf(row, rows, one)), track,
      value !== undefined ? element("div", { class: "value" }, m.format(value), note ? element("small", {}, " " + note) : "")
        : element("div", { class: row.error && !leftOut(row) ? "value failed" : "value" }, leftOut(row) ? "left out" : row.error ? "failed" : "–"));
  }
  return element("div", { class: "bars" }, ...nodes);
}
const better = (m) => (a, b) => (a.value === undefined) - (b.value === undefined) || (m.low ? a.value - b.value : b.value - a.value);
function average(values, m) {
  const mean = (list) => list.reduce((sum, v) => sum + v, 0) / list.length;
  return m.mean || values.some((v) => v <= 0) ? mean(values) : Math.exp(mean(values.map(Math.log)));
}
function drawOverview(rows, m) {
  const bySeries = groupBy(rows.filter((row) => row[m.key] !== undefined), series);
  let common;
  if (m.low) {  // a time or a size says something only over the same problems
    for (const list of bySeries.values()) {
      const own = new Set(list.map(sizes));
      common = common ? new Set([...common].filter((p) => own.has(p))) : own;
    }
  }
  const total = common ? common.size : new Set(rows.map(sizes)).size;
  const entries = [...bySeries.values()].map((list) => {
    const used = common ? list.filter((row) => common.has(sizes(row))) : list;
    const values = used.map((row) => row[m.key]);
    return { row: list[0], value: values.length ? average(values, m) : undefined,
      note: !common && values.length < total ? `${values.length}/${total}` : "",
      tip: values.length ? `${plural(values.length, "problem")}\nlowest ${m.format(Math.min(...values))}\nhighest ${m.format(Math.max(...values))}` : "" };
  }).sort(better(m));
  const kind = m.mean ? "mean" : "geometric mean";
  $("overview").replaceChildren(
    element("h3", {}, m.metric, element("small", {}, `${kind} over ${plural(total, "problem")}${common ? " that all of these share" : ""}`)),
    entries.length && total ? bars(entries, m, rows) : element("p", { class: "empty" }, "No row has this figure for the selection."));
}
function describe(row) {
  const lines = [`${row.backend}${row.ran ? " → " + row.ran : ""}${row.isa ? " / " + row.isa : ""}, ${plural(row.threads, "thread")}`];
  if (row.error) return [...lines, why(row)].join("\n");
  for (const key of ["seconds", "spread", "x_naive", "x_textbook", "x_simd", "gflops", "peak", "bound", "bandwidth", "saved", "iterations", "distances", "reranked", "inertia", "memory"]) {
    const column = COLUMNS.find((c) => c.key === key);
    if (row[key] !== undefined) lines.push(`${column.metric || column.name}: ${column.format(row[key])}`);
  }
  if (row.exact === false) lines.push("not exact: a baseline only" + (row.off === undefined ? "" : `; inertia ${row.off.toFixed(4)} of the right one`));
  return lines.join("\n");
}
function drawProblems(rows, m) {
  const all = [...groupBy(rows, problem).values()];
  const shown = state.allCards ? all : all.slice(0, CARDS);
  $("problems").replaceChildren(...shown.map((list) => {
    const first = list[0];
    const axes = ["n", "d", "k"].filter((a) => first[a] !== undefined).map((a) => `${a} ${grouped(first[a])}`).join("  ");
    const entries = list.map((row) => ({ row, value: row[m.key], tip: describe(row) })).sort(better(m));
    return element("article", { class: "card problem" },
      element("h4", {}, `${first.dataset || first.backend} ${first.dtype}`, element("span", {}, axes)), bars(entries, m, list, true));
  }));
  moreButton("more", all.length, shown.length, "problem", () => { state.allCards = true; });
}
function moreButton(id, total, shown, word, update) {
  $(id).hidden = shown >= total;
  $(id).textContent = `Show all ${plural(total, word)}`;
  $(id).onclick = () => change(update);
}

// ---- Table.
function drawTable(rows) {
  const columns = COLUMNS.filter((c) => (!c.only || c.only.includes(state.group)) && rows.some((row) => row[c.key] !== undefined));
  const sorted = [...rows];
  if (state.sort) {
    const sign = state.down ? -1 : 1;
    sorted.sort((a, b) => {
      const x = a[state.sort], y = b[state.sort];
      if (x === undefined || y === undefined) return (x === undefined) - (y === undefined);
      return sign * (typeof x === "number" ? x - y : String(x).localeCompare(String(y)));
    });
  }
  const arrow = (c) => (c.key !== state.sort ? "" : state.down ? " ↓" : " ↑");
  $("rows").tHead.replaceChildren(element("tr", {}, ...columns.map((c) => element("th", {
    class: c.text ? "text" : "", "aria-sort": c.key === state.sort ? (state.down ? "descending" : "ascending") : undefined,
  }, element("button", { type: "button", title: c.title, onclick: () => change(() => {
    state.down = state.sort === c.key ? !state.down : false;
    state.sort = c.key;
  }) }, c.name + arrow(c))))));
  const shown = state.allLines ? sorted : sorted.slice(0, LINES);
  const fixed = columns.filter((c) => c.filter).length;
  $("rows").tBodies[0].replaceChildren(...shown.map((row) => {
    const cells = (row.error ? columns.slice(0, fixed) : columns).map((c) => {
      const value = row[c.key] === undefined ? "" : c.format ? c.format(row[c.key]) : String(row[c.key]);
      return c.key === "backend"
        ? element("td", { class: "text" }, element("i", { class: "swatch", style: `background:${colour(row)}` }), value + (row.exact === false ? " ≈" : row.ran ? " → " + row.ran : ""))
        : element("td", { class: c.text ? "text" : "" }, value);
    });
    if (row.error) cells.push(element("td", { class: leftOut(row) ? "left-out" : "failed", colspan: columns.length - fixed }, why(row)));
    return element("tr", {}, ...cells);
  }));
  moreButton("more-rows", sorted.length, shown.length, "row", () => { state.allLines = true; });
}

function draw() {
  drawControls();
  const rows = selected(), m = metric();
  const failed = rows.filter((row) => row.error && !leftOut(row)).length, out = rows.filter(leftOut).length;
  $("count").textContent = `${plural(rows.length, "row")} of ${grouped(inGroup().length)}, ${plural(new Set(rows.map(problem)).size, "problem")}` +
    (failed ? `, ${grouped(failed)} failed` : "") + (out ? `, ${grouped(out)} left out` : "");
  if (m) {
    drawOverview(rows, m);
    drawProblems(rows, m);
  } else {
    $("overview").replaceChildren(element("p", { class: "empty" }, "Nothing was measured here."));
  }
  drawTable(rows);
}

// ---- Theme: the system's until someone chooses; the choice is kept where the browser allows it.
function chosenTheme(value) {
  try {
    if (value) localStorage.setItem("omnimeans-theme", value);
    return localStorage.getItem("omnimeans-theme");
  } catch {
    return value || null;  // a page from a file may have no storage
  }
}
const dark = matchMedia("(prefers-color-scheme: dark)");
const setTheme = () => { document.documentElement.dataset.theme = chosenTheme() || (dark.matches ? "dark" : "light"); };
setTheme();
dark.addEventListener("change", setTheme);
$("theme").addEventListener("click", () => {
  const next = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  chosenTheme(next);
  document.documentElement.dataset.theme = next;
});

// ---- Tooltip.
document.addEventListener("pointermove", (event) => {
  const holder = event.target instanceof Element ? event.target.closest("[data-tip]") : null;
  const tip = $("tip");
  tip.hidden = !holder || !holder.dataset.tip;
  if (tip.hidden) return;
  tip.textContent = holder.dataset.tip;
  const x = Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8);
  const y = event.clientY + tip.offsetHeight + 24 > innerHeight ? event.clientY - tip.offsetHeight - 10 : event.clientY + 16;
  tip.style.left = `${Math.max(8, x)}px`;
  tip.style.top = `${Math.max(8, y)}px`;
});

$("metric").addEventListener("change", (event) => change(() => { state.metric = event.target.value; }));
$("reset").addEventListener("click", () => change(() => { state.filters = {}; }));
addEventListener("hashchange", () => {
  if (location.hash.includes("=")) {
    readHash();
    draw();
  }
});
readHash();
draw();
