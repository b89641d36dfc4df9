// Icons as paths of 24 x 24, drawn with lines.

const PATHS = {
  select: "M6 3l12 9-5 1 3 6-2.5 1.2-3-6L7 18z",
  magic: "M5 19L15 9M17 3v4M15 5h4M8 4v2M7 5h2M19 12v3M17.5 13.5h3",
  box: "M5 6h14v12H5z",
  polygon: "M4 9l8-5 8 6-3 9H8z",
  brush: "M20 4L10 14M9 14c-3 0-3 3-5 5 4 1 7 0 7-3z",
  eraser: "M4 16L14 6l6 6-7 7H8zM9 11l6 6",
  flood: "M5 12l7-8 7 8-7 7zM19 15c1.5 2 2 3 2 4a2 2 0 01-4 0c0-1 .5-2 2-4",
  ellipse: "M12 6c5 0 9 2.700 9 6s-4 6-9 6-9-2.700-9-6 4-6 9-6z",
  points: "M12 5a2 2 0 100 .1M6 12a2 2 0 100 .1M18 12a2 2 0 100 .1M12 19a2 2 0 100 .1M12 7v10M8 12h8",
  hand: "M8 12V6a1.500 1.500 0 013 0v5M11 11V4.500a1.500 1.500 0 013 0V11M14 11V6a1.500 1.500 0 013 0v8c0 4-2 6-5 6s-4-2-6-6c-1-2 1-3 2-1l1 1",
  undo: "M9 7L4 11l5 4M4 11h10a5 5 0 010 10h-3",
  redo: "M15 7l5 4-5 4M20 11H10a5 5 0 000 10h3",
  fit: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",
  find: "M11 4a7 7 0 100 14 7 7 0 000-14zM16 16l5 5",
  train: "M4 20V10M10 20V4M16 20v-8M22 20H2",
  next: "M5 12h14M13 6l6 6-6 6",
  panel: "M4 5h16v14H4zM14 5v14",
  eye: "M2 12c3-5 6.500-7 10-7s7 2 10 7c-3 5-6.500 7-10 7s-7-2-10-7zM12 9a3 3 0 100 6 3 3 0 000-6z",
  remove: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13",
  duplicate: "M8 8h12v12H8zM4 16V4h12",
  join: "M9 6a6 6 0 100 12 6 6 0 003-1 6 6 0 103-11 6 6 0 00-3 1 6 6 0 00-3-1z",
  subtract: "M9 6a6 6 0 100 12 6 6 0 003-1 6 6 0 010-10 6 6 0 00-3-1zM15 12h6",
  split: "M8 5a4 4 0 100 .1M16 15a4 4 0 100 .1M4 20L20 4",
  hole: "M4 9l8-5 8 6-3 9H8zM12 10a2.500 2.500 0 100 .1",
  part: "M4 8l4-4 4 4-4 5zM13 15l4-3 4 5-6 3z",
  fillHoles: "M12 4a8 8 0 100 16 8 8 0 000-16zM12 9a3 3 0 100 6 3 3 0 000-6zM12 9v6",
  toFront: "M12 20V7M7 12l5-5 5 5M5 3h14",
  toBack: "M12 4v13M7 12l5 5 5-5M5 21h14",
  toMask: "M4 4h6v6H4zM14 4h6v6h-6zM4 14h6v6H4zM14 14h6v6h-6z",
};

export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", PATHS[name] || PATHS.box);
  svg.append(path);
  return svg;
}

export function element(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  const { data, ...own } = properties;
  Object.assign(node, own);
  Object.assign(node.dataset, data || {});
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}
