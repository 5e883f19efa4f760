/** The style sheet: light and dark by the reader's setting, one column on a phone, plain on paper. */
import { DARK, LIGHT, SERIES } from '../../shared/page/palette.ts';

export const STYLE = `
:root{color-scheme:light dark;${LIGHT}}
@media (prefers-color-scheme:dark){:root{${DARK}}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;-webkit-text-size-adjust:100%}
main,header.top{max-width:1080px;margin:0 auto;padding:0 20px}
header.top{padding-top:26px}
h1{font-size:15px;font-weight:600;color:var(--faint);margin:0 0 14px;letter-spacing:.01em}
h2{font-size:21px;line-height:1.25;margin:44px 0 4px}
h3{font-size:15.5px;margin:0 0 6px}
main h3:not(figure h3){margin-top:18px}
p{margin:6px 0}
.lead{color:var(--faint);margin:0 0 14px;max-width:72ch}
small,.small{font-size:13px;color:var(--faint)}
a{color:var(--blue)}
code{font:13px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;overflow-wrap:anywhere}
.stamp{background:var(--stamp);color:var(--stamp-ink);font-weight:700;font-size:19px;text-align:center;padding:14px 20px;letter-spacing:.02em}
.stamp p{font-weight:500;font-size:15px;letter-spacing:0;margin:3px auto 0;max-width:80ch}
.warning{border-left:4px solid var(--orange);background:var(--soft);padding:8px 14px;margin:12px 0;border-radius:0 6px 6px 0}
.verdict{background:var(--card);border:1px solid var(--rule);border-left:8px solid var(--grey);border-radius:8px;padding:20px 24px 18px;margin:0 0 16px;break-inside:avoid}
.verdict.helps,.verdict.helps-beyond{border-left-color:var(--good)}
.verdict.hurts{border-left-color:var(--bad)}
.verdict.invalid{border-left-color:var(--stamp)}
.verdict .where{font-size:13px;color:var(--faint);margin:0 0 6px}
.verdict .headline{font-size:24px;line-height:1.3;font-weight:650;margin:0 0 8px;text-wrap:balance}
.verdict ul{margin:0;padding-left:20px}
.verdict li{margin:2px 0}
.badge{display:inline-block;font-size:13px;font-weight:650;padding:1px 9px;border-radius:20px;border:1.5px solid var(--bad);color:var(--bad);margin:2px 0 8px}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(165px,1fr));gap:10px;margin:16px 0 0}
.tile{background:var(--soft);border-radius:6px;padding:9px 13px}
.tile b{display:block;font-size:20px;line-height:1.3;font-variant-numeric:tabular-nums}
.tile span{font-size:12.5px;line-height:1.35;color:var(--faint);display:block}
.nowrap{white-space:nowrap}
.tile span.nowrap{display:inline}
.tile.good b{color:var(--good)}.tile.bad b{color:var(--bad)}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;font-size:14.5px}
th{font-size:12.5px;font-weight:600;color:var(--faint);text-align:right;vertical-align:bottom;padding:4px 8px;line-height:1.3}
td{text-align:right;padding:5px 8px;border-top:1px solid var(--rule);vertical-align:middle}
th:first-child,td:first-child,td.text,th.text{text-align:left}
td.number{white-space:nowrap}
td .range{display:block;font-size:12px;color:var(--faint);white-space:nowrap}
tr.group th{padding:14px 8px 4px;color:var(--ink);font-size:13px;font-weight:650;text-align:left}
tr.judged td{background:var(--soft)}
tr.judged td:first-child{font-weight:650;box-shadow:inset 4px 0 0 var(--blue)}
.learned{display:block;font-size:12px;font-weight:400;color:var(--faint);line-height:1.35;max-width:46ch}
.up{color:var(--good)}.down{color:var(--bad)}.same{color:var(--faint)}
.up,.down,.same{display:inline-block;width:1.1em;text-align:center;font-size:11px}
.scroll{overflow-x:auto;background:var(--card);border:1px solid var(--rule);border-radius:8px;padding:4px 8px 8px}
.forest-cell{width:360px;min-width:260px}
td.forest-cell{padding-top:0;padding-bottom:0}
svg{display:block;width:100%;height:auto}
svg.forest{min-width:240px;overflow:visible}
svg .numbers{font-size:11.5px;fill:var(--faint);paint-order:stroke;stroke:var(--card);stroke-width:4px}
tr.judged svg .numbers{stroke:var(--soft)}
.wrong .interval.good{stroke:var(--stamp)}.wrong .estimate.good{fill:var(--stamp);stroke:var(--stamp)}.wrong .up{color:var(--stamp)}
svg.swatch{display:inline-block;width:34px;height:12px;vertical-align:-1px;margin-right:6px}
svg text{font:12px system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;fill:var(--ink)}
svg .faint,svg .axis-label,svg .tick{fill:var(--faint)}
svg .grid{stroke:var(--rule);stroke-width:1}
svg .axis{stroke:var(--faint);stroke-width:1}
svg .zero{stroke:var(--ink);stroke-width:1.4}
.interval{fill:none;stroke-width:2.4}.interval.good{stroke:var(--good)}.interval.bad{stroke:var(--bad)}.interval.undecided{stroke:var(--grey)}
.estimate{stroke-width:2}.estimate.good{fill:var(--good);stroke:var(--good)}.estimate.bad{fill:var(--bad);stroke:var(--bad)}.estimate.undecided{fill:var(--card);stroke:var(--grey)}
.line{fill:none;stroke-width:2.2;stroke-linejoin:round}
.whisker{fill:none;stroke-width:1.6;opacity:.75}
.cross{fill:none;stroke-width:2.2}
${SERIES.map((name) => `.series-${name}{stroke:var(--${name})}.point.series-${name}{fill:var(--${name});stroke:var(--card);stroke-width:1}`).join('\n')}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(440px,100%),1fr));gap:16px}
figure{margin:0}
.chart{background:var(--card);border:1px solid var(--rule);border-radius:8px;padding:14px 16px;break-inside:avoid}
figcaption{font-size:13px;color:var(--faint);line-height:1.4;margin-top:6px}
.legend{list-style:none;display:flex;flex-wrap:wrap;gap:2px 16px;margin:0 0 6px;padding:0;font-size:13px}
.examples{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(300px,100%),1fr));gap:14px}
.example{background:var(--card);border:1px solid var(--rule);border-radius:8px;padding:12px;break-inside:avoid}
.example .pictures{display:flex;gap:8px}
.example figure{flex:1;min-width:0;max-width:130px}
.example img{display:block;width:100%;aspect-ratio:1;object-fit:cover;border-radius:4px;background:var(--soft)}
.example figcaption{font-size:12px;margin-top:3px}
dl{display:grid;grid-template-columns:max-content 1fr;gap:4px 18px;margin:10px 0;font-size:14.5px}
dt{color:var(--faint)}
dd{margin:0;overflow-wrap:anywhere}
details{margin:14px 0}
summary{cursor:pointer;font-weight:600;padding:4px 0}
footer{border-top:1px solid var(--rule);margin:44px 0 0;padding:14px 0 40px;font-size:13px;color:var(--faint)}
@media (max-width:680px){
main,header.top{padding:0 14px}
header.top{padding-top:18px}
.verdict{padding:15px 16px;border-left-width:6px}
.verdict .headline{font-size:20px}
.tiles{grid-template-columns:1fr 1fr;gap:8px}
.tile{padding:8px 10px}.tile b{font-size:17px}
figure.chart svg text{font-size:14px}
dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:8px}
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
@media print{
:root{color-scheme:light;${LIGHT}}
body{font-size:11pt;background:#fff}
*{print-color-adjust:exact;-webkit-print-color-adjust:exact}
h2{break-after:avoid}
tr{break-inside:avoid}
.scroll{overflow:visible}
}
`;
