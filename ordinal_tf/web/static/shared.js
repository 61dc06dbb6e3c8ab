// What both pages need: asking the server, and a canvas over a photograph.

export const SIDES = { right: "#ff851b", left: "#409cff" };
const MIDDLE = "#eeeee6";
const RIM = "#101218";

export const side = (joint) => SIDES[joint.split("_")[0]] ?? MIDDLE;

/** Asks the server; throws an `Error` with one sentence for people. */
export async function ask(path, options) {
  let reply;
  try {
    reply = await fetch(path, options);
  } catch {
    const error = new Error("The server does not answer.");
    error.gone = true;
    throw error;
  }
  const text = await reply.text();
  let content;
  try {
    content = JSON.parse(text);
  } catch {
    throw new Error(text.slice(0, 200) || `The server said ${reply.status}.`);
  }
  if (!reply.ok) {
    const error = new Error(content.error ?? `The server said ${reply.status}.`);
    error.status = reply.status;
    throw error;
  }
  return content;
}

export const post = (path, content) => ask(path, {
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify(content),
});

export function loadImage(url) {
  return new Promise((resolve, reject) => {
    const image = new Image();
    image.onload = () => resolve(image);
    image.onerror = () => reject(new Error("The browser cannot show this picture."));
    image.src = url;
  });
}

/** A canvas that knows its size in CSS pixels and draws when that changes. */
export class Sheet {
  constructor(canvas, draw) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.draw = draw;
    new ResizeObserver(() => this.paint()).observe(canvas);
  }

  paint() {
    const { canvas, context } = this;
    const dense = window.devicePixelRatio || 1;
    this.width = canvas.clientWidth;
    this.height = canvas.clientHeight;
    if (!this.width || !this.height) return;
    canvas.width = Math.round(this.width * dense);
    canvas.height = Math.round(this.height * dense);
    context.setTransform(dense, 0, 0, dense, 0, 0);
    context.clearRect(0, 0, this.width, this.height);
    this.draw(context, this.width, this.height);
  }
}

/** How a region of a photograph lies on a sheet. Pixel centres are whole. */
export class Fit {
  constructor(region, width, height, margin = 12) {
    const [left, top, right, bottom] = region;
    this.scale = Math.min(
      (width - 2 * margin) / (right - left),
      (height - 2 * margin) / (bottom - top),
    );
    this.x = width / 2 - this.scale * (left + right) / 2;
    this.y = height / 2 - this.scale * (top + bottom) / 2;
  }

  out([x, y]) {
    return [this.x + (x + 0.5) * this.scale, this.y + (y + 0.5) * this.scale];
  }

  back([x, y]) {
    return [(x - this.x) / this.scale - 0.5, (y - this.y) / this.scale - 0.5];
  }

  image(context, image) {
    context.drawImage(
      image, this.x, this.y,
      image.naturalWidth * this.scale, image.naturalHeight * this.scale,
    );
  }
}

export function line(context, from, to, colour, width) {
  for (const [stroke, wide] of [[RIM, width + 2], [colour, width]]) {
    context.beginPath();
    context.moveTo(...from);
    context.lineTo(...to);
    context.lineCap = "round";
    context.strokeStyle = stroke;
    context.lineWidth = wide;
    context.stroke();
  }
}

export function disc(context, [x, y], radius, colour, hollow = false) {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fillStyle = hollow ? RIM : colour;
  context.fill();
  context.strokeStyle = hollow ? colour : RIM;
  context.lineWidth = hollow ? 2.5 : 1.5;
  context.stroke();
}

export function label(context, text, [x, y], colour) {
  context.font = "600 14px system-ui, sans-serif";
  context.lineWidth = 4;
  context.lineJoin = "round";
  context.strokeStyle = RIM;
  context.strokeText(text, x, y);
  context.fillStyle = colour;
  context.fillText(text, x, y);
}

export const place = (event) => [event.offsetX, event.offsetY];

export const near = (points, [x, y], reach) => {
  let best = -1;
  points.forEach(([px, py], index) => {
    const away = Math.hypot(px - x, py - y);
    if (away <= reach) [best, reach] = [index, away];
  });
  return best;
};
