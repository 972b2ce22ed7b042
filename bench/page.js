// What forecast.go computes, again: with the values on the page. Both are compared in the test
// with a browser.
const shown = (n, table = "choices") => document.querySelectorAll(`#${table} tr`)[n + 1].cells;
const size = n => { const u = ["B", "kB", "MB", "GB", "TB", "PB"]; let i = 0; while (n >= 1000 && i < u.length - 1) { n /= 1000; i++; } return (n < 10 && i ? n.toFixed(1) : n.toFixed(0)) + " " + u[i]; };
const took = s => s < 90 ? s.toFixed(1) + " s" : s < 5400 ? (s / 60).toFixed(0) + " min" : (s / 3600).toFixed(1) + " h";
const up = (n, of) => Math.ceil(n / of) * of;
const filled = (places, n) => places * -Math.expm1(n * Math.log1p(-1 / places));

function assumed() {
  const a = {};
  for (const x of model.assumed) {
    const i = document.getElementById(x.name);
    a[x.name] = i.value === i.defaultValue ? x.value : Math.max(x.least, Number(i.value) || 0);
  }
  return a;
}

const rebuildText = (p, a) => up(p.leftOut * model.rebuildLine, a.block);

function nativeFolders(n) {
  let folders = 0;
  for (let level = 1; level <= 3; level++) folders += filled(256 ** level, n);
  return folders;
}

function day(days, p, a) {
  if (days === "none") return 0;
  let bytes = model.dayFolders * a.block + rebuildText(p, a);
  for (const n of [p.dayGold, p.dayOthers]) {
    if (n < 1) continue;
    if (days === "native") {
      bytes += nativeFolders(n) * a.block;
    } else {
      const folders = filled(256, n);
      bytes += folders * up(n / folders * model.nameBytes / model.fullness, a.block);
    }
  }
  return bytes;
}

function kept(c, days, a) {
  if (c.scheme !== "rotating") return [days === 1 ? 1 : Math.floor(a["kept" + days]), 1];
  const cycle = Math.floor(a.cycle), keep = Math.floor(a.keepCycles);
  return [Math.min(days, cycle * (keep + 1) + 1), Math.min(Math.floor((days + cycle - 1) / cycle), keep + 2)];
}

const files = (a, n, bytes) => n / a.filesRate + bytes / a.bytesRate;

const grown = (p, gold, files) => ({
  disk: p.disk + gold * p.goldDisk + files * p.filesDisk, names: p.names + gold * p.goldNames + files * p.filesNames,
  dayGold: p.dayGold + gold * p.goldNames, dayOthers: p.dayOthers + files * p.filesDay,
  leftOut: p.leftOut + files * p.filesLeftOut, ledger: p.ledger + files * p.filesLedger,
});

const come = (a, nights) => { const gold = a.growthGold * (nights - 1); return [gold, gold * a.growthRatio]; };

// what a snapshot takes of its own, without the dump
const own = (c, p, a) => c.scheme === "rotating" ? 2 * model.snapshotFiles * a.block + rebuildText(p, a) : model.snapshotFiles * a.block + day(c.days, p, a);

function cost(c, a) {
  const p = c.parts, rotating = c.scheme === "rotating";
  const bytes = model.horizons.map(h => {
    const then = grown(p, ...come(a, h));
    const base = then.disk + model.objectFolders * a.block + up(then.names * a.manifest, a.block) + (rotating ? day(c.days, then, a) : 0);
    const first = own(c, p, a), each = first + (rotating ? 1 : model.keptAt[h]) * (own(c, then, a) - first);
    const [snapshots, bases] = kept(c, h, a);
    return then.ledger + (rotating ? model.objectFolders * a.block : 0) + bases * (base + a.dump) + snapshots * each + Math.max(0, snapshots - bases) * a.dumpNight;
  });
  const service = a.restoreStart + files(a, p.files, p.bytes) + (a.databaseRaw ? a.databaseStart + a.databaseRaw / a.databaseRate : 0);
  let last = service;
  if (c.strategy === "gold") last += a.rebuildFactor * Math.max(p.longest, p.rebuild / a.parallel) + files(a, p.leftOut, p.leftOutBytes);
  return { bytes, service, last };
}

function pruned(x, a) {
  const p = x.parts, bytes = model.horizons.map(h => {
    const [gold, out] = come(a, h);
    return p.disk + gold * p.goldDisk + out * p.filesDisk + (nativeFolders(p.golds + gold * p.goldNames) + nativeFolders(p.stay + out * p.filesNames)) * p.folder;
  });
  return { bytes, back: a.rebuildFactor * Math.max(p.longest, p.unpack / a.parallel) + files(a, p.files, p.bytes) };
}

function follow() {
  const a = assumed(), costs = model.choices.map(c => cost(c, a)), n = model.horizons.length;
  costs.forEach((x, i) => {
    const texts = [...x.bytes.map(size), took(a.standstill), took(x.service), took(x.last)];
    texts.forEach((text, k) => { shown(i)[k + 1].textContent = text; });
  });
  if (model.prunings.length > 1) model.prunings.map(x => pruned(x, a)).forEach((x, i) => {
    [...x.bytes.map(size), took(x.back)].forEach((text, k) => { shown(i, "prunings")[k + 4].textContent = text; });
  });
  const changed = model.assumed.some(x => { const i = document.getElementById(x.name); return i.value !== i.defaultValue; });
  const [first, moved] = document.querySelectorAll("#frontier svg");
  first.style.display = changed ? "none" : "";
  moved.style.display = changed ? "" : "none";
  if (changed) frontier(moved, costs.map((x, i) => ({ ...model.choices[i], x: Math.max(1, x.bytes[model.horizons.indexOf(model.days)]), y: Math.max(.1, x.last) })));
  for (const e of document.querySelectorAll(".changed")) e.hidden = !changed;
}

// The picture again, in the place of the one that the page came with.
function frontier(svg, points) {
  svg.replaceChildren();
  const box = { left: 62, right: 470, top: 6, bottom: 212 };
  const add = (tag, attributes, text) => {
    const e = svg.appendChild(document.createElementNS(svg.namespaceURI, tag));
    for (const k in attributes) e.setAttribute(k, attributes[k]);
    if (text !== undefined) e.textContent = text;
  };
  const axis = (values, below, above, from, to) => {
    const low = Math.log(Math.min(...values) / below), high = Math.log(Math.max(...values) * above);
    const at = v => from + (Math.log(v) - low) / (high - low) * (to - from);
    return { at, has: v => Math.log(v) >= low && Math.log(v) <= high };
  };
  const sparse = t => t.filter((_, i) => i % Math.ceil(t.length / model.ticks) === 0);
  const x = axis(points.map(p => p.x), 1.3, 4, box.left, box.right), y = axis(points.map(p => p.y), 2, 10, box.bottom, box.top);
  const tens = []; for (let k = 0; k < 18; k++) for (const n of [1, 2, 5]) tens.push(n * 10 ** k);
  for (const v of sparse(tens.filter(x.has))) {
    add("line", { x1: x.at(v), x2: x.at(v), y1: box.top, y2: box.bottom, stroke: "#dcdcdc" });
    add("text", { x: x.at(v), y: box.bottom + 16, "font-size": 10, "text-anchor": "middle" }, size(v).replace(".0", ""));
  }
  for (const t of sparse(model.times.filter(t => y.has(t.value)))) {
    add("line", { x1: box.left, x2: box.right, y1: y.at(t.value), y2: y.at(t.value), stroke: "#dcdcdc" });
    add("text", { x: box.left - 5, y: y.at(t.value) + 3, "font-size": 10, "text-anchor": "end" }, t.label);
  }
  add("path", { d: `M${box.left} ${box.top}V${box.bottom}H${box.right}`, fill: "none", stroke: "#000", "stroke-width": .5 });
  add("text", { x: (box.left + box.right) / 2, y: 246, "font-size": 12, "text-anchor": "middle" }, `on the disk after ${model.days} nights`);
  add("text", { x: 0, y: 0, "font-size": 12, "text-anchor": "middle", transform: `translate(13 ${(box.top + box.bottom) / 2}) rotate(-90)` }, "until the last file is back");
  const glyphs = [
    (x, y) => add("circle", { cx: x, cy: y, r: 4, fill: "#0072b2" }),
    (x, y) => add("rect", { x: x - 3.5, y: y - 3.5, width: 7, height: 7, fill: "none", stroke: "#e69f00" }),
    (x, y) => add("path", { d: `M${x - 4} ${y + 3}h8l-4 -7z`, fill: "#009e73" }),
    (x, y) => add("rect", { x: x - 3.5, y: y - 3.5, width: 7, height: 7, fill: "#d55e00" })];
  model.kinds.forEach((kind, k) => {
    glyphs[k](box.left + 18, box.top + 9 + 13 * k);
    add("text", { x: box.left + 28, y: box.top + 13 + 13 * k, "font-size": 12 }, kind);
    const of = points.filter(p => p.strategy + ", " + p.scheme === kind).sort((a, b) => a.x - b.x);
    let before = "";
    of.forEach((p, i) => {
      glyphs[k](x.at(p.x), y.at(p.y));
      if (p.now) add("circle", { cx: x.at(p.x), cy: y.at(p.y), r: 7, fill: "none", stroke: "#000" });
      const label = before + p.days.replace("none", "no days") + (p.now ? " (now)" : "");
      before = i + 1 < of.length && of[i + 1].x < 1.25 * p.x ? label + ", " : "";
      if (!before) add("text", { x: x.at(p.x) + 7, y: y.at(p.y) + (k % 2 ? -4 : 12), "font-size": 10 }, label);
    });
  });
}
document.getElementById("assumed").addEventListener("input", follow);
