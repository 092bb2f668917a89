// Draws one body between two iterations, and the ground truth beside it, with WebGL 1.

const FIELD_OF_VIEW = 0.42; // radians, vertical: a portrait lens, little perspective

const VERTEX_SHADER = `
  attribute vec3 fromPosition, toPosition, fromNormal, toNormal;
  attribute float fromMove, toMove;
  uniform float blend, scale, middle, distance;
  uniform vec2 lens, depth;
  uniform mat3 turn;
  varying vec3 normal, place;
  varying float move;
  void main() {
    move = mix(fromMove, toMove, blend);
    // camera axes (x right, y down, z forward) -> WebGL's (x right, y up, z to the viewer)
    vec3 flip = vec3(1.0, -1.0, -1.0);
    vec3 still = (mix(fromPosition, toPosition, blend) * scale - vec3(0.0, middle, 0.0)) * flip;
    place = turn * still - vec3(0.0, 0.0, distance);
    normal = turn * (mix(fromNormal, toNormal, blend) * flip);
    gl_Position = vec4(lens * place.xy, depth.x * place.z + depth.y, -place.z);
  }`;

const FRAGMENT_SHADER = `
  precision mediump float;
  uniform vec3 colour, ramp[3];
  uniform float moving;
  varying vec3 normal, place;
  varying float move;
  void main() {
    vec3 paint = move < 0.5 ? mix(ramp[0], ramp[1], 2.0 * move) : mix(ramp[1], ramp[2], 2.0 * move - 1.0);
    paint = mix(colour, paint, moving);
    vec3 eye = normalize(-place);
    vec3 n = normalize(normal);
    float facing = dot(n, eye);
    if (facing < 0.0) { n = -n; facing = -facing; }
    float sky = 0.5 + 0.5 * n.y;
    float key = max(0.0, 0.5 + 0.5 * dot(n, normalize(vec3(-0.55, 0.65, 0.6))));
    float shine = pow(max(0.0, dot(n, normalize(eye + vec3(-0.5, 0.7, 0.6)))), 28.0);
    float edge = pow(1.0 - facing, 3.0);
    vec3 lit = paint * (0.30 + 0.22 * sky + 0.62 * key * key) + 0.07 * shine + 0.10 * edge * sky;
    gl_FragColor = vec4(lit, 1.0);
  }`;

/** A stage on the canvas, or null where there is no WebGL. */
function createStage(canvas, faces, scale, ramp) {
  const gl = canvas.getContext("webgl", { antialias: true, alpha: true });
  if (!gl) return null;
  const program = buildProgram(gl);
  const attribute = (name) => gl.getAttribLocation(program, name);
  const uniform = (name) => gl.getUniformLocation(program, name);
  const places = ["fromPosition", "toPosition", "fromNormal", "toNormal"].map(attribute);
  const movePlaces = ["fromMove", "toMove"].map(attribute);
  const names = ["ramp", "moving", "blend", "scale", "middle", "distance", "lens", "depth", "turn", "colour"];
  const at = Object.fromEntries(names.map((name) => [name, uniform(name)]));
  const buffer = (kind, data) => {
    const made = gl.createBuffer();
    gl.bindBuffer(kind, made);
    gl.bufferData(kind, data, gl.STATIC_DRAW);
    return made;
  };
  const indices = buffer(gl.ELEMENT_ARRAY_BUFFER, faces);
  let bodies = new Map(); // mesh -> its two buffers; only those of the person on stage
  let painted = new Map(); // moves of a mesh -> their buffer; likewise

  function upload(mesh) {
    if (!bodies.has(mesh)) {
      const position = padded(mesh);
      const normals = vertexNormals(mesh, faces);
      bodies.set(mesh, [buffer(gl.ARRAY_BUFFER, position), buffer(gl.ARRAY_BUFFER, normals)]);
    }
    return bodies.get(mesh);
  }

  function bind(place, source, type, normalised) {
    gl.bindBuffer(gl.ARRAY_BUFFER, source);
    gl.enableVertexAttribArray(place);
    gl.vertexAttribPointer(place, 3, type, normalised, type === gl.SHORT ? 8 : 4, 0);
  }

  /** What colours the mesh, one byte per vertex; nothing where `moves` is null. */
  function bindMoves(place, moves) {
    if (!moves) {
      gl.disableVertexAttribArray(place);
      gl.vertexAttrib1f(place, 0);
      return;
    }
    if (!painted.has(moves)) painted.set(moves, buffer(gl.ARRAY_BUFFER, moves));
    gl.bindBuffer(gl.ARRAY_BUFFER, painted.get(moves));
    gl.enableVertexAttribArray(place);
    gl.vertexAttribPointer(place, 1, gl.UNSIGNED_BYTE, true, 0, 0);
  }

  return {
    /** Free the buffers of the person who leaves. */
    clear() {
      for (const pair of bodies.values()) pair.forEach((old) => gl.deleteBuffer(old));
      for (const old of painted.values()) gl.deleteBuffer(old);
      bodies = new Map();
      painted = new Map();
    },
    /** Draw actors [{from, to, blend, colour, moves: [of from, of to] or null}] side by side, all of `size`; returns how many triangles. */
    draw(actors, { yaw, pitch, zoom, size }) {
      const ratio = Math.min(window.devicePixelRatio || 1, 2);
      const [width, height] = [canvas.clientWidth * ratio, canvas.clientHeight * ratio].map(Math.round);
      if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
      gl.clearColor(0, 0, 0, 0);
      gl.viewport(0, 0, width, height);
      gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
      gl.enable(gl.DEPTH_TEST);
      gl.useProgram(program);
      const share = width / actors.length;
      const aspect = share / height;
      const lens = 1 / Math.tan(FIELD_OF_VIEW / 2);
      const away = (size.wide + 1.12 * lens * Math.max(size.high, size.wide / aspect)) / zoom;
      const reach = Math.hypot(size.wide, size.high);
      const [near, far] = [Math.max(away - reach, 0.02 * away), away + reach];
      gl.uniform3fv(at.ramp, ramp.flat());
      gl.uniform2f(at.lens, lens / aspect, lens);
      gl.uniform2f(at.depth, -(far + near) / (far - near), (-2 * far * near) / (far - near));
      gl.uniform1f(at.scale, scale);
      gl.uniform1f(at.middle, size.middle);
      gl.uniform1f(at.distance, away);
      gl.uniformMatrix3fv(at.turn, false, turnMatrix(yaw, pitch));
      gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, indices);
      actors.forEach(({ from, to, blend, colour, moves }, number) => {
        gl.viewport(Math.round(number * share), 0, Math.round(share), height);
        const [[fromPosition, fromNormal], [toPosition, toNormal]] = [upload(from), upload(to)];
        bind(places[0], fromPosition, gl.SHORT, false);
        bind(places[1], toPosition, gl.SHORT, false);
        bind(places[2], fromNormal, gl.BYTE, true);
        bind(places[3], toNormal, gl.BYTE, true);
        movePlaces.forEach((place, end) => bindMoves(place, moves && moves[end]));
        gl.uniform1f(at.moving, moves ? 1 : 0);
        gl.uniform1f(at.blend, blend);
        gl.uniform3fv(at.colour, colour);
        gl.drawElements(gl.TRIANGLES, faces.length, gl.UNSIGNED_SHORT, 0);
      });
      return (faces.length / 3) * actors.length;
    },
  };
}

/** Three shorts per vertex -> four, as WebGL wants rows of whole words. */
function padded(mesh) {
  const rows = new Int16Array((mesh.length / 3) * 4);
  for (let from = 0, to = 0; from < mesh.length; from += 3, to += 4) {
    rows[to] = mesh[from];
    rows[to + 1] = mesh[from + 1];
    rows[to + 2] = mesh[from + 2];
  }
  return rows;
}

/** Turn about the vertical axis, then tilt; column-major. */
function turnMatrix(yaw, pitch) {
  const [cy, sy, cp, sp] = [Math.cos(yaw), Math.sin(yaw), Math.cos(pitch), Math.sin(pitch)];
  return new Float32Array([cy, sp * sy, -cp * sy, 0, cp, sp, sy, -sp * cy, cp * cy]);
}

function buildProgram(gl) {
  const program = gl.createProgram();
  for (const [kind, source] of [[gl.VERTEX_SHADER, VERTEX_SHADER], [gl.FRAGMENT_SHADER, FRAGMENT_SHADER]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS) && !gl.isContextLost()) {
    throw new Error(`the shaders did not link: ${gl.getProgramInfoLog(program)}`);
  }
  return program;
}
