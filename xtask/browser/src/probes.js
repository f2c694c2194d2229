// Functions that look for faults of the page that is open. Each returns plain values.

const visible = (element) =>
  element.checkVisibility({ opacityProperty: true, visibilityProperty: true });

const intersect = (one, other) => {
  const left = Math.max(one.left, other.left);
  const top = Math.max(one.top, other.top);
  const right = Math.min(one.right, other.right);
  const bottom = Math.min(one.bottom, other.bottom);
  return { left, top, right, bottom, width: right - left, height: bottom - top };
};

const describe = (element) => {
  const name = element.id ? `#${element.id}` : "";
  const classes = element.getAttribute("class");
  return element.localName + name + (classes ? `.${classes.trim().split(/\s+/).join(".")}` : "");
};

// The boxes that clip what is in this element, innermost first, and whether the rest can be
// scrolled to. What the page itself does not show, it scrolls to.
const known = new Map([[document.body, []], [document.documentElement, []]]);
const clips = (element) => {
  if (!element) return [];
  if (!known.has(element)) {
    const style = getComputedStyle(element);
    const outer = clips(element.parentElement);
    if (style.overflowX === "visible" && style.overflowY === "visible") {
      known.set(element, outer);
    } else if (element instanceof SVGElement && element.localName !== "svg") {
      known.set(element, outer);
    } else {
      const scrolls = /auto|scroll/.test(style.overflowX + style.overflowY);
      const ellipsis = style.textOverflow === "ellipsis";
      known.set(element, [{ element, box: element.getBoundingClientRect(), scrolls, ellipsis }, ...outer]);
    }
  }
  return known.get(element);
};

// Every line of text that the reader can see, with its box and the visible part of that.
let all;
const lines = () => all ??= findLines();
const findLines = () => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const range = document.createRange();
  const found = [];
  while (walker.nextNode()) {
    const node = walker.currentNode;
    const element = node.parentElement;
    if (!node.data.trim() || element.closest("script, style, template, noscript")) continue;
    if (element.localName === "title" || element.localName === "desc") continue;
    if (!visible(element)) continue;
    const around = clips(element);
    // For readers of the screen only: a box of one pixel.
    if (around.some(({ box }) => box.width <= 2 || box.height <= 2)) continue;
    range.selectNodeContents(node);
    for (const box of range.getClientRects()) {
      if (box.width < 1 || box.height < 1) continue;
      const shown = around.reduce((left, clip) => intersect(left, clip.box), box);
      found.push({ node, element, box, shown, around, text: node.data.trim().slice(0, 60) });
    }
  }
  return found;
};

// How far the page is wider than its screen, and the elements that make it so.
const overflow = () => {
  const page = document.documentElement;
  const wide = [];
  const excess = Math.max(page.scrollWidth, document.body.scrollWidth) - page.clientWidth;
  if (excess > 0) {
    for (const element of document.body.querySelectorAll("*")) {
      const box = element.getBoundingClientRect();
      if (visible(element) && box.right > page.clientWidth + 1 && !clips(element.parentElement).length) {
        wide.push(`${describe(element)} to ${Math.round(box.right)}`);
      }
    }
  }
  return { excess, width: page.clientWidth, wide: wide.slice(0, 10) };
};

// Lines of text of which a part is out of reach. An ellipsis is a cut that the reader is told of.
const cut = () => {
  const found = [];
  for (const { box, around, text, element } of lines()) {
    for (const clip of around) {
      if (clip.scrolls) break;
      if (clip.ellipsis) continue;
      const part = intersect(box, clip.box);
      // The box of a line is higher than its letters.
      const sides = box.width - Math.max(part.width, 0);
      const ends = box.height - Math.max(part.height, 0);
      if (sides > 1 || ends > box.height / 4) {
        const where = `${describe(element)} in ${describe(clip.element)}`;
        found.push(`${JSON.stringify(text)} (${where}: ${Math.round(sides)} × ${Math.round(ends)} px)`);
        break;
      }
    }
  }
  return found.slice(0, 20);
};

// Pairs of lines that lie on each other.
const overlaps = () => {
  const boxes = lines().map((line) => {
    // About the letters: lines may be closer than the boxes of their font.
    const { left, top, width, height } = line.shown;
    const inner = { left: left + 1, right: left + width - 1 };
    return { ...line, ...inner, top: top + height * 0.22, bottom: top + height * 0.78 };
  });
  const flat = boxes.filter((line) => line.right > line.left && line.bottom > line.top);
  flat.sort((one, other) => one.top - other.top);
  const found = [];
  let open = [];
  for (const line of flat) {
    open = open.filter((other) => other.bottom > line.top);
    for (const other of open) {
      if (other.node !== line.node && other.left < line.right && line.left < other.right) {
        const at = `${Math.round(line.left)}, ${Math.round(line.top + scrollY)}`;
        found.push(`${JSON.stringify(other.text)} and ${JSON.stringify(line.text)} at ${at}`);
      }
    }
    open.push(line);
  }
  return found.slice(0, 20);
};

const layout = () => ({ overflow: overflow(), cut: cut(), overlaps: overlaps() });

// Any CSS colour as red, green, blue and alpha, as the canvas paints it.
const brush = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
const painted = new Map();
const rgba = (colour) => {
  if (!painted.has(colour)) {
    brush.clearRect(0, 0, 1, 1);
    brush.fillStyle = colour;
    brush.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = brush.getImageData(0, 0, 1, 1).data;
    painted.set(colour, [red, green, blue, alpha / 255]);
  }
  return painted.get(colour);
};

const over = (top, under) => {
  const [, , , alpha] = top;
  return [0, 1, 2].map((at) => top[at] * alpha + under[at] * (1 - alpha)).concat(1);
};

const luminance = (colour) => {
  const linear = (value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * linear(colour[0]) + 0.7152 * linear(colour[1]) + 0.0722 * linear(colour[2]);
};

// The colour behind a line: the backgrounds of its ancestors, then the shapes of its picture that
// lie under its middle.
const behind = (line, paper) => {
  const layers = [];
  for (let at = line.element; at; at = at.parentElement) {
    const style = getComputedStyle(at);
    if (!(at instanceof SVGElement) || at.localName === "svg") layers.unshift(rgba(style.backgroundColor));
  }
  const picture = line.element.closest("svg");
  if (picture) {
    const middle = [(line.box.left + line.box.right) / 2, (line.box.top + line.box.bottom) / 2];
    for (const shape of picture.querySelectorAll("rect, circle")) {
      if (!(shape.compareDocumentPosition(line.node) & Node.DOCUMENT_POSITION_FOLLOWING)) break;
      const box = shape.getBoundingClientRect();
      const inside = box.left <= middle[0] && middle[0] <= box.right &&
        box.top <= middle[1] && middle[1] <= box.bottom;
      const style = getComputedStyle(shape);
      if (inside && style.fill !== "none" && visible(shape)) {
        const [red, green, blue, alpha] = rgba(style.fill);
        layers.push([red, green, blue, alpha * style.fillOpacity * style.opacity]);
      }
    }
  }
  return layers.reduce((under, top) => over(top, under), paper);
};

// The colour of the page itself, which follows its colour scheme.
const canvas = () => {
  const sheet = document.createElement("div");
  sheet.style.backgroundColor = "Canvas";
  document.documentElement.append(sheet);
  const colour = rgba(getComputedStyle(sheet).backgroundColor);
  sheet.remove();
  return colour;
};

// Lines with less contrast than WCAG's level AA asks for, each combination of colours once.
const contrast = () => {
  const found = new Map();
  const paper = canvas();
  for (const line of lines()) {
    const style = getComputedStyle(line.element);
    const drawn = line.element instanceof SVGElement;
    const [red, green, blue, alpha] = rgba(drawn ? style.fill : style.color);
    let opacity = alpha * (drawn ? style.fillOpacity : 1);
    for (let at = line.element; at; at = at.parentElement) opacity *= getComputedStyle(at).opacity;
    const back = behind(line, paper);
    const front = over([red, green, blue, opacity], back);
    const [one, other] = [luminance(front), luminance(back)];
    const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    if (ratio < (large ? 3 : 4.5)) {
      const colours = [front, back].map((colour) => `rgb(${colour.slice(0, 3).map(Math.round)})`);
      found.set(`${describe(line.element)}: ${colours.join(" on ")}`, [ratio.toFixed(2), line.text]);
    }
  }
  return [...found].slice(0, 20).map(([colours, [ratio, text]]) => `${ratio}: ${JSON.stringify(text)} ${colours}`);
};

// Everything that a keyboard has to reach. Of radio buttons of one name, one is enough.
const controls = () => {
  const selector = "a[href], button, input, select, textarea, summary, [tabindex], [contenteditable]";
  const groups = new Set();
  return [...document.querySelectorAll(selector)].filter((element) => {
    if (element.disabled || element.type === "hidden" || element.tabIndex < 0) return false;
    if (!visible(element)) return false;
    if (element.type !== "radio") return true;
    const known = groups.has(element.name);
    groups.add(element.name);
    return !known;
  });
};

// Notes each element that is focused from now on, and whether that can be seen.
const watch = () => {
  const wanted = controls();
  const seen = { wanted, focused: new Set(), unseen: [], extra: [] };
  window.seenByProbe = seen;
  const look = (element) => {
    const style = getComputedStyle(element);
    return [style.outlineStyle, style.outlineWidth, style.boxShadow, style.borderColor, style.backgroundColor].join();
  };
  const calm = new Map(wanted.map((element) => [element, look(element)]));
  document.addEventListener("focusin", ({ target }) => {
    const group = (element) => element === target ||
      (element.type === "radio" && target.type === "radio" && element.name === target.name);
    const element = wanted.find(group);
    if (!element) return seen.extra.push(describe(target));
    seen.focused.add(element);
    if (look(target) === calm.get(element)) seen.unseen.push(describe(target));
  });
  document.activeElement?.blur();
  return wanted.length;
};

const watched = () => {
  const { wanted, focused, unseen, extra } = window.seenByProbe;
  const missed = wanted.filter((element) => !focused.has(element)).map(describe);
  return { wanted: wanted.length, missed: missed.slice(0, 20), unseen: unseen.slice(0, 20), extra };
};
