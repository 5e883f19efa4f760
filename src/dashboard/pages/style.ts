/** The style sheet of the run page: what every page has, and the state, the plots and the lists. */
import { BASE_STYLE } from '../../shared/page/baseStyle.ts';

export const STYLE = `${BASE_STYLE}
:root{--failed:#b3000f;--on-series:#fff;--mid:#1d2126}
@media (prefers-color-scheme:dark){:root{--failed:#ff6b74;--on-series:#15181c;--mid:#15181c}}
html{scrollbar-gutter:stable;overflow-wrap:break-word}
body{min-height:100vh}
header.top{display:flex;flex-wrap:wrap;align-items:baseline;gap:2px 18px}
header.top h1{margin:0;flex:1 1 auto}
header.top h1 a{color:inherit;text-decoration:none}
nav{flex:1 1 100%;min-width:0;display:flex;gap:2px 4px;overflow-x:auto;scrollbar-width:none;border-bottom:1px solid var(--rule);margin:8px 0 18px}
nav a{padding:7px 11px 8px;color:var(--faint);text-decoration:none;border-bottom:3px solid transparent;font-size:15px;white-space:nowrap}
nav a:hover{color:var(--ink)}
nav a[aria-current]{color:var(--ink);font-weight:600;border-bottom-color:var(--blue)}
nav .count{font-size:12.5px;font-variant-numeric:tabular-nums;background:var(--soft);border-radius:9px;padding:1px 7px;margin-left:3px;font-weight:500}
a:focus-visible,button:focus-visible,input:focus-visible,summary:focus-visible{outline:3px solid var(--sky);outline-offset:2px;border-radius:3px}
.state{background:var(--card);border:1px solid var(--rule);border-left:8px solid var(--grey);border-radius:8px;padding:16px 22px 18px;margin:0 0 16px;min-height:138px}
.state:not(.complete){min-height:180px}
.state.running,.state.finishing{border-left-color:var(--blue)}
.state.complete{border-left-color:var(--good)}
.state.failed{border-left-color:var(--failed)}
.state.paused,.state.waiting,.state.not-queued{border-left-color:var(--orange)}
.state .where{font-size:13px;color:var(--faint);margin:0 0 4px;overflow-wrap:anywhere}
.state .headline{font-size:24px;line-height:1.3;font-weight:650;margin:0 0 12px;text-wrap:balance;font-variant-numeric:tabular-nums}
.state .notes{margin:10px 0 0;padding:0;list-style:none;font-size:14px}
.state .notes li{margin:3px 0;padding-left:20px;position:relative}
.state .notes li::before{content:"!";position:absolute;left:4px;font-weight:700;color:var(--orange)}
.state .notes li.plain::before{content:"·";color:var(--faint)}
.bar{height:16px;border-radius:4px;overflow:hidden;background:var(--soft)}
.bar svg{height:16px}
.bar-caption{display:flex;flex-wrap:wrap;justify-content:space-between;gap:0 16px;font-size:13px;color:var(--faint);margin-top:5px;font-variant-numeric:tabular-nums}
.fill-done{fill:var(--blue)}.fill-work{fill:var(--sky)}.fill-failed{fill:var(--failed)}.fill-rest{fill:var(--soft)}.fill-reject{fill:var(--orange)}
.state.complete .fill-done{fill:var(--good)}
.tiles{margin-top:0;grid-template-columns:repeat(4,1fr)}
.tile{min-height:76px}
h2{margin-top:34px;font-size:19px}
h2 small{font-weight:400;margin-left:6px}
.charts{margin-top:14px}
.chart h3{font-size:15px}
.charts>div>figure.chart{height:100%}
.reasons{align-items:start}
.reasons .gallery{margin:0}
.area{fill:var(--blue);fill-opacity:.16;stroke:none}
.throughput .line{stroke:var(--blue);stroke-width:2}
.empty{color:var(--faint);margin:4px 0}
.grid-cell{stroke:var(--card);stroke-width:2}
svg .cell-label{font-size:12px;text-anchor:middle}
svg .mid{fill:var(--mid)}svg .on-dark{fill:var(--on-series)}
.mark{display:inline-block;width:1em;text-align:center;margin-right:3px}
.ok{color:var(--good)}.wrong{color:var(--failed)}.dim{color:var(--faint)}
td.text{overflow-wrap:anywhere}
td.message{min-width:200px;max-width:560px}
.scroll{-webkit-overflow-scrolling:touch}
th a{color:inherit;text-decoration:none;white-space:nowrap}
th a:hover{text-decoration:underline}
th[aria-sort] a{color:var(--ink)}
.sticky th:first-child,.sticky td:first-child{position:sticky;left:-8px;background:var(--card);z-index:1}
.filters{display:flex;flex-wrap:wrap;gap:6px;margin:12px 0}
.filters a,.pager a,.pager span,button{display:inline-block;font:inherit;font-size:14px;padding:4px 12px;border:1px solid var(--rule);border-radius:16px;background:var(--card);color:var(--ink);text-decoration:none;font-variant-numeric:tabular-nums;min-height:32px}
.filters a:hover,.pager a:hover,button:hover{border-color:var(--faint)}
.filters a[aria-current]{background:var(--ink);color:var(--page);border-color:var(--ink)}
button{cursor:pointer}
button.main{background:var(--blue);border-color:var(--blue);color:var(--on-series);font-weight:600}
.pager{display:flex;flex-wrap:wrap;gap:6px;align-items:center;margin:14px 0}
.pager span{border-color:transparent;background:none;padding:4px 2px;color:var(--faint)}
.gallery{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(220px,100%),1fr));gap:12px;margin:12px 0}
.face{background:var(--card);border:1px solid var(--rule);border-radius:8px;padding:10px;display:grid;grid-template-columns:88px 1fr;gap:10px;font-size:13px;line-height:1.4;min-height:110px}
.face img,.faces img{display:block;width:88px;height:88px;object-fit:cover;border-radius:4px;background:var(--soft)}
.face .code{font-weight:650;display:block;color:var(--ink)}
.face p{margin:0;overflow-wrap:anywhere;color:var(--faint)}
.face p.message{display:-webkit-box;-webkit-line-clamp:3;-webkit-box-orient:vertical;overflow:hidden}
.faces{display:flex;flex-wrap:wrap;gap:8px;margin:8px 0}
.faces figure{width:88px}
.faces figcaption{font-size:12px;margin-top:2px}
form.search{display:flex;flex-wrap:wrap;gap:8px;align-items:center;margin:12px 0}
input[type=search],input[type=password],input[type=text]{font:inherit;font-size:15px;padding:5px 10px;border:1px solid var(--rule);border-radius:6px;background:var(--card);color:var(--ink);min-width:0;flex:0 1 260px;min-height:34px}
input[type=checkbox]{width:18px;height:18px;accent-color:var(--blue);margin:0;vertical-align:-3px}
td label{display:block;cursor:pointer}
.coverage-change{width:120px;display:inline-block;vertical-align:middle}
.people-plot{grid-column:1/-1;display:grid;grid-template-columns:minmax(0,640px) minmax(200px,1fr);gap:4px 24px}
.people-plot h3,.people-plot .plot{grid-column:1}
.people-plot .plot{grid-row:1/span 3}
.people-plot .legend{display:block;margin-top:24px}.people-plot .legend li{margin:3px 0}
svg.swatch.narrow{width:14px;margin-right:3px}
.map-cross{stroke:var(--on-series);stroke-width:2}
thead td{border:0;padding:0}
th.over{text-align:center;border-bottom:1px solid var(--rule)}
.pose-line{fill:none;stroke-width:1.5;opacity:.75}
.variant-point{fill:var(--card);stroke-width:1.8}
${['blue', 'orange', 'green', 'purple', 'sky', 'red', 'yellow', 'grey'].map((name) => `.variant-point.series-${name}{fill:var(--card);stroke:var(--${name});stroke-width:1.8}`).join('\n')}
.people{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(440px,100%),1fr));gap:16px;margin-top:16px}
.runs{display:grid;gap:14px}
.runs .state.state{min-height:0}
.runs a.headline{display:block;color:inherit}
.token.token{margin-top:16px;min-height:0}
.offline{position:fixed;left:0;right:0;bottom:0;background:var(--ink);color:var(--page);padding:9px 20px;font-size:14px;text-align:center;z-index:5}
.offline[hidden]{display:none}
.actions{display:flex;flex-wrap:wrap;gap:8px;margin-top:14px}
.visually-hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
@media (max-width:680px){
.state{padding:13px 16px 15px;border-left-width:6px;min-height:150px}
.state:not(.complete){min-height:196px}
.state .headline{font-size:19px}
nav a{padding:7px 5px 8px;font-size:14px}
nav .count{padding:1px 5px;font-size:11.5px;margin-left:0}
.tiles{grid-template-columns:1fr 1fr}
.people-plot{display:block}.people-plot .legend{margin-top:8px}
h2{margin-top:26px}
.tile{min-height:64px}
table{font-size:13.5px}
.gallery{grid-template-columns:1fr}
figure.chart{padding:12px 10px}
.people-plot .plot text{font-size:17px}
table.rows thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
table.rows,table.rows tbody{display:block}
table.rows tr{display:grid;grid-template-columns:1fr 1fr;border-top:1px solid var(--rule);padding:7px 0}
table.rows tr:first-child{border-top:0}
table.rows td{border:0;padding:1px 4px;text-align:left;max-width:none;min-width:0}
table.rows td.text:first-child,table.rows td.wide{grid-column:1/-1}
table.rows td[data-label]::before{content:attr(data-label) " ";color:var(--faint)}
}
@media (prefers-reduced-motion:no-preference){
.bar rect{transition:width .6s ease-out,x .6s ease-out}
}
`;
