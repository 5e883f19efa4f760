/** Damage to JSON that stays JSON: wrong types, edge numbers, missing and unknown keys, names that lead elsewhere. */
import { type Random, randomInt, seededRandom } from '../../src/shared/random.ts';
import { mutateBytes } from './mutate.ts';

/** What a field is replaced with. */
const VALUES: readonly unknown[] = [
  ...[null, true, false, 0, -1, 1, 0.5, -0, 1e308, 2 ** 31, 2 ** 32, 2 ** 53, 2 ** 53 + 2, 1e21, 9e15],
  ...['', ' ', '0', 'null', '__proto__', 'constructor', 'toString', 'NaN', '\u0000', 'a\u0000b', '\ud800'],
  ...[
    '..',
    '../..',
    '../../etc/passwd',
    '/etc/passwd',
    'a/../../b',
    '..\\..\\secret',
    'C:\\x',
    'file:///etc',
  ],
  ...['s3://other/key', 'run.json', 'commits/00000000.json', '.posecast-tmp/x', 'a:b', '{}', '\u001b[2J\r\n'],
  ...['x'.repeat(300), 'x'.repeat(100_000), '\u202egnp.exe', 'é'.repeat(600), '2026-13-45T99:99:99Z'],
  ...[[], {}, [[]], [null], { a: 1 }, { length: -1 }],
];

/** Text of a mutant of `value`: usually valid JSON with one to three wrong places, sometimes broken bytes too. */
export function mutateJson(value: unknown, seed: number): Buffer {
  const random = seededRandom(seed, 'mutate-json');
  const mutant = { root: structuredClone(value) };
  const changes = 1 + randomInt(random, 3);
  for (let i = 0; i < changes; i++) change(mutant, random);
  const bytes = Buffer.from(JSON.stringify(mutant.root) ?? '');
  if (random() < 0.02) return Buffer.from(deep(random));
  return random() < 0.15 ? mutateBytes(bytes, seed) : bytes;
}

/** The same as a value; undefined where the bytes are no longer JSON. */
export function mutateValue(value: unknown, seed: number): unknown {
  try {
    return JSON.parse(mutateJson(value, seed).toString('utf8'));
  } catch {
    return undefined;
  }
}

type Holder = Record<string, unknown>;

function change(root: { root: unknown }, random: Random): void {
  const { holder, key } = choose(root as Holder, random);
  switch (randomInt(random, 6)) {
    case 0:
      if (key !== 'root') delete holder[key];
      return;
    case 1:
      holder[`${key}${randomInt(random, 10)}`] = pick(random);
      return;
    case 2:
      // An own key of that name, as JSON.parse makes it.
      Object.defineProperty(holder, ['__proto__', 'constructor', 'hasOwnProperty'][randomInt(random, 3)]!, {
        value: pick(random),
        enumerable: true,
        configurable: true,
        writable: true,
      });
      return;
    case 3:
      holder[key] = nearby(holder[key], random);
      return;
    default:
      holder[key] = pick(random);
  }
}

/** A place somewhere in the tree: deeper ones as likely as shallow ones. */
function choose(root: Holder, random: Random): { holder: Holder; key: string } {
  const places: { holder: Holder; key: string }[] = [];
  const walk = (holder: Holder): void => {
    for (const key of Object.keys(holder).slice(0, 40)) {
      places.push({ holder, key });
      const child = holder[key];
      if (typeof child === 'object' && child !== null && places.length < 5_000) walk(child as Holder);
    }
  };
  walk(root);
  return places[randomInt(random, places.length)] ?? { holder: root, key: 'root' };
}

/** Almost what it was: a number one off, a text with something before or behind. */
function nearby(value: unknown, random: Random): unknown {
  if (typeof value === 'number') return value + [-1, 1, 0.5, 1e6, -value * 2, 2 ** 40][randomInt(random, 6)]!;
  if (typeof value === 'string') {
    return [`../${value}`, `${value}/..`, `${value}\u0000`, ` ${value}`, value.toUpperCase(), value.slice(1)][
      randomInt(random, 6)
    ];
  }
  if (Array.isArray(value)) return [...value, ...value, null];
  return pick(random);
}

function pick(random: Random): unknown {
  return structuredClone(VALUES[randomInt(random, VALUES.length)]);
}

/** Brackets nested deeper than a recursive reader's stack. */
function deep(random: Random): string {
  const depth = 1_000 + randomInt(random, 200_000);
  return random() < 0.5 ? '['.repeat(depth) + ']'.repeat(depth) : '{"a":'.repeat(depth);
}
