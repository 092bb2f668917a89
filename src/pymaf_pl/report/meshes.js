// Unpacks the meshes: the twin of unpack_meshes in meshpack.py, which explains the format.

/** Base64 text of a zlib stream -> Uint8Array. */
async function inflate(text) {
  const packed = Uint8Array.from(atob(text.trim()), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** {faces: Uint16Array(3F), meshes: [Int16Array(3V)], starts: index of each group's first mesh} */
function unpackMeshes(bytes, { vertices, faces, counts }) {
  const numWords = bytes.length / 2;
  const word = (at) => {
    const value = bytes[at] | (bytes[numWords + at] << 8);
    return (value >> 1) ^ -(value & 1);
  };
  const triangles = unpackFaces(word, faces);
  const { start, lower } = lowerNeighbours(triangles, vertices);
  const meshes = [];
  const starts = [];
  let offset = 3 * faces;
  let firstOfBefore = null;
  for (const count of counts) {
    starts.push(meshes.length);
    for (let n = 0; n < count; n++) {
      const reference = n ? meshes[meshes.length - 1] : firstOfBefore;
      meshes.push(unpackMesh(word, offset, start, lower, reference));
      offset += 3 * vertices;
    }
    if (count) firstOfBefore = meshes[starts[starts.length - 1]];
  }
  return { faces: triangles, meshes, starts };
}

function unpackFaces(word, count) {
  const faces = new Uint16Array(3 * count);
  let first = 0;
  for (let face = 0; face < count; face++) {
    first += word(face);
    faces[3 * face] = first;
    faces[3 * face + 1] = first + word(count + face);
    faces[3 * face + 2] = first + word(2 * count + face);
  }
  return faces;
}

/** For every vertex its neighbours with a lower index: lower[start[v]] .. lower[start[v + 1] - 1]. */
function lowerNeighbours(faces, numVertices) {
  const start = new Uint32Array(numVertices + 1);
  const edges = (visit) => {
    for (let at = 0; at < faces.length; at++) {
      const a = faces[at];
      const b = faces[at % 3 === 2 ? at - 2 : at + 1];
      if (a !== b) visit(Math.max(a, b), Math.min(a, b));
    }
  };
  edges((owner) => start[owner + 1]++);
  const alone = [];
  for (let vertex = 1; vertex < numVertices; vertex++) {
    if (!start[vertex + 1]) {
      start[vertex + 1] = 1;
      alone.push(vertex);
    }
  }
  for (let vertex = 0; vertex < numVertices; vertex++) start[vertex + 1] += start[vertex];
  const lower = new Uint16Array(start[numVertices]);
  const next = start.slice(0, numVertices);
  edges((owner, neighbour) => (lower[next[owner]++] = neighbour));
  for (const vertex of alone) lower[next[vertex]++] = vertex - 1;
  return { start, lower };
}

function unpackMesh(word, offset, start, lower, reference) {
  const numVertices = start.length - 1;
  const mesh = new Int16Array(3 * numVertices);
  for (let axis = 0; axis < 3; axis++) {
    for (let vertex = 0; vertex < numVertices; vertex++) {
      const count = start[vertex + 1] - start[vertex];
      let sum = 0;
      for (let at = start[vertex]; at < start[vertex + 1]; at++) sum += mesh[3 * lower[at] + axis];
      const mean = count ? Math.floor((2 * sum + count) / (2 * count)) : 0;
      mesh[3 * vertex + axis] = mean + word(offset + axis * numVertices + vertex);
    }
  }
  if (reference) for (let at = 0; at < mesh.length; at++) mesh[at] += reference[at];
  return mesh;
}

/** Unit normals (Int8Array, 4 per vertex: WebGL wants aligned rows), weighted by the area of the faces around. */
function vertexNormals(mesh, faces) {
  const sums = new Float32Array(mesh.length);
  for (let at = 0; at < faces.length; at += 3) {
    const [a, b, c] = [3 * faces[at], 3 * faces[at + 1], 3 * faces[at + 2]];
    const [ux, uy, uz] = [mesh[b] - mesh[a], mesh[b + 1] - mesh[a + 1], mesh[b + 2] - mesh[a + 2]];
    const [vx, vy, vz] = [mesh[c] - mesh[a], mesh[c + 1] - mesh[a + 1], mesh[c + 2] - mesh[a + 2]];
    const normal = [uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx];
    for (const corner of [a, b, c]) for (let axis = 0; axis < 3; axis++) sums[corner + axis] += normal[axis];
  }
  const normals = new Int8Array((mesh.length / 3) * 4);
  for (let from = 0, to = 0; from < mesh.length; from += 3, to += 4) {
    const length = Math.hypot(sums[from], sums[from + 1], sums[from + 2]) || 1;
    for (let axis = 0; axis < 3; axis++) normals[to + axis] = Math.round((127 * sums[from + axis]) / length);
  }
  return normals;
}

/**
 * How far every vertex moved since the mesh before, the twin of change.py: meshes lie at their own mean already.
 * {full: grid steps at which the ramp ends, per mesh; moves: one Uint8Array of shares of it per mesh}
 */
function movesOf(meshes) {
  const distances = meshes.map((mesh, n) => {
    const before = meshes[Math.max(n - 1, 0)];
    return Float32Array.from({ length: mesh.length / 3 }, (_, v) =>
      Math.hypot(mesh[3 * v] - before[3 * v], mesh[3 * v + 1] - before[3 * v + 1], mesh[3 * v + 2] - before[3 * v + 2]));
  });
  const nearlyAll = (row) => row.slice().sort()[Math.round(0.99 * (row.length - 1))];
  const full = distances.map((row) => Math.max(1e-3, nearlyAll(row)));
  const share = (row, end) => Uint8Array.from(row, (d) => Math.min(255, Math.round((255 * d) / end)));
  return { full, moves: distances.map((row, n) => share(row, full[n])) };
}
