/** Thin-plate spline: the smoothest surface z(x, y) through given points (Duchon 1977). */

/** z at a place. */
export type Surface = (x: number, y: number) => number;

/** Fits n points [x, y, z] in O(n³). `stiffness` ≥ 0 lets the surface pass beside points that disagree. */
export function thinPlateSurface(
  points: readonly (readonly [number, number, number])[],
  stiffness: number,
): Surface {
  const n = points.length;
  const size = n + 3;
  // Rows of [K + λI, P; Pᵀ, 0] · [weights; plane] = [z; 0], the right-hand side as the last column.
  const rows = Array.from({ length: size }, () => new Float64Array(size + 1));
  points.forEach(([xi, yi, zi], i) => {
    const row = rows[i]!;
    points.forEach(([xj, yj], j) => {
      row[j] = radial((xi - xj) ** 2 + (yi - yj) ** 2);
    });
    row[i]! += stiffness;
    row.set([1, xi, yi, zi], n);
    rows[n]![i] = 1;
    rows[n + 1]![i] = xi;
    rows[n + 2]![i] = yi;
  });
  const solution = solve(rows);
  return (x, y) => {
    let z = solution[n]! + solution[n + 1]! * x + solution[n + 2]! * y;
    for (let i = 0; i < n; i++) {
      const [xi, yi] = points[i]!;
      z += solution[i]! * radial((x - xi) ** 2 + (y - yi) ** 2);
    }
    return z;
  };
}

/** r² log r, of the squared distance. */
function radial(squared: number): number {
  return squared < 1e-12 ? 0 : 0.5 * squared * Math.log(squared);
}

/** Gaussian elimination with row exchange; each row ends with its right-hand side. */
function solve(rows: Float64Array[]): Float64Array {
  const size = rows.length;
  for (let column = 0; column < size; column++) {
    let pivot = column;
    for (let i = column + 1; i < size; i++) {
      if (Math.abs(rows[i]![column]!) > Math.abs(rows[pivot]![column]!)) pivot = i;
    }
    [rows[column], rows[pivot]] = [rows[pivot]!, rows[column]!];
    const row = rows[column]!;
    for (let i = column + 1; i < size; i++) {
      const factor = rows[i]![column]! / row[column]!;
      if (factor === 0) continue;
      for (let j = column; j <= size; j++) rows[i]![j]! -= factor * row[j]!;
    }
  }
  const solution = new Float64Array(size);
  for (let i = size - 1; i >= 0; i--) {
    let value = rows[i]![size]!;
    for (let j = i + 1; j < size; j++) value -= rows[i]![j]! * solution[j]!;
    solution[i] = value / rows[i]![i]!;
  }
  return solution;
}
