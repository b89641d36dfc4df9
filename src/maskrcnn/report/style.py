"""The style sheet of the page, in light and in dark.

Blue is right and orange is wrong: colours that everybody can tell apart (after Okabe and Ito),
never the only sign of it.
"""

from __future__ import annotations

STYLE = """
:root{color-scheme:light dark;--paper:#fff;--card:#f6f7f9;--ink:#1b1f24;--soft:#5b6570;--rule:#e0e4e9;
--good:#0072b2;--bad:#c75300;--third:#007a5a;--calm:#8b95a1;--mark:#eaf3fa}
@media (prefers-color-scheme:dark){:root{--paper:#14171b;--card:#1d2126;--ink:#e8eaed;--soft:#a3acb6;--rule:#333a42;
--good:#62b5ec;--bad:#f08a45;--third:#3fc197;--calm:#78828d;--mark:#1b2b38}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,
"Helvetica Neue",Arial,sans-serif}
main{max-width:1020px;margin:0 auto;padding:40px 28px 72px}
h1{font-size:30px;line-height:1.2;margin:0 0 6px;letter-spacing:-.01em;overflow-wrap:anywhere}
h2{font-size:21px;line-height:1.3;margin:0 0 10px;letter-spacing:-.005em}
h3{font-size:16px;margin:28px 0 8px}
section{margin-top:52px;padding-top:26px;border-top:1px solid var(--rule)}
p{margin:0 0 14px;max-width:72ch}
.lead{font-size:17px}
.soft,figcaption,caption{color:var(--soft);font-size:14px}
.under{color:var(--soft);margin-bottom:22px;overflow-wrap:anywhere}
code{font:.9em ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;background:var(--card);border:1px solid var(--rule);
border-radius:4px;padding:.05em .35em;white-space:nowrap}
pre{margin:0 0 14px;overflow-x:auto;background:var(--card);border-radius:10px;padding:14px 18px}
pre code{background:none;border:0;padding:0;user-select:all}
nav{display:flex;flex-wrap:wrap;gap:6px 18px;font-size:14px;margin:26px 0 0}
a{color:var(--good);text-underline-offset:2px}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(170px,1fr));gap:14px;margin:22px 0 26px}
.tile{background:var(--card);border-radius:10px;padding:14px 18px}
.tile b{display:block;font-size:27px;line-height:1.2;font-weight:650;font-variant-numeric:tabular-nums}
.tile span{color:var(--soft);font-size:14px;display:block}
.todo{list-style:none;counter-reset:n;margin:0;padding:0}
.todo li{counter-increment:n;display:grid;grid-template-columns:34px 1fr 150px;gap:0 12px;padding:14px 0;
border-top:1px solid var(--rule)}
.todo li:before{content:counter(n);font-weight:650;color:var(--good);font-size:18px}
.todo p{margin:2px 0 0}
.todo .gain{color:var(--soft);font-size:14px;text-align:right;font-variant-numeric:tabular-nums}
.todo .gain b{color:var(--ink);display:block;font-size:16px}
.scroll{overflow-x:auto;margin:6px 0 18px}
table{border-collapse:collapse;font-size:14.5px;font-variant-numeric:tabular-nums;min-width:min(100%,420px)}
caption{text-align:left;padding:0 0 6px}
.pair{break-inside:avoid}
th,td{text-align:left;padding:6px 14px 6px 0;border-bottom:1px solid var(--rule);vertical-align:top}
th{font-weight:600;color:var(--soft);font-size:13.5px;vertical-align:bottom}
tbody th{color:var(--ink);font-size:14.5px;vertical-align:top}
.n{text-align:right;white-space:nowrap}
tr.now td{background:var(--mark);font-weight:600}
tr.now td:first-child{border-radius:4px 0 0 4px;padding-left:8px}
.confusion td,.confusion th{padding:6px 10px;text-align:right}
.confusion th:first-child{text-align:left}
.row{display:grid;grid-template-columns:repeat(auto-fit,minmax(280px,1fr));gap:22px;margin:8px 0 18px}
figure{margin:0}
figcaption{margin:6px 0 0}
.pair{margin:0 0 30px}
.pair div{display:grid;grid-template-columns:1fr 1fr;gap:10px}
.pair img{width:100%;height:auto;border-radius:6px;display:block}
.pair figcaption b{color:var(--ink)}
.key{display:inline-block;width:11px;height:11px;border-radius:3px;margin:0 5px 0 0;vertical-align:-1px}
.key.good{background:#00a3ff}.key.bad{background:#ff6e1e}.key.calm{background:#a0a0a0}
svg{display:block;width:100%;height:auto;overflow:visible}
td svg{width:auto}
svg text{fill:var(--ink);font-size:13px;font-variant-numeric:tabular-nums}
svg .tick{fill:var(--soft);font-size:12.5px}
svg .axis{fill:var(--soft);font-size:13px}
svg .label,svg .end{text-anchor:end}
svg .middle{text-anchor:middle}
svg .grid{stroke:var(--rule);stroke-width:1}
svg .line{fill:none;stroke-width:2.2;stroke-linejoin:round}
svg .s0,svg .line.good{stroke:var(--good)}
svg .s1{stroke:var(--bad);stroke-dasharray:6 3}
svg .s2{stroke:var(--third);stroke-dasharray:2 3}
svg .line.calm{stroke:var(--calm);stroke-dasharray:4 4;stroke-width:1.5}
svg .bar.good,svg .dot.good{fill:var(--good);stroke:none}
svg .bar.bad{fill:var(--bad)}
svg .bar.calm{fill:var(--calm)}
details{margin:10px 0}
summary{cursor:pointer;color:var(--soft);font-size:14.5px}
@media (max-width:640px){main{padding:24px 16px 48px}.todo li{grid-template-columns:26px 1fr}.todo .gain{grid-column:2;
text-align:left}.pair div{grid-template-columns:1fr}}
@media print{section{break-inside:avoid-page}nav{display:none}}
""".strip()
