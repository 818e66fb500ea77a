"use strict";

// ---- tables: sort by a head, filter by words and by "column < number"

function compare(a, b) {
  if (a === "" || b === "") return (a === "") - (b === "") || 0;
  const difference = Number(a) - Number(b);
  return Number.isNaN(difference) ? a.localeCompare(b, undefined, { numeric: true }) : difference;
}

const RELATIONS = { "<": (a, b) => a < b, ">": (a, b) => a > b, "<=": (a, b) => a <= b, ">=": (a, b) => a >= b, "=": (a, b) => a === b };

// What a filter asks of the cells of a row: commas part words and relations, all of which must hold.
function condition(text, titles) {
  const parts = text.toLowerCase().split(",").map((part) => part.trim()).filter(Boolean);
  const tests = parts.map((part) => {
    const found = part.match(/^(.+?)\s*(<=|>=|<|>|=)\s*(-?[\d.]+(?:e-?\d+)?)$/);
    const column = found ? titles.indexOf(found[1]) : -1;
    if (column < 0) return (cells) => [...cells].some((cell) => cell.textContent.toLowerCase().includes(part));
    return (cells) => cells[column].dataset.value !== "" && RELATIONS[found[2]](Number(cells[column].dataset.value), Number(found[3]));
  });
  return (cells) => tests.every((test) => test(cells));
}

for (const block of document.querySelectorAll(".table")) {
  const body = block.querySelector("tbody"), heads = [...block.querySelectorAll("th")], rows = [...body.rows];
  heads.forEach((head, column) => {
    head.querySelector("button").onclick = () => {
      const sign = head.ariaSort === "ascending" ? -1 : 1;
      heads.forEach((each) => each.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
      const value = (row) => row.cells[column].dataset.value;
      // what has no value stays last in both directions
      rows.sort((a, b) => (value(a) === "" || value(b) === "" ? 1 : sign) * compare(value(a), value(b)));
      body.append(...rows);
    };
  });
  const input = block.querySelector(".filter input"), count = block.querySelector(".count");
  if (!input) continue;
  const titles = heads.map((head) => head.querySelector("button").textContent.toLowerCase());
  input.oninput = () => {
    const holds = condition(input.value, titles);
    for (const row of rows) row.hidden = !holds(row.cells);
    const left = rows.filter((row) => !row.hidden).length;
    count.textContent = `${left} of ${rows.length}`;
  };
  input.oninput();
}

// ---- overlays: one micrograph at a time; zooming widens the layer in its scrolled window

const LARGEST_ZOOM = 16, PLACE_ZOOM = 3;

for (const block of document.querySelectorAll(".overlays")) {
  const figures = [...block.querySelectorAll("figure")], select = block.querySelector(".micrograph");
  const group = block.querySelector("select.group"), kinds = [...block.querySelectorAll("input[data-kind]")];
  const current = () => figures[select.selectedIndex];

  function draw() {
    figures.forEach((figure) => { figure.hidden = figure !== current(); });
    for (const kind of kinds) {
      let number = 0;
      for (const path of block.querySelectorAll("path")) {
        if (path.dataset.kind !== kind.dataset.kind) continue;
        const isOfGroup = !group || path.dataset.group === group.value;
        path.toggleAttribute("hidden", !(kind.checked && isOfGroup));
        if (isOfGroup && current().contains(path)) number += Number(path.dataset.count);
      }
      kind.parentNode.querySelector("output").textContent = number.toLocaleString("en");
    }
  }

  function step(by) {
    select.selectedIndex = (select.selectedIndex + by + figures.length) % figures.length;
    draw();
    current().querySelector(".window").focus({ preventScroll: true });
  }

  // The place (x, y), as parts of the window, stays where it is; a factor of 0 shows the whole.
  function zoom(figure, factor, x = 0.5, y = 0.5) {
    const frame = figure.querySelector(".window"), layer = figure.querySelector(".layer");
    const width = layer.clientWidth, least = frame.offsetWidth;
    const next = Math.min(Math.max(width * factor, least), LARGEST_ZOOM * least), by = next / width;
    const left = (frame.scrollLeft + x * frame.clientWidth) * by, top = (frame.scrollTop + y * frame.clientHeight) * by;
    layer.style.width = next > least ? `${next}px` : "";
    frame.scrollTo(left - x * frame.clientWidth, top - y * frame.clientHeight); // bars may have come
  }

  block.show = (place) => {
    const index = figures.findIndex((figure) => figure.dataset.name === place.micrograph);
    if (index < 0) return;
    select.selectedIndex = index;
    if (group && place.group) group.value = place.group;
    draw();
    const figure = current(), frame = figure.querySelector(".window"), image = figure.querySelector("img");
    zoom(figure, 0);
    if (place.x !== undefined) {
      zoom(figure, PLACE_ZOOM);
      const scale = image.clientWidth / image.naturalWidth;
      const [x, y] = [place.x, place.y].map((each) => (Number(each) + 0.5) * scale);
      frame.scrollTo(x - frame.clientWidth / 2, y - frame.clientHeight / 2);
    }
    block.scrollIntoView();
    frame.focus({ preventScroll: true });
  };

  select.onchange = draw;
  if (group) group.onchange = draw;
  for (const kind of kinds) kind.onchange = draw;
  block.querySelector(".previous").onclick = () => step(-1);
  block.querySelector(".next").onclick = () => step(1);
  block.querySelector(".in").onclick = () => zoom(current(), 1.5);
  block.querySelector(".out").onclick = () => zoom(current(), 1 / 1.5);
  block.querySelector(".whole").onclick = () => zoom(current(), 0);
  for (const figure of figures) {
    const frame = figure.querySelector(".window");
    frame.onkeydown = (event) => {
      const act = { "+": () => zoom(figure, 1.5), "=": () => zoom(figure, 1.5), "-": () => zoom(figure, 1 / 1.5), 0: () => zoom(figure, 0), n: () => step(1), p: () => step(-1) }[event.key];
      if (!act || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      act();
    };
    // the wheel scrolls the page until someone has clicked into the picture
    frame.addEventListener("wheel", (event) => {
      if (document.activeElement !== frame) return;
      event.preventDefault();
      const box = frame.getBoundingClientRect();
      zoom(figure, event.deltaY < 0 ? 1.2 : 1 / 1.2, (event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
    }, { passive: false });
    frame.onpointermove = (event) => { if (event.buttons) frame.scrollBy(-event.movementX, -event.movementY); };
    frame.ondragstart = () => false;
  }
  draw();
}

for (const link of document.querySelectorAll("a[data-micrograph]")) {
  link.onclick = (event) => {
    event.preventDefault();
    document.querySelector(".overlays")?.show(link.dataset);
  };
}

// ---- thresholds: a histogram whose line is dragged, and the command that takes what it keeps

for (const block of document.querySelectorAll(".thresholds")) {
  const { histograms, score, threshold, command } = JSON.parse(block.dataset.choice);
  const select = block.querySelector("select"), slider = block.querySelector("input"), picture = block.querySelector("svg");
  const number = block.querySelector("b"), meaning = block.querySelector(".meaning"), line = block.querySelector(".command");
  let shown;

  function choose(name) {
    shown = histograms.find((each) => each.name === name) || histograms[0];
    const low = shown.edges[0], high = shown.edges[shown.edges.length - 1];
    Object.assign(slider, { min: low, max: high, step: "any" });
    slider.value = shown.name === score && threshold !== null ? threshold : (low + high) / 2;
    meaning.textContent = shown.meaning + (shown.is_rising ? "" : "; lower is better");
    draw();
  }

  function draw() {
    const { name, edges, kept, dropped, is_rising: isRising } = shown, count = kept.length;
    const highest = Math.max(...kept.map((n, i) => n + dropped[i])), width = 1000 / count;
    const bar = (kind, i, n, below) => `<rect class="${kind}" x="${i * width}" y="${255 - 240 * (n + below) / highest}" width="${width}" height="${240 * n / highest}"/>`;
    const bars = kept.map((n, i) => bar("kept", i, n, 0) + bar("dropped", i, dropped[i], n));
    const place = (slider.value - edges[0]) / (edges[count] - edges[0]);
    picture.innerHTML = `${bars.join("")}<line x1="${1000 * place}" x2="${1000 * place}" y1="0" y2="260" stroke="#000" stroke-width="2"/>`;
    let above = 0, total = 0;
    kept.forEach((n, i) => {
      const all = n + dropped[i];
      total += all;
      above += all * Math.min(1, Math.max(0, i + 1 - place * count));
    });
    const left = Math.round(isRising ? above : total - above), value = Number(slider.value).toPrecision(4);
    number.textContent = `about ${left.toLocaleString("en")} of ${total.toLocaleString("en")} kept, ${name.replaceAll("_", " ")} ${isRising ? "at least" : "at most"} ${value}`;
    line.textContent = `${command} --score ${name} --threshold ${value} --resume`;
  }

  function drag(event) {
    if (!event.buttons) return;
    const box = picture.getBoundingClientRect(), { edges } = shown;
    slider.value = edges[0] + (event.clientX - box.left) / box.width * (edges[edges.length - 1] - edges[0]);
    draw();
  }

  for (const each of histograms) select.add(new Option(each.name.replaceAll("_", " "), each.name));
  select.onchange = () => choose(select.value);
  slider.oninput = draw;
  picture.onpointerdown = picture.onpointermove = drag;
  select.value = score;
  choose(score);
}
