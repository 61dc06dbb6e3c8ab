// Drop a photograph, see its people; drag a box over it, turn the poses.

import {
  Fit, Sheet, ask, disc, label, line, loadImage, place, side,
} from "./shared.js";

const $ = (id) => document.getElementById(id);
const UNSURE = 0.3; // As in ordinal_tf/drawing.py.
const BOX = "#78eb8c";
const CAMERA_MM = 5000;
const GRID_MM = 500;
const LEAST_PX = 12; // A shorter drag is a click.

let about; // Names of models and joints, and bones.
let photo; // { file, image }
let boxes; // null while the model is to look for itself.
let chosen = 0;
let found = []; // What each shown model says: { model, people }
let moving; // The box that is dragged.
let turned = { yaw: 0.5, pitch: 0.2 };
let asked = 0; // Answers to earlier questions are not shown.
let fit;

const sheet = new Sheet($("photo"), drawPhoto);
const views = ["first", "second"].map((which, index) => new Sheet(
  $(`${which}-pose`), (...view) => drawPose(found[index], ...view),
));

function say(text, wrong = false) {
  $("said").textContent = text;
  $("said").classList.toggle("wrong", wrong);
}

function paint() {
  document.body.dataset.people = found[0]?.people.length ?? "";
  const some = Boolean(found[0]?.people.length);
  $("data").disabled = $("picture").disabled = !some;
  $("find").disabled = !photo;
  $("remove").disabled = !boxes?.length;
  $("first-title").textContent = found[0]?.model ?? "";
  $("second-title").textContent = found[1]?.model ?? "";
  $("second-pose").parentElement.hidden = found.length < 2;
  for (const one of [sheet, ...views]) one.paint();
}

/** Takes a file and shows who is in it. */
async function take(file) {
  try {
    const url = URL.createObjectURL(file);
    const image = await loadImage(url).catch(() => null);
    if (!image) {
      // The server knows why, and reads kinds that browsers do not show.
      await predict(file, $("first").value, null);
      throw new Error("The browser cannot show a picture of this kind; save it as JPEG.");
    }
    photo = { file, image };
    [boxes, chosen, found] = [null, 0, []];
    paint();
    await look();
  } catch (error) {
    say(error.message, true);
  }
}

async function predict(file, model, at) {
  const query = new URLSearchParams({ model });
  if (at) query.set("boxes", JSON.stringify(at));
  return ask(`api/predict?${query}`, {
    method: "POST",
    headers: { "Content-Type": "application/octet-stream" },
    body: file,
  });
}

async function look() {
  if (!photo) return;
  asked += 1;
  const now = asked;
  const second = $("second").value;
  const models = [$("first").value, ...(second ? [second] : [])];
  say("Looking...");
  try {
    const first = await predict(photo.file, models[0], boxes);
    const at = first.people.map(({ box }) => box);
    const answers = [first];
    // Both look at the same place, or they could not be compared.
    if (models[1] && at.length) answers.push(await predict(photo.file, models[1], at));
    if (now !== asked) return;
    found = answers.map(({ people }, index) => ({ model: models[index], people }));
    boxes = at;
    chosen = Math.min(chosen, Math.max(boxes.length - 1, 0));
    say(at.length
      ? "1 is the joint that is closest to the camera. Drag the box, or with Shift draw another; drag the pose to turn it."
      : "Nobody was found; draw a box around the person.");
    paint();
  } catch (error) {
    if (now === asked) say(error.message, true);
  }
}

function drawPhoto(context, width, height) {
  if (!photo) return;
  fit = new Fit([0, 0, photo.image.naturalWidth, photo.image.naturalHeight], width, height, 4);
  fit.image(context, photo.image);
  (boxes ?? []).forEach((box, index) => drawBox(context, box, index === chosen));
  if (moving) return;
  if (found[1]) {
    context.globalAlpha = 0.45;
    found[1].people.forEach((person) => drawPerson(context, person, false));
    context.globalAlpha = 1;
  }
  found[0]?.people.forEach((person, index) => drawPerson(context, person, index === chosen));
}

function drawBox(context, [cx, cy, length], strong) {
  const [left, top] = fit.out([cx - length / 2 - 0.5, cy - length / 2 - 0.5]);
  context.strokeStyle = BOX;
  context.globalAlpha = strong ? 1 : 0.5;
  context.lineWidth = strong ? 2 : 1;
  context.strokeRect(left, top, length * fit.scale, length * fit.scale);
  context.globalAlpha = 1;
}

const ranks = (depth) => {
  const order = depth.map((_, index) => index).sort((i, j) => depth[i] - depth[j]);
  return depth.map((_, index) => order.indexOf(index) + 1);
};

function drawPerson(context, { keypoints, ordinal_depth: depth, score }, numbered) {
  const at = keypoints.map((point) => fit.out(point));
  const far = about.bones.toSorted((p, q) => depth[q[1]] - depth[p[1]]);
  for (const [parent, child] of far) line(context, at[parent], at[child], side(about.joints[child]), 3);
  const rank = ranks(depth);
  const order = depth.map((_, index) => index).sort((i, j) => depth[j] - depth[i]);
  for (const joint of order) {
    disc(context, at[joint], numbered ? 9 : 5, side(about.joints[joint]), score[joint] < UNSURE);
    if (!numbered) continue;
    context.font = "600 10px system-ui, sans-serif";
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillStyle = score[joint] < UNSURE ? "#eeeee6" : "#101218";
    context.fillText(rank[joint], ...at[joint]);
    context.textAlign = "start";
    context.textBaseline = "alphabetic";
  }
}

function drawPose(answer, context, width, height) {
  const person = answer?.people[chosen];
  if (!person) return;
  const { pose, score } = person;
  const spread = [0, 1, 2].map((axis) => pose.map((point) => point[axis]));
  const middle = spread.map((values) => (Math.min(...values) + Math.max(...values)) / 2);
  const reach = Math.max(600, ...pose.map((point) => Math.hypot(...point.map((v, k) => v - middle[k]))));
  const scale = 0.43 * Math.min(height, 1.3 * width) / reach;
  const [cos, sin] = [Math.cos(turned.yaw), Math.sin(turned.yaw)];
  const [up, down] = [Math.cos(turned.pitch), Math.sin(turned.pitch)];
  const project = (point) => {
    const [x, y, z] = point.map((v, k) => v - middle[k]);
    const [rx, rz] = [x * cos + z * sin, z * cos - x * sin];
    const [ry, away] = [y * up - rz * down, rz * up + y * down];
    const near = (CAMERA_MM / (CAMERA_MM + away)) * scale;
    return [width / 2 + rx * near, height / 2 + ry * near, away];
  };
  // The ankle is above the sole.
  drawGround(context, project, middle, Math.max(...spread[1]) + 60, reach);
  const seen = pose.map(project);
  const far = about.bones.toSorted((p, q) => (seen[q[0]][2] + seen[q[1]][2]) - (seen[p[0]][2] + seen[p[1]][2]));
  for (const [parent, child] of far) {
    line(context, seen[parent].slice(0, 2), seen[child].slice(0, 2), side(about.joints[child]), Math.max(3, height / 110));
  }
  seen.map((point, index) => [point, index]).sort(([p], [q]) => q[2] - p[2]).forEach(([point, index]) => {
    disc(context, point, Math.max(4, height / 110), side(about.joints[index]), score[index] < UNSURE);
  });
  label(context, "grid 0.5 m", [12, height - 12], "#a4aec0");
}

function drawGround(context, project, [x, , z], ground, reach) {
  const cells = Math.ceil(reach / GRID_MM);
  context.strokeStyle = "#525b6b";
  context.lineWidth = 1;
  for (let n = -cells; n <= cells; n += 1) {
    const [at, end] = [n * GRID_MM, cells * GRID_MM];
    for (const [from, to] of [[[-end, at], [end, at]], [[at, -end], [at, end]]]) {
      context.beginPath();
      context.moveTo(...project([x + from[0], ground, z + from[1]]).slice(0, 2));
      context.lineTo(...project([x + to[0], ground, z + to[1]]).slice(0, 2));
      context.stroke();
    }
  }
}

$("photo").addEventListener("pointerdown", (event) => {
  if (!photo) return $("file").click();
  const at = fit.back(place(event));
  const inside = (boxes ?? []).findLastIndex(([cx, cy, length]) => (
    Math.max(Math.abs(at[0] - cx), Math.abs(at[1] - cy)) <= length / 2
  ));
  event.target.setPointerCapture(event.pointerId);
  const start = place(event);
  // Inside of a box it moves; elsewhere, or with Shift, another begins.
  moving = inside >= 0 && !event.shiftKey
    ? { start, at, index: inside, was: boxes[inside] }
    : { start, at, before: boxes, index: (boxes ?? []).length };
  if (inside >= 0) chosen = inside;
  paint();
});

$("photo").addEventListener("pointermove", (event) => {
  if (!moving) return;
  const here = place(event);
  const [x, y] = fit.back(here);
  moving.far ||= Math.hypot(here[0] - moving.start[0], here[1] - moving.start[1]) > LEAST_PX;
  if (!moving.far) return;
  const [dx, dy] = [x - moving.at[0], y - moving.at[1]];
  const length = Math.max(Math.abs(dx), Math.abs(dy));
  const box = moving.was
    ? [moving.was[0] + dx, moving.was[1] + dy, moving.was[2]]
    : [moving.at[0] + Math.sign(dx) * length / 2, moving.at[1] + Math.sign(dy) * length / 2, length];
  boxes = (boxes ?? []).slice();
  boxes[moving.index] = box;
  chosen = moving.index;
  sheet.paint();
});

for (const end of ["pointerup", "pointercancel"]) {
  $("photo").addEventListener(end, () => {
    const dragged = moving?.far;
    moving = undefined;
    paint();
    if (dragged) look();
  });
}

for (const view of views) {
  let from;
  const turn = (x, y) => {
    turned = { yaw: turned.yaw - x, pitch: Math.max(-1.5, Math.min(1.5, turned.pitch + y)) };
    views.forEach((one) => one.paint());
  };
  view.canvas.addEventListener("pointerdown", (event) => {
    from = place(event);
    event.target.setPointerCapture(event.pointerId);
  });
  view.canvas.addEventListener("pointermove", (event) => {
    if (!from) return;
    const to = place(event);
    turn((to[0] - from[0]) / 120, (to[1] - from[1]) / 120);
    from = to;
  });
  for (const end of ["pointerup", "pointercancel"]) {
    view.canvas.addEventListener(end, () => { from = undefined; });
  }
  view.canvas.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0], ArrowUp: [0, -0.1], ArrowDown: [0, 0.1] }[event.key];
    if (!step) return;
    event.preventDefault();
    turn(...step);
  });
}

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

$("data").onclick = () => save(new Blob([JSON.stringify({
  joints: about.joints,
  units: { keypoints: "pixels", pose: "mm, x right, y down, z away, from the pelvis" },
  models: found,
}, null, 1)], { type: "application/json" }), "people.json");

$("picture").onclick = () => {
  const canvases = [sheet, ...views.slice(0, found.length)].map(({ canvas }) => canvas);
  const whole = document.createElement("canvas");
  whole.width = canvases.reduce((sum, { width }) => sum + width, 0);
  whole.height = Math.max(...canvases.map(({ height }) => height));
  const context = whole.getContext("2d");
  context.fillStyle = "#1e222a";
  context.fillRect(0, 0, whole.width, whole.height);
  let left = 0;
  for (const canvas of canvases) {
    context.drawImage(canvas, left, 0);
    left += canvas.width;
  }
  whole.toBlob((blob) => save(blob, "people.png"));
};

$("open").onclick = () => $("file").click();
$("file").onchange = () => {
  if ($("file").files.length) take($("file").files[0]);
  $("file").value = ""; // The same file may be chosen again.
};
$("find").onclick = () => { boxes = null; look(); };
$("remove").onclick = () => {
  boxes = boxes.filter((_, index) => index !== chosen);
  if (boxes.length) return look();
  found = [];
  say("Draw a box around a person.");
  paint();
};
for (const which of ["first", "second"]) $(which).onchange = look;

$("camera").onclick = async () => {
  const live = $("live");
  if (live.srcObject) return snap(live);
  try {
    live.srcObject = await navigator.mediaDevices.getUserMedia({ video: true });
  } catch (error) {
    const none = error.name === "NotFoundError";
    return say(none ? "There is no camera here." : `The camera cannot be used: ${error.message}.`, true);
  }
  await live.play();
  $("camera").textContent = "Take it";
  live.hidden = false;
  say("Step back until all of you is in the picture.");
};

async function snap(live) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [live.videoWidth, live.videoHeight];
  canvas.getContext("2d").drawImage(live, 0, 0);
  live.srcObject.getTracks().forEach((track) => track.stop());
  live.srcObject = null;
  live.hidden = true;
  $("camera").textContent = "Camera";
  take(await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.95)));
}

addEventListener("dragover", (event) => {
  event.preventDefault();
  document.body.classList.add("drop");
});
addEventListener("dragleave", () => document.body.classList.remove("drop"));
addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("drop");
  const [file] = event.dataTransfer.files;
  if (file) take(file);
  else say("That is no file.", true);
});

async function begin() {
  about = await ask("api/about");
  const option = (name, text = name) => new Option(text, name);
  $("first").append(...about.models.map((name) => option(name)));
  $("second").append(option("", "compare with"), ...about.models.map((name) => option(name)));
  $("second").hidden = about.models.length < 2;
  document.body.dataset.ready = "yes";
}

begin().catch((error) => say(error.message, true));
