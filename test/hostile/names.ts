/** Names that want to be somewhere else: the same seed gives the same name. */
import { randomInt, seededRandom } from '../../src/shared/random.ts';

const PIECES = [
  ...['..', '..', '..', '.', '', 'anna', 'outside', 'secret.jpg', 'good.jpg', 'etc', 'passwd', '~', '%2e%2e'],
  ...[
    '\0',
    '..\0',
    'good.jpg\0.png',
    '\\..\\..',
    '..\\secret.jpg',
    'C:',
    'CON',
    'file:',
    's3:',
    '.posecast-tmp',
  ],
  ...['\u202e', '\u001b[2J', '\r\n', '"', "'", '`id`', '$(id)', '{{7*7}}', '=1+1', '\uFFFD', 'é', '😀', ' '],
  ...['x'.repeat(300), 'y'.repeat(5_000), '..;', '…', '．．', '%00', '&', '?', '*', '|', ':', '__proto__'],
];
const SEPARATORS = ['/', '/', '/', '//', '\\', ''];

export function hostileName(seed: number): string {
  const random = seededRandom(seed, 'hostile-name');
  const from = <T>(items: readonly T[]): T => items[randomInt(random, items.length)]!;
  const known = [
    '../outside/secret.jpg',
    'anna/../../outside/secret.jpg',
    '/etc/passwd',
    '../../../../../../../../etc/passwd',
    '/proc/self/environ',
    'anna/good.jpg/../../../outside/secret.jpg',
  ];
  if (random() < 0.1) return from(known);
  const parts = 1 + randomInt(random, 6);
  let name = random() < 0.15 ? '/' : '';
  for (let i = 0; i < parts; i++) name += `${i > 0 ? from(SEPARATORS) : ''}${from(PIECES)}`;
  return name;
}
