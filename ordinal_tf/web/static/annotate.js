// The annotator: one task at a time, every key a button too.

import {
  Fit, Sheet, ask, disc, label, line, loadImage, near, place, post, side,
} from "./shared.js";

const $ = (id) => document.getElementById(id);
const A = "#78eb8c";
const B = "#ff8adf";
const REACH = 28; // CSS pixels around a joint that a finger may miss it by.
const RETRY_MS = 1500;

let body; // Names of joints, and bones.
let who;
let task = { kind: "none" };
let image;
let joints = [];
let chosen = 0;
let dragged = false;
let whole = false;
let busy = false;

const sheet = new Sheet($("sheet"), draw);
const words = (joint) => joint.replace("_", " ");

function say(text, wrong = false) {
  $("said").textContent = text;
  $("said").classList.toggle("wrong", wrong);
}

/** Sends until the server has it: what a person said is not to be lost. */
async function send(path, content) {
  for (;;) {
    try {
      return await post(path, { who, ...content });
    } catch (error) {
      if (!error.gone) throw error;
      say("The server does not answer; your answer is kept here and sent again.", true);
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

/** Runs one request at a time and shows the task that it brings. */
async function step(request) {
  if (busy) return;
  busy = true;
  buttons();
  try {
    const next = await request();
    say("");
    await show(next);
  } catch (error) {
    say(error.message, true);
    // Somebody else has moved the joints: these are theirs.
    if (error.status === 409) await show(await look({ image: task.image, kind: "joints" }));
  } finally {
    busy = false;
    buttons();
  }
}

const look = (about = {}) => ask(`api/task?${new URLSearchParams({ who, ...about })}`);

async function show(next) {
  if (next.image && next.image !== image?.named) {
    image = await loadImage(`photo?image=${encodeURIComponent(next.image)}`);
    image.named = next.image;
    whole = false;
  }
  task = next;
  joints = (task.joints ?? []).map((joint) => [...joint]);
  chosen = 0;
  const kept = task.kind === "joints" && draft();
  if (kept) {
    joints = kept;
    say("Kept from before: joints that you had moved and not confirmed.");
  }
  if (task.kind === "joints" && !task.placed) whole = true;
  if (task.kind === "pair") whole = false;
  paint();
}

// Joints that were moved and are not confirmed yet outlive the page.
const draftName = () => `joints ${body.project} ${who} ${task.image}`;

function keepDraft() {
  localStorage.setItem(draftName(), JSON.stringify({ revision: task.revision, joints }));
}

function draft() {
  const kept = JSON.parse(localStorage.getItem(draftName()));
  if (kept?.revision === task.revision) return kept.joints;
  localStorage.removeItem(draftName()); // Of joints that were set since.
  return null;
}

function dropDraft() {
  localStorage.removeItem(draftName());
  joints = task.joints.map((joint) => [...joint]);
  say("");
  paint();
}

function paint() {
  document.body.dataset.kind = task.kind;
  $("where").textContent = task.image ?? "";
  $("progress").textContent = `${task.finished} of ${task.pictures} pictures`
    + (task.kind === "pair" ? `, ${task.answers} answers, ${task.unsorted} joints to go` : "");
  $("pair").hidden = task.kind !== "pair";
  $("placing").hidden = task.kind !== "joints";
  $("agree").hidden = !task.proposal;
  for (const button of $("pair").querySelectorAll("[data-relation]")) {
    button.classList.toggle("proposed", button.dataset.relation === task.proposal);
  }
  const question = $("question");
  question.replaceChildren();
  if (task.kind === "pair") {
    question.append("Is the ", named(task.a, "a"), " closer to the camera than the ", named(task.b, "b"), "?");
  } else if (task.kind === "joints") {
    question.append("Joint: ", named(body.joints[chosen], "a"), ["; not in the picture", "; hidden", ""][joints[chosen][2]]);
  } else {
    question.append(`Done: all ${task.pictures} pictures. Thank you.`);
  }
  buttons();
  sheet.paint();
}

function named(joint, kind) {
  const element = document.createElement("span");
  element.className = kind;
  element.textContent = words(joint);
  return element;
}

function buttons() {
  for (const button of document.querySelectorAll("footer button")) button.disabled = busy;
  $("joints").disabled = busy || task.kind !== "pair";
}

function region() {
  const all = [0, 0, image.naturalWidth, image.naturalHeight];
  const placed = joints.filter(([, , v]) => v);
  if (whole || placed.length < 2) return all;
  const [xs, ys] = [placed.map(([x]) => x), placed.map(([, y]) => y)];
  const margin = 0.15 * Math.max(Math.max(...xs) - Math.min(...xs), Math.max(...ys) - Math.min(...ys), 20);
  return [
    Math.min(...xs) - margin, Math.min(...ys) - margin,
    Math.max(...xs) + margin, Math.max(...ys) + margin,
  ];
}

// While a joint is dragged, the photograph must not move under the finger.
let fit;
const onSheet = (joint) => fit.out(joint);

function draw(context, width, height) {
  if (!image || task.kind === "done" || task.kind === "none") return;
  if (!dragged) fit = new Fit(region(), width, height);
  fit.image(context, image);
  const pair = task.kind === "pair";
  context.globalAlpha = pair ? 0.35 : 0.9;
  for (const [parent, child] of body.bones) {
    if (joints[parent][2] && joints[child][2]) {
      line(context, onSheet(joints[parent]), onSheet(joints[child]), side(body.joints[child]), 2);
    }
  }
  context.globalAlpha = 1;
  body.joints.forEach((joint, index) => {
    const [x, y, v] = joints[index];
    if (!v || pair) return;
    disc(context, onSheet([x, y]), index === chosen ? 8 : 5, side(joint), v === 1);
    if (index === chosen) label(context, words(joint), onSheet([x, y]).map((p, k) => p + [12, -8][k]), A);
  });
  if (!pair) return;
  for (const [joint, colour, letter] of [[task.b, B, "B"], [task.a, A, "A"]]) {
    const at = onSheet(joints[body.joints.indexOf(joint)]);
    disc(context, at, 9, colour);
    label(context, `${letter}: ${words(joint)}`, [at[0] + 13, at[1] - 9], colour);
  }
}

const answer = (relation) => step(() => send("api/answer", {
  image: task.image, a: task.a, b: task.b, relation,
}));

const confirm = () => step(async () => {
  const next = await send("api/place", { image: task.image, joints, revision: task.revision });
  localStorage.removeItem(draftName());
  return next;
});

function choose(by) {
  chosen = (chosen + by + joints.length) % joints.length;
  paint();
}

function move(x, y) {
  const joint = joints[chosen];
  joint[0] = Math.round(10 * (joint[0] + x)) / 10;
  joint[1] = Math.round(10 * (joint[1] + y)) / 10;
  joint[2] ||= 2;
  keepDraft();
  paint();
}

function mark(v) {
  joints[chosen][2] = joints[chosen][2] === v ? 2 : v;
  keepDraft();
  paint();
}

const undo = () => step(() => send("api/undo", {}));
const again = () => step(() => look({ image: task.image, kind: "joints" }));

async function write() {
  await step(async () => {
    const { pictures, relations, folder } = await send("api/write", {});
    setTimeout(() => say(`Wrote ${pictures} pictures and ${relations} relations to ${folder}.`));
    return task.kind === "none" ? look() : task;
  });
}

const share = (value) => (value === null ? "-" : `${(100 * value).toFixed(0)} %`);

async function report() {
  const found = await ask("api/report").catch((error) => say(error.message, true));
  if (!found) return;
  const dialog = $("reported");
  dialog.replaceChildren(
    `${found.annotators.length} annotators, ${found.contradictions.length} contradictions.`,
    table(["", "answers", "pictures finished"], found.annotators.map((one) => [one.name, one.answers, `${one.finished} of ${found.pictures}`])),
    table(["agreement", "pairs", "alike", "opposite", "kappa"], found.agreement.map((one) => [
      `${one.first}, ${one.second}`, one.pairs, share(one.same), share(one.opposite), one.kappa?.toFixed(2) ?? "-",
    ])),
    table(["contradictions", "closer", "closer", ""], found.contradictions.slice(0, 50).map((one) => [
      one.image, `${words(one.a)}: ${one.a_closer}`, `${words(one.b)}: ${one.b_closer}`, settle(one),
    ])),
    button("Close", () => dialog.close()),
  );
  dialog.showModal();
}

const settle = ({ image: about, a, b }) => button("Answer again", () => {
  $("reported").close();
  step(() => look({ image: about, a, b }));
});

function button(text, run) {
  const element = document.createElement("button");
  element.textContent = text;
  element.onclick = run;
  return element;
}

function table(head, rows) {
  if (!rows.length) return "";
  const element = document.createElement("table");
  for (const [kind, cells] of [["th", head], ...rows.map((row) => ["td", row])]) {
    const line = element.insertRow();
    for (const cell of cells) {
      const made = document.createElement(kind);
      made.append(cell);
      line.append(made);
    }
  }
  return element;
}

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const anywhere = {
  r: report, w: write, Backspace: undo,
  z: () => { whole = !whole; paint(); },
};
const keys = {
  pair: {
    c: () => answer("closer"), s: () => answer("equal"), f: () => answer("farther"),
    1: () => answer("closer"), 2: () => answer("equal"), 3: () => answer("farther"),
    Enter: () => task.proposal && answer(task.proposal), j: again,
  },
  joints: { Enter: confirm, x: () => mark(0), h: () => mark(1), Escape: dropDraft },
};

addEventListener("keydown", (event) => {
  if (document.querySelector("dialog[open]") || event.ctrlKey || event.metaKey || event.altKey) return;
  const placing = task.kind === "joints";
  let run = keys[task.kind]?.[event.key] ?? anywhere[event.key];
  if (placing && event.key === "Tab") run = () => choose(event.shiftKey ? -1 : 1);
  if (placing && ARROWS[event.key]) run = () => move(...ARROWS[event.key].map((v) => v * (event.shiftKey ? 10 : 1)));
  if (!run) return;
  event.preventDefault();
  if (!busy) run();
});

$("sheet").addEventListener("pointerdown", (event) => {
  if (task.kind !== "joints" || busy) return;
  const seen = joints.map((joint) => (joint[2] ? onSheet(joint) : [1e9, 1e9]));
  const index = near(seen, place(event), REACH);
  if (index >= 0) chosen = index;
  else if (joints[chosen][2]) return;
  dragged = true;
  event.target.setPointerCapture(event.pointerId);
  drag(event);
});

function drag(event) {
  if (!dragged) return;
  const [x, y] = fit.back(place(event));
  move(x - joints[chosen][0], y - joints[chosen][1]);
}

$("sheet").addEventListener("pointermove", drag);
for (const end of ["pointerup", "pointercancel"]) {
  $("sheet").addEventListener(end, () => { dragged = false; });
}

for (const element of $("pair").querySelectorAll("[data-relation]")) {
  element.onclick = () => answer(element.dataset.relation);
}
Object.entries({
  agree: () => answer(task.proposal), confirm, undo, report, write,
  next: () => choose(1), absent: () => mark(0), hidden: () => mark(1), back: dropDraft,
  joints: again, whole: anywhere.z,
}).forEach(([id, run]) => {
  $(id).onclick = () => {
    run();
    $(id).blur(); // Or the next Enter would press it again.
  };
});

async function begin() {
  body = await ask("api/body");
  who = localStorage.getItem("who");
  if (who) $("who").value = who;
  $("name").addEventListener("cancel", (event) => event.preventDefault());
  $("name").addEventListener("close", () => {
    who = $("who").value.trim();
    localStorage.setItem("who", who);
    step(() => look());
  });
  $("name").showModal();
}

begin().catch((error) => say(error.message, true));
