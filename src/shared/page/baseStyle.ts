/**
 * What every page of posecast looks like: light and dark by the reader's setting, one column on a phone, plain on
 * paper.
 */
import { DARK, LIGHT, SERIES } from './palette.ts';

export const BASE_STYLE = `
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
.warning{border-left:4px solid var(--orange);background:var(--soft);padding:8px 14px;margin:12px 0;border-radius:0 6px 6px 0}
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
.scroll{overflow-x:auto;background:var(--card);border:1px solid var(--rule);border-radius:8px;padding:4px 8px 8px}
svg{display:block;width:100%;height:auto}
svg text{font:12px system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;fill:var(--ink)}
svg .faint,svg .axis-label,svg .tick{fill:var(--faint)}
svg .grid{stroke:var(--rule);stroke-width:1}
svg .axis{stroke:var(--faint);stroke-width:1}
svg .zero{stroke:var(--ink);stroke-width:1.4}
svg.swatch{display:inline-block;width:34px;height:12px;vertical-align:-1px;margin-right:6px}
.cross{fill:none;stroke-width:2.2}
.line{fill:none;stroke-width:2.2;stroke-linejoin:round}
${SERIES.map((name) => `.series-${name}{stroke:var(--${name})}.point.series-${name}{fill:var(--${name});stroke:var(--card);stroke-width:1}`).join('\n')}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(440px,100%),1fr));gap:16px}
figure{margin:0}
.chart{background:var(--card);border:1px solid var(--rule);border-radius:8px;padding:14px 16px;break-inside:avoid}
figcaption{font-size:13px;color:var(--faint);line-height:1.4;margin-top:6px}
.legend{list-style:none;display:flex;flex-wrap:wrap;gap:2px 16px;margin:0 0 6px;padding:0;font-size:13px}
dl{display:grid;grid-template-columns:max-content 1fr;gap:4px 18px;margin:10px 0;font-size:14.5px}
dt{color:var(--faint)}
dd{margin:0;overflow-wrap:anywhere}
details{margin:14px 0}
summary{cursor:pointer;font-weight:600;padding:4px 0}
footer{border-top:1px solid var(--rule);margin:44px 0 0;padding:14px 0 40px;font-size:13px;color:var(--faint)}
@media (max-width:680px){
main,header.top{padding:0 14px}
header.top{padding-top:18px}
.tiles{grid-template-columns:1fr 1fr;gap:8px}
.tile{padding:8px 10px}.tile b{font-size:17px}
figure.chart svg text{font-size:14px}
dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:8px}
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
