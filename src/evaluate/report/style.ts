/** The style sheet of an evaluation report: what every page has, and the verdict, the tables and the examples. */
import { BASE_STYLE } from '../../shared/page/baseStyle.ts';

export const STYLE = `${BASE_STYLE}
.stamp{background:var(--stamp);color:var(--stamp-ink);font-weight:700;font-size:19px;text-align:center;padding:14px 20px;letter-spacing:.02em}
.stamp p{font-weight:500;font-size:15px;letter-spacing:0;margin:3px auto 0;max-width:80ch}
.verdict{background:var(--card);border:1px solid var(--rule);border-left:8px solid var(--grey);border-radius:8px;padding:20px 24px 18px;margin:0 0 16px;break-inside:avoid}
.verdict.helps,.verdict.helps-beyond{border-left-color:var(--good)}
.verdict.hurts{border-left-color:var(--bad)}
.verdict.invalid{border-left-color:var(--stamp)}
.verdict .where{font-size:13px;color:var(--faint);margin:0 0 6px}
.verdict .headline{font-size:24px;line-height:1.3;font-weight:650;margin:0 0 8px;text-wrap:balance}
.verdict ul{margin:0;padding-left:20px}
.verdict li{margin:2px 0}
.badge{display:inline-block;font-size:13px;font-weight:650;padding:1px 9px;border-radius:20px;border:1.5px solid var(--bad);color:var(--bad);margin:2px 0 8px}
td .range{display:block;font-size:12px;color:var(--faint);white-space:nowrap}
tr.group th{padding:14px 8px 4px;color:var(--ink);font-size:13px;font-weight:650;text-align:left}
tr.judged td{background:var(--soft)}
tr.judged td:first-child{font-weight:650;box-shadow:inset 4px 0 0 var(--blue)}
.learned{display:block;font-size:12px;font-weight:400;color:var(--faint);line-height:1.35;max-width:46ch}
.up{color:var(--good)}.down{color:var(--bad)}.same{color:var(--faint)}
.up,.down,.same{display:inline-block;width:1.1em;text-align:center;font-size:11px}
.forest-cell{width:360px;min-width:260px}
td.forest-cell{padding-top:0;padding-bottom:0}
svg.forest{min-width:240px;overflow:visible}
svg .numbers{font-size:11.5px;fill:var(--faint);paint-order:stroke;stroke:var(--card);stroke-width:4px}
tr.judged svg .numbers{stroke:var(--soft)}
.wrong .interval.good{stroke:var(--stamp)}.wrong .estimate.good{fill:var(--stamp);stroke:var(--stamp)}.wrong .up{color:var(--stamp)}
.interval{fill:none;stroke-width:2.4}.interval.good{stroke:var(--good)}.interval.bad{stroke:var(--bad)}.interval.undecided{stroke:var(--grey)}
.estimate{stroke-width:2}.estimate.good{fill:var(--good);stroke:var(--good)}.estimate.bad{fill:var(--bad);stroke:var(--bad)}.estimate.undecided{fill:var(--card);stroke:var(--grey)}
.whisker{fill:none;stroke-width:1.6;opacity:.75}
.examples{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(300px,100%),1fr));gap:14px}
.example{background:var(--card);border:1px solid var(--rule);border-radius:8px;padding:12px;break-inside:avoid}
.example .pictures{display:flex;gap:8px}
.example figure{flex:1;min-width:0;max-width:130px}
.example img{display:block;width:100%;aspect-ratio:1;object-fit:cover;border-radius:4px;background:var(--soft)}
.example figcaption{font-size:12px;margin-top:3px}
@media (max-width:680px){
.verdict{padding:15px 16px;border-left-width:6px}
.verdict .headline{font-size:20px}
table.stack thead th:not(.forest-cell){display:none}
table.stack thead,table.stack tbody{display:block}
table.stack tr{display:grid;grid-template-columns:repeat(4,1fr);border-top:1px solid var(--rule);padding:7px 0}
table.stack thead tr,table.stack tr.group{border-top:0;padding:0}
table.stack tr.judged{background:var(--soft)}
table.stack td{border:0;padding:1px 6px}
table.stack td.text{grid-column:span 3}
table.stack tr.group th{grid-column:1/-1}
table.stack th{padding:1px 6px}
table.stack tr.group th{padding-top:10px}
table.stack .forest-cell{grid-column:1/-1;width:auto}
table.stack td.more{grid-column:span 2;text-align:left;font-size:13px}
table.stack td.more::before{content:attr(data-label) " ";color:var(--faint)}
}
`;
