// Poses that turn with the mouse, a finger, or the arrow keys.
const COLOURS = { right: "#ff851b", left: "#409cff", middle: "#eeeee6" };
const STEP = Math.PI / 24;

function show(canvas) {
  const poses = JSON.parse(canvas.dataset.poses);
  const points = Object.values(poses).flat().filter(Boolean);
  if (!points.length) return;
  const middle = [0, 1, 2].map((k) => {
    const values = points.map((p) => p[k]);
    return (Math.min(...values) + Math.max(...values)) / 2;
  });
  const reach = Math.max(...points.map((p) => Math.hypot(...p.map((v, k) => v - middle[k])))) || 1;
  const sharp = window.devicePixelRatio || 1;
  const side = 264;
  canvas.width = canvas.height = side * sharp;
  const pen = canvas.getContext("2d");
  let yaw = 0.5, pitch = 0.2, from = null;

  function place(point) {
    const [x, y, z] = point.map((v, k) => (v - middle[k]) / reach);
    const across = Math.cos(yaw) * x + Math.sin(yaw) * z;
    const away = Math.cos(yaw) * z - Math.sin(yaw) * x;
    const down = Math.cos(pitch) * y - Math.sin(pitch) * away;
    return [(1 + 0.92 * across) * side / 2, (1 + 0.92 * down) * side / 2, Math.cos(pitch) * away + Math.sin(pitch) * y];
  }

  function draw() {
    pen.setTransform(sharp, 0, 0, sharp, 0, 0);
    pen.clearRect(0, 0, side, side);
    pen.lineCap = "round";
    const lines = [];
    for (const [name, pose] of Object.entries(poses)) {
      for (const [a, b, kind] of BONES) {
        if (!pose[a] || !pose[b]) continue;
        const [p, q] = [place(pose[a]), place(pose[b])];
        lines.push([p, q, name, COLOURS[kind]]);
      }
    }
    // The farthest first.
    lines.sort((one, other) => other[0][2] + other[1][2] - one[0][2] - one[1][2]);
    for (const [p, q, name, colour] of lines) {
      pen.setLineDash(name === "true" ? [2, 6] : []);
      pen.strokeStyle = name === "true" ? "#ffffff" : colour;
      pen.lineWidth = name === "true" ? 2 : 4;
      pen.beginPath();
      pen.moveTo(p[0], p[1]);
      pen.lineTo(q[0], q[1]);
      pen.stroke();
    }
    pen.setLineDash([]);
    canvas.dataset.yaw = yaw.toFixed(3);
  }

  function turn(dx, dy) {
    yaw += dx;
    pitch = Math.max(-1.5, Math.min(1.5, pitch + dy));
    draw();
  }

  canvas.addEventListener("pointerdown", (event) => {
    from = [event.clientX, event.clientY];
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!from) return;
    turn((event.clientX - from[0]) / 100, (event.clientY - from[1]) / 100);
    from = [event.clientX, event.clientY];
  });
  for (const end of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(end, () => { from = null; });
  }
  canvas.addEventListener("keydown", (event) => {
    const steps = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] };
    if (!steps[event.key]) return;
    event.preventDefault();
    turn(...steps[event.key]);
  });
  draw();
}

for (const canvas of document.querySelectorAll("canvas[data-poses]")) show(canvas);
