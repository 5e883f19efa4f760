/** People: who was found how often, and for chosen ones their photographs, poses and embeddings. */
import type { RunConfig } from '../../shared/config.ts';
import { type Html, html } from '../../shared/page/html.ts';
import { drawShape, type Mark } from '../../shared/page/shapes.ts';
import { countPoses, POSE_BINS } from '../../shared/poseBins.ts';
import { count, counted } from '../../shared/text/counted.ts';
import { printable } from '../../shared/text/printable.ts';
import type { ChosenPerson } from '../data/chosenPeople.ts';
import type { PersonPlace, PersonRow } from '../data/people.ts';
import type { Projection } from '../data/projection.ts';
import type { EmbeddingPoint } from '../data/shardFiles.ts';
import { degrees, percent } from '../format.ts';
import { pager, runPath } from './layout.ts';
import { poseGrid } from './plots.ts';
import { thumbnail } from './rejects.ts';

export const PEOPLE_A_PAGE = 25;

/** As many as can be told apart by colour and shape. */
export const MAX_CHOSEN = 6;

/** Photographs of a person that are shown. */
const SHOWN_FACES = 8;

const MARKS: readonly Mark[] = [
  { className: 'series-blue', shape: 'circle', dash: '' },
  { className: 'series-orange', shape: 'square', dash: '' },
  { className: 'series-green', shape: 'diamond', dash: '' },
  { className: 'series-purple', shape: 'triangle', dash: '' },
  { className: 'series-red', shape: 'circle', dash: '' },
  { className: 'series-grey', shape: 'square', dash: '' },
];

export interface PeopleView {
  readonly runId: string;
  /** Where no poses are measured none are shown, and where no variants are made, no coverage. */
  readonly config: Pick<RunConfig, 'withoutPose' | 'variants'>;
  readonly people: readonly PersonRow[];
  /** Position of the first of them among all. */
  readonly start: number;
  readonly found: number;
  /** Asked for by a name; undefined when nobody was. */
  readonly search: string | undefined;
  readonly chosen: readonly ChosenPerson[];
  /** Of the points of all the chosen, in order. */
  readonly projection: Projection | undefined;
}

export function peopleBody(view: PeopleView): Html {
  const { runId, config, people, start, found, search, chosen } = view;
  const page = Math.floor(start / PEOPLE_A_PAGE);
  const path = runPath(runId, 'people');
  const shown = chosen.map(({ person }) => nameOf(person));
  const href = (to: number): string => {
    const query = new URLSearchParams();
    for (const place of shown) query.append('show', place);
    if (to > 0) query.set('page', String(to + 1));
    const text = query.toString();
    return `${path}${text === '' ? '' : `?${text}`}`;
  };
  const rows = people.map((person) => {
    const { subjectId } = person;
    const place = nameOf(person);
    const checked = shown.includes(place);
    return html`<tr data-person="${place}"><td class="text"><label><input type="checkbox" name="show" value="${place}"${checked ? html` checked` : undefined}> ${printable(subjectId)}</label></td><td data-label="faces">${count(person.faces)}</td><td data-label="rejects">${count(person.rejects)}</td><td data-label="variants">${count(person.variants)}</td>${config.variants === 0 ? undefined : html`<td class="text wide" data-label="poses">${coverageChange(person)}</td>`}</tr>`;
  });
  // Chosen people who are on another page stay chosen.
  const elsewhere = shown.filter((place) => !people.some((person) => nameOf(person) === place));
  const unknown = search !== undefined && found > 0 && people[0]?.subjectId !== search;
  return html`${chosen.length > 0 ? chosenPeople(view) : undefined}
<form class="search" method="get" action="${path}" role="search"><label class="visually-hidden" for="find">Find a person</label><input id="find" type="search" name="find" value="${search ?? ''}" placeholder="person" autocomplete="off"><button>Find</button>${shown.map((index) => html`<input type="hidden" name="show" value="${index}">`)}</form>
${unknown ? html`<p data-note="nobody">Nobody is called <bdi>${printable(search)}</bdi>. The list stands where the name would be.</p>` : undefined}
<form method="get" action="${path}">${elsewhere.map((index) => html`<input type="hidden" name="show" value="${index}">`)}${page > 0 ? html`<input type="hidden" name="page" value="${page + 1}">` : undefined}
<div class="scroll"><table class="rows"><thead><tr><th class="text">person</th><th>faces</th><th>rejects</th><th>variants</th>${config.variants === 0 ? undefined : html`<th class="text">poses covered, before → after</th>`}</tr></thead><tbody>${rows}</tbody></table></div>
${people.length === 0 ? html`<p class="empty">Nobody is committed yet.</p>` : undefined}
<p class="filters"><button class="main">Show the chosen</button><span class="small">up to ${MAX_CHOSEN}: ${config.withoutPose ? 'photographs and embeddings' : 'photographs, poses and embeddings'}</span></p></form>
${pager(start, found, PEOPLE_A_PAGE, href)}`;
}

/** A person in addresses. */
function nameOf({ shard, row }: PersonPlace): string {
  return `${shard}.${row}`;
}

function coverageChange({ poseCoverageBefore: before, poseCoverageAfter: after }: PersonRow): Html {
  const x = (share: number) => (2 + 116 * Math.min(1, Math.max(0, share))).toFixed(1);
  return html`<svg class="coverage-change" viewBox="0 0 120 14" aria-hidden="true"><rect class="fill-rest" x="2" y="5" width="116" height="4" rx="2"/><rect class="fill-reject" x="${x(before)}" y="5" width="${(Number(x(after)) - Number(x(before))).toFixed(1)}" height="4"/><rect class="fill-done" x="2" y="5" width="${(Number(x(before)) - 2).toFixed(1)}" height="4" rx="2"/><circle class="fill-done" cx="${x(before)}" cy="7" r="4"/><circle class="fill-reject" cx="${x(after)}" cy="7" r="4"/></svg> <span class="nowrap">${percent(before)} → ${percent(after)}</span>`;
}

function chosenPeople(view: PeopleView): Html {
  const { chosen } = view;
  return html`<div class="charts">${projectionPlot(view)}</div>
<div class="people">${chosen.map((one, i) => personCard(view, one, MARKS[i % MARKS.length]!))}</div>
<h2>Everybody</h2>`;
}

function personCard({ runId, config }: PeopleView, chosen: ChosenPerson, mark: Mark): Html {
  const { person, faces } = chosen;
  const more = person.faces - Math.min(faces.length, SHOWN_FACES);
  return html`<figure class="chart" data-chosen="${nameOf(person)}"><h3>${swatch(mark)} <bdi>${printable(person.subjectId)}</bdi> <small>${counted(person.faces, 'face', 'faces')}, ${counted(person.variants, 'variant', 'variants')}</small></h3>
<div class="faces">${faces.slice(0, SHOWN_FACES).map(({ faceId, shard, row, point }) => html`<figure>${thumbnail(runId, shard, row, faceId)}${point.pose && html`<figcaption>yaw ${degrees(point.pose.yaw)}</figcaption>`}</figure>`)}${more > 0 ? html`<p class="small">and ${count(more)} more</p>` : undefined}</div>
${config.withoutPose ? undefined : personPoses(chosen, config)}</figure>`;
}

function personPoses({ person, all }: ChosenPerson, { variants }: PeopleView['config']): Html {
  const posesOf = (wanted: EmbeddingPoint['kind']) =>
    countPoses(all.flatMap(({ kind, pose }) => (kind === wanted && pose ? [pose] : [])));
  const [real, generated] = [posesOf('real'), posesOf('augmented')];
  const most = Math.max(1, ...Array.from(real, (faces, bin) => faces + generated[bin]!));
  const bins = Array.from({ length: POSE_BINS }, (_, bin) => bin);
  const title = `Poses of ${printable(person.subjectId)}`;
  return html`${poseGrid({
    title,
    shares: bins.map((bin) => (real[bin]! + generated[bin]!) / most),
    labels: bins.map((bin) => poseLabel(real[bin]!, generated[bin]!)),
    describe: (bin) =>
      `${counted(real[bin]!, 'face', 'faces')}, ${counted(generated[bin]!, 'variant', 'variants')}`,
    className: (bin) => (real[bin]! > 0 ? 'fill-done' : 'fill-reject'),
  })}<figcaption>${variants === 0 ? 'Faces at each pose.' : `Faces and + variants at each pose. Blue: photographed; orange: only generated. ${percent(person.poseCoverageBefore)} of the poses the model can generate before, ${percent(person.poseCoverageAfter)} after.`}</figcaption>`;
}

/** Letters that fit beside each other into a cell. */
const CELL_LETTERS = 5;

/**
 * Faces and + variants as a cell has room for them, on two lines where one is too short; the cell's title has the
 * numbers.
 */
export function poseLabel(real: number, generated: number): string {
  const short = (value: number) => (value < 10_000 ? String(value) : `${Math.floor(value / 1_000)}k`);
  const numbers = [...(real > 0 ? [short(real)] : []), ...(generated > 0 ? [`+${short(generated)}`] : [])];
  const line = numbers.join(' ');
  return line.length > CELL_LETTERS ? numbers.join('\n') : line;
}

function swatch(mark: Mark): Html {
  return html`<svg class="swatch narrow" width="14" height="12" viewBox="0 0 14 12" aria-hidden="true">${drawShape(mark, 7, 6)}</svg>`;
}

/** Length of the line of a face that looks 90° to the side, in pixels. */
const POSE_LINE = 26;

function projectionPlot({ chosen, projection, config }: PeopleView): Html | undefined {
  if (projection === undefined) return undefined;
  const { points, explained } = projection;
  const [width, height, margin, bottom] = [520, 420, 30, 40];
  const xs = points.map(([x]) => x);
  const ys = points.map(([, y]) => y);
  // One scale for both axes: distances in the plot mean the same in every direction.
  const middle = (values: number[]) => (Math.min(...values) + Math.max(...values)) / 2;
  const span = (values: number[]) => Math.max(...values) - Math.min(...values);
  const perPixel = Math.max(
    span(xs) / (width - 2 * margin - 20),
    span(ys) / (height - bottom - 2 * margin),
    1e-6,
  );
  const px = (value: number) => width / 2 + (value - middle(xs)) / perPixel;
  const py = (value: number) => (height - bottom) / 2 - (value - middle(ys)) / perPixel;
  let at = 0;
  const marks = chosen.map(({ points: ofPerson, person }, i) => {
    const mark = MARKS[i % MARKS.length]!;
    return ofPerson.map((point) => {
      const [vx, vy] = points[at++]!;
      const [cx, cy] = [px(vx), py(vy)];
      const { kind, faceId, pose, similarity } = point;
      const real = kind === 'real';
      const facts = [
        ...(pose === undefined ? [] : [`yaw ${degrees(pose.yaw)}, pitch ${degrees(pose.pitch)}`]),
        ...(similarity === null ? [] : [`similarity ${similarity.toFixed(2)}`]),
      ];
      const label = `${printable(person.subjectId)}, ${real ? printable(faceId) : 'generated'}: ${facts.join(', ')}`;
      const shape = real ? drawShape(mark, cx, cy, label) : hollow(mark, cx, cy, label);
      return html`${pose && poseLine(mark, [cx, cy], pose)}${shape}`;
    });
  });
  const names = chosen.map(({ person }) => person.subjectId).join(', ');
  const axis = (i: 0 | 1) => `component ${i + 1}: ${percent(explained[i])} of the variance`;
  return html`<figure class="chart people-plot"><div class="plot"><h3>Embeddings, real and generated</h3><svg viewBox="0 0 ${width} ${height}" role="img" aria-label="Embeddings of ${printable(names)} in two principal components"><line class="grid" x1="${margin}" x2="${width - 6}" y1="${height - bottom}" y2="${height - bottom}"/><line class="grid" x1="${margin}" x2="${margin}" y1="6" y2="${height - bottom}"/>${marks.map((ofPerson) => html`<g>${ofPerson}</g>`)}<text class="axis-label" x="${width / 2}" y="${height - 14}" text-anchor="middle">${axis(0)}</text><text class="axis-label" transform="translate(18 ${(height - bottom) / 2}) rotate(-90)" text-anchor="middle">${axis(1)}</text></svg></div>
<ul class="legend">${chosen.map(({ person }, i) => html`<li>${swatch(MARKS[i % MARKS.length]!)}${printable(person.subjectId)}</li>`)}<li class="dim">filled: photographs</li><li class="dim">hollow: generated</li>${config.withoutPose ? undefined : html`<li class="dim">the line points where the face looks; the longer, the further to the side</li>`}</ul>
<figcaption>Principal components of these ${count(points.length)} embeddings alone, both axes to one scale. Two dimensions of many: points that lie together here may be far apart.</figcaption></figure>`;
}

function poseLine(
  { className }: Mark,
  [x, y]: readonly [number, number],
  { yaw, pitch }: NonNullable<EmbeddingPoint['pose']>,
): Html {
  const [endX, endY] = [x + (yaw / 90) * POSE_LINE, y - (pitch / 90) * POSE_LINE];
  return html`<line class="pose-line ${className}" x1="${x.toFixed(1)}" y1="${y.toFixed(1)}" x2="${endX.toFixed(1)}" y2="${endY.toFixed(1)}"/>`;
}

function hollow({ className, shape }: Mark, x: number, y: number, title: string): Html {
  const label = html`<title>${title}</title>`;
  const at = (value: number) => value.toFixed(1);
  const style = `variant-point ${className}`;
  switch (shape) {
    case 'square':
      return html`<rect class="${style}" x="${at(x - 3)}" y="${at(y - 3)}" width="6" height="6">${label}</rect>`;
    case 'diamond':
      return html`<path class="${style}" d="M${at(x)} ${at(y - 4.2)}l4.2 4.2l-4.2 4.2l-4.2 -4.2Z">${label}</path>`;
    case 'triangle':
      return html`<path class="${style}" d="M${at(x)} ${at(y - 4.2)}l4 7.2h-8Z">${label}</path>`;
    default:
      return html`<circle class="${style}" cx="${at(x)}" cy="${at(y)}" r="3.2">${label}</circle>`;
  }
}
