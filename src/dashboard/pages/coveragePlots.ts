/** Where the people of a run look, before and after. */

import { type Html, html } from '../../shared/page/html.ts';
import { POSE_BINS } from '../../shared/poseBins.ts';
import type { RunFile } from '../../shared/run/runFile.ts';
import { count, counted } from '../../shared/text/counted.ts';
import type { RunCoverage } from '../data/coverage.ts';
import type { RunSnapshot } from '../data/runSnapshot.ts';
import { percent } from '../format.ts';
import { nothingYet } from './nothingYet.ts';
import { poseGrid } from './plots.ts';

/** @param coverage undefined until it has been read. */
export function coveragePlots(run: RunFile, snapshot: RunSnapshot, coverage: RunCoverage | undefined): Html {
  if (run.config.withoutPose) {
    return html`<p class="empty">This run measures no poses (<code>--without-pose</code>).</p>`;
  }
  if (snapshot.shardsDone === 0) return nothingYet(snapshot);
  if (coverage === undefined) return html`<p class="empty">The poses are being read.</p>`;
  const { people, before, after } = coverage;
  const isSample = coverage.shards < coverage.shardsDone;
  const shards = `${count(coverage.shards)} of ${count(coverage.shardsDone)} shards`;
  if (people === 0) {
    return html`<p class="empty">Nobody has a usable face.${isSample ? ` Counted over ${shards}.` : undefined}</p>`;
  }
  const grid = (title: string, counts: Uint32Array, className: (bin: number) => string): Html => {
    const shares = Array.from({ length: POSE_BINS }, (_, bin) => counts[bin]! / people);
    return html`<figure class="chart"><h3>${title}</h3>${poseGrid({
      title: `${title}: share of people with a face at each pose`,
      shares,
      labels: shares.map((share) =>
        share === 0 ? '' : share < 0.005 ? '<1' : String(Math.round(100 * share)),
      ),
      describe: (bin) => `${count(counts[bin]!)} of ${counted(people, 'person', 'people')}`,
      className,
    })}</figure>`;
  };
  const sampled = ` Counted over ${counted(people, 'person', 'people')}${isSample ? ` of ${shards}` : ''}.`;
  const lead = 'Percent of people with a face at each pose: yaw to the right, pitch upwards.';
  if (run.config.variants === 0) {
    return html`<p class="lead">${lead} No variants were asked for.${sampled}</p>
<div class="charts">${grid('Photographs', before, () => 'fill-done')}</div>
<p class="small">The deeper, the more people.</p>`;
  }
  return html`<p class="lead">${lead} On average a person covers <b>${percent(coverage.meanBefore)}</b> of the poses the model can generate before, <b>${percent(coverage.meanAfter)}</b> with the variants.${sampled}</p>
<div class="charts">${grid('Before: photographs alone', before, () => 'fill-done')}${grid('After: with the variants', after, (bin) => (before[bin]! >= after[bin]! / 2 ? 'fill-done' : 'fill-reject'))}</div>
<p class="small">Blue: mostly photographs; orange: mostly generated. The deeper, the more people.</p>`;
}
