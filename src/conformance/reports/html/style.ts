/** The page's style sheet. */
export const STYLE = `
:root{
color-scheme:light dark;
--bg:light-dark(#f7f7f5,#121418);--card:light-dark(#fff,#1a1d23);--raised:light-dark(#f1f1ee,#22262e);
--line:light-dark(#e2e2de,#2d323b);--text:light-dark(#1b1d21,#e7e8eb);--muted:light-dark(#62676f,#9aa2ae);
--accent:light-dark(#2f55d4,#8ea8ff);--accent-bg:light-dark(#e9eefc,#1f2a4a);
--pass:light-dark(#177245,#5ccb93);--fail:light-dark(#c42b27,#ff857c);--wedged:light-dark(#8736b5,#d497ff);
--reject:light-dark(#1a6aab,#77bdf4);--skip:light-dark(#767c85,#8b929d);--not-observable:light-dark(#8a6412,#dcb55c);
--driver:light-dark(#4d6472,#93abba);--unimplemented:light-dark(#a3a7ad,#59606b);
--pass-bg:light-dark(#e7f4ec,#15291f);--fail-bg:light-dark(#fcebea,#3b1d1c);--wedged-bg:light-dark(#f5eafb,#311e3d);
--reject-bg:light-dark(#e6f1fa,#152a3c);
--sans:"Inter",system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",sans-serif;
--mono:"JetBrains Mono",ui-monospace,"SF Mono","Cascadia Code",Menlo,Consolas,"DejaVu Sans Mono",monospace;
}
:root[data-theme=light]{color-scheme:light}
:root[data-theme=dark]{color-scheme:dark}
*{box-sizing:border-box}
html{scroll-padding-top:calc(var(--controls,0px) + 70px);-webkit-text-size-adjust:100%}
body{margin:0;background:var(--bg);color:var(--text);font:14px/1.5 var(--sans);font-feature-settings:"calt" 0}
main,header.top{max-width:1320px;margin:0 auto;padding:0 28px}
a{color:var(--accent);text-decoration:none}a:hover{text-decoration:underline}
code,pre,.mono{font-family:var(--mono);font-size:.89em;font-variant-ligatures:none}
h1,h2,h3,h4,p,figure{margin:0}
h2{font-size:17px;font-weight:650;letter-spacing:-.01em;margin:40px 0 12px}
h2 .n,summary .n{color:var(--muted);font-weight:450;font-size:13px;margin-left:8px;font-variant-numeric:tabular-nums}
button,input,select{font:inherit;color:inherit}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px;border-radius:4px}
.sr{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
[hidden]{display:none!important}

header.top{display:flex;align-items:flex-start;gap:24px;padding-top:36px;padding-bottom:20px}
header.top h1{font-size:26px;line-height:1.2;font-weight:680;letter-spacing:-.022em}
header.top p{color:var(--muted);margin-top:4px}
header.top button{margin-left:auto;border:1px solid var(--line);background:var(--card);border-radius:8px;padding:5px 12px;cursor:pointer;color:var(--muted);font-size:13px}
header.top button:hover{color:var(--text)}
html:not(.js) .needs-js{display:none}

.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(280px,1fr));gap:14px}
.card{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:16px 18px}
.card h2{margin:0;font-size:15px}
.card .about{color:var(--muted);font-size:12.5px;min-height:19px;overflow-wrap:anywhere}
.card .verdict{display:flex;align-items:center;gap:7px;margin:12px 0 10px;font-size:15px;font-weight:600}
.card .verdict.known{color:var(--not-observable)}.card .besides{color:var(--muted);font-weight:450;font-size:13px}.card .verdict.good{color:var(--pass)}.card .verdict.bad{color:var(--fail)}
.card .sums{color:var(--muted);font-size:12.5px;margin-top:9px;font-variant-numeric:tabular-nums}
.card .sums b{color:var(--text);font-weight:600}

.bar{display:flex;height:8px;border-radius:4px;overflow:hidden;gap:1px;background:var(--raised)}
.bar i{display:block;min-width:2px;background:currentColor}
i.s-pass{color:var(--pass)}i.s-fail{color:var(--fail)}i.s-wedged{color:var(--wedged)}i.s-reject{color:var(--reject)}
i.s-skip{color:var(--skip)}i.s-not-observable{color:var(--not-observable)}i.s-driver{color:color-mix(in srgb,var(--driver) 45%,var(--card))}
i.s-unimplemented{color:var(--raised)}

.legend{display:flex;flex-wrap:wrap;gap:4px 18px;margin-top:14px;color:var(--muted);font-size:12.5px}
.legend b{font-weight:550;color:var(--text)}

.legend-box>summary{display:list-item;cursor:pointer;width:fit-content}
table{border-collapse:collapse;width:100%}
th{text-align:left;font-weight:500}
.panel{background:var(--card);border:1px solid var(--line);border-radius:12px;overflow:hidden}
.overview td,.overview th{padding:6px 14px;border-top:1px solid var(--line);font-size:13px;vertical-align:middle}
.overview thead th{border-top:0;color:var(--muted);font-size:12px;padding-top:9px;padding-bottom:9px}
.overview td.num,.overview th.num{text-align:right;font-variant-numeric:tabular-nums;color:var(--muted);white-space:nowrap}
.overview tbody th a{color:var(--text);font-family:var(--mono);font-size:12.5px}
.overview .cell{display:grid;grid-template-columns:1fr auto;gap:12px;align-items:center;min-width:150px}
.overview .cell .bar{height:6px}
.overview .cell span.num{min-width:88px;text-align:right;color:var(--muted);font-size:12px;font-variant-numeric:tabular-nums;white-space:nowrap}
.overview .cell .broken{color:var(--fail);font-weight:600}

.findings{table-layout:fixed}
.findings>*>tr>td,.findings>*>tr>th{padding:7px 12px;border-top:1px solid var(--line);vertical-align:top;font-size:13px;overflow-wrap:anywhere}
.findings>thead>tr>th{border-top:0;color:var(--muted);font-size:12px}
.findings .f-v{width:104px}.findings .f-t{width:112px}.findings .f-c{width:38%}
.findings td.f-v{white-space:nowrap}
.findings button.case-link{border:0;background:none;padding:0;text-align:left;color:var(--accent);cursor:pointer;font-family:var(--mono);font-size:12px;overflow-wrap:anywhere}
.findings button.case-link[aria-expanded=true]{font-weight:700;text-decoration:underline}.findings button.case-link:hover{text-decoration:underline}
.findings code{font-size:12px}.findings .variants{display:flex;flex-wrap:wrap;gap:1px 14px;margin-top:2px}.findings .more-variants>summary{cursor:pointer;font-size:12px;color:var(--muted)}.findings .ids>a,.findings .statement>a{display:block}
.findings .said{margin-top:2px}
.findings>tbody>tr.opened>td{background:var(--bg);padding:10px 12px}
.clean{padding:16px 18px;color:var(--pass);font-weight:550}
details.known{margin-top:14px}
details.known>summary{padding:11px 16px;cursor:pointer;font-weight:550}

.tag{display:inline-block;font-size:12px;font-weight:550;white-space:nowrap}
.chips i.s-not-observable{--tone:var(--not-observable)}.chips i.s-driver{--tone:var(--driver)}
.v-pass{--tone:var(--pass);--tint:var(--pass-bg)}.v-fail{--tone:var(--fail);--tint:var(--fail-bg)}
.v-wedged{--tone:var(--wedged);--tint:var(--wedged-bg)}.v-reject{--tone:var(--reject);--tint:var(--reject-bg)}
.v-skip,.v-unimplemented,.v-gone{--tone:var(--skip);--tint:var(--raised)}
.tag.v-pass,.tag.v-fail,.tag.v-wedged,.tag.v-reject,.tag.v-skip,.tag.v-unimplemented,.tag.v-gone{color:var(--tone)}
.tag::before,.mark::before{margin-right:5px}
.v-pass.tag::before,.v-pass.mark::before{content:"✓"}.v-fail.tag::before,.v-fail.mark::before{content:"✗"}
.v-wedged.tag::before,.v-wedged.mark::before{content:"■"}.v-reject.tag::before,.v-reject.mark::before{content:"⊘"}
.v-skip.tag::before,.v-skip.mark::before{content:"–"}.v-unimplemented.tag::before,.v-unimplemented.mark::before{content:"·"}

.controls{position:sticky;top:0;z-index:5;background:color-mix(in srgb,var(--bg) 92%,transparent);backdrop-filter:blur(8px);margin:0 -28px;padding:10px 28px;border-bottom:1px solid var(--line);display:flex;flex-wrap:wrap;gap:8px 14px;align-items:center}
.controls input[type=search]{flex:1 1 210px;max-width:340px;height:32px;border:1px solid var(--line);border-radius:8px;background:var(--card);padding:0 11px}
.controls select{height:32px;border:1px solid var(--line);border-radius:8px;background:var(--card);padding:0 8px;max-width:190px}
.chips{display:flex;flex-wrap:wrap;gap:4px;border:0;padding:0;margin:0}
.chips label{position:relative;display:inline-flex;align-items:center;gap:5px;height:28px;padding:0 9px;border:1px solid var(--line);border-radius:14px;background:var(--card);font-size:12.5px;cursor:pointer;user-select:none;color:var(--muted)}
.chips label:hover{color:var(--text)}
.chips input{position:absolute;inset:0;opacity:0;margin:0;cursor:pointer}
.chips label:has(:checked){background:var(--accent-bg);border-color:var(--accent);color:var(--text)}
.chips label:has(:focus-visible){outline:2px solid var(--accent);outline-offset:2px}
.chips i{font-style:normal;color:var(--tone);font-weight:600}
.chips .count{font-variant-numeric:tabular-nums;opacity:.75}
.controls .shown{color:var(--muted);font-size:12.5px;margin-left:auto;font-variant-numeric:tabular-nums}
.controls .reset{border:0;background:none;color:var(--accent);cursor:pointer;padding:4px;font-size:12.5px}

details.area{background:var(--card);border:1px solid var(--line);border-radius:12px;margin-top:12px;content-visibility:auto;contain-intrinsic-size:auto 46px}
details.area[open]{contain-intrinsic-size:auto 900px}
details.area>summary{cursor:pointer;padding:11px 16px;display:flex;align-items:baseline;list-style-position:inside}
details.area>summary::before{content:"";align-self:center;margin-right:10px;border:solid var(--muted);border-width:0 1.5px 1.5px 0;width:6px;height:6px;transform:rotate(-45deg)}
details.area[open]>summary::before{transform:rotate(45deg) translate(-1px,-1px)}
details.area>summary::-webkit-details-marker{display:none}details.area>summary{list-style:none}
details.area h3{font:600 14px var(--mono)}
.matrix{table-layout:fixed;border-top:1px solid var(--line)}
.matrix>thead>tr>th{position:sticky;top:var(--controls,0px);z-index:2;background:var(--card);color:var(--muted);font-size:12px;padding:7px 8px;line-height:1.3}
.matrix>*>tr>th:first-child{padding-left:16px;width:auto}
.matrix>thead>tr>th:nth-child(2),.matrix>thead>tr>th:nth-child(3){width:72px}
.matrix>thead>tr>th.t{width:132px}
.matrix tr.section th{padding:12px 16px 5px;font-size:13px;font-weight:600;border-top:1px solid var(--line);background:none}
.matrix tr.section .trail{color:var(--muted);font-weight:400}
.matrix tr.clause>*{padding:4px 8px;border-top:1px solid color-mix(in srgb,var(--line) 55%,transparent);font-size:13px;line-height:1.42;vertical-align:top}
.matrix tr.clause>th{padding-left:16px;font-family:var(--mono);font-size:12.3px;font-weight:450;overflow-wrap:anywhere}
.matrix tr.clause>th>span{color:var(--muted)}
.demand{max-width:95ch;font:13px/1.45 var(--sans);color:var(--muted)}
.findings .demand{color:var(--text);font-size:12.5px;margin-top:1px}
.place{font-size:12px;color:var(--muted);overflow-wrap:anywhere}.place a{color:inherit;text-decoration:underline;text-decoration-color:var(--line);text-underline-offset:2px}.place a:hover{color:var(--accent)}
.statement blockquote{margin:4px 0 2px;padding-left:10px;border-left:3px solid var(--line);max-width:95ch;font-size:12.5px;color:var(--text);overflow-wrap:anywhere}
.ids .statement+.statement{margin-top:7px}
.matrix tr.clause button{border:0;background:none;padding:0;font:inherit;text-align:left;cursor:pointer;color:inherit}
.matrix tr.clause button:hover{color:var(--accent)}
.matrix tr.clause:hover>*{background:color-mix(in srgb,var(--raised) 55%,transparent)}
.matrix tr.clause:has([aria-expanded=true])>*{background:var(--accent-bg)}
.matrix tr.clause>td{color:var(--muted)}
.matrix tr.clause>td.l-must{color:var(--text);font-weight:550}
.matrix tr.clause>td.s{white-space:nowrap;font-size:12.5px}
td.s::before{display:inline-block;width:1.15em;margin-right:3px;font-weight:700;text-align:center}
td.s-pass::before{content:"✓"}td.s-fail::before{content:"✗"}td.s-wedged::before{content:"■"}td.s-reject::before{content:"⊘"}
td.s-skip::before{content:"–"}td.s-not-observable::before{content:"◌"}td.s-driver::before{content:"→"}td.s-unimplemented::before{content:"·"}
.matrix tr.clause>td.s-pass{color:var(--pass)}.matrix tr.clause>td.s-fail{color:var(--fail);background:var(--fail-bg);font-weight:600}
.matrix tr.clause>td.s-wedged{color:var(--wedged);background:var(--wedged-bg);font-weight:600}
.matrix tr.clause>td.s-reject{color:var(--reject)}.matrix tr.clause>td.s-skip{color:var(--skip)}
.matrix tr.clause>td.s-not-observable{color:var(--not-observable)}.matrix tr.clause>td.s-driver{color:var(--driver)}
.matrix tr.clause>td.s-unimplemented{color:var(--unimplemented)}
.matrix tr.opened>td{padding:10px 16px 16px;background:var(--bg);border-top:1px solid var(--line)}
.reason{max-width:75ch;padding:4px 0 8px}.reason b{color:var(--not-observable)}
.more{border:1px solid var(--line);background:var(--card);border-radius:8px;padding:4px 12px;cursor:pointer;margin-top:8px}

details.case{background:var(--card);border:1px solid var(--line);border-radius:9px;margin-top:6px}
details.case>summary{cursor:pointer;padding:8px 13px;display:grid;grid-template-columns:minmax(0,1fr) auto;gap:0 14px;align-items:center;list-style:none}
details.case>summary::-webkit-details-marker{display:none}
.case-title{font-size:13.2px}.case-id{grid-row:2;color:var(--muted);font-size:11.5px;overflow-wrap:anywhere}
.marks{grid-row:1/3;grid-column:2;display:flex;flex-wrap:wrap;gap:4px;justify-content:flex-end}
.mark{font-size:11.5px;padding:1px 8px;border-radius:10px;background:var(--tint);color:var(--tone);font-weight:550;white-space:nowrap}
.mark.known{background:none;box-shadow:inset 0 0 0 1px var(--tone)}
.mark-target{font-weight:400;opacity:.85}
.case-body{padding:2px 13px 13px;border-top:1px solid var(--line)}
.covers{font-size:12px;color:var(--muted);margin-top:9px}.covers a{font-family:var(--mono);font-size:11.5px}
.on-target{margin-top:12px;padding-left:12px;border-left:3px solid var(--tone)}
.on-target h4{font-size:13.5px;font-weight:600;display:flex;gap:7px;align-items:baseline}
.on-target .sign,.on-target .verdict{color:var(--tone)}.on-target .ms{color:var(--muted);font-weight:400;font-size:12px;margin-left:auto}
.gone{color:var(--fail);font-size:12px;font-weight:500}
.message{max-width:100ch;overflow-wrap:anywhere}.why{max-width:100ch;color:var(--muted);overflow-wrap:anywhere}.why b{color:var(--text);font-weight:550}
.ring-box,.timeline{margin-top:10px}
.ring-box>summary,.timeline>summary,.bytes>summary{cursor:pointer;font-size:12.5px;font-weight:550;width:fit-content}
.ring-box summary span,.timeline summary span{color:var(--muted);font-weight:400;margin-left:4px}
.scroll{overflow-x:auto;padding:10px 2px 6px}
.bytes>summary{color:var(--muted);font-weight:450}
.bytes figcaption{font-size:12px;color:var(--muted);margin-top:6px}
.bytes pre{margin:2px 0 0;font-size:11.5px;line-height:1.5}.bytes pre b{font-weight:400;color:var(--muted)}.bytes pre i{color:var(--muted)}
.timeline .scroll{max-height:420px;overflow:auto}
.timeline table{font-size:12px}.timeline :is(th,td):last-child{width:100%}.timeline caption{text-align:left;color:var(--muted)}
.timeline th{color:var(--muted);padding:2px 16px 4px 0;font-weight:450}
.timeline td{padding:1.5px 16px 1.5px 0;font-family:var(--mono);font-size:11.8px;vertical-align:top}
.timeline td:first-child{text-align:right;color:var(--muted);font-variant-numeric:tabular-nums}
.timeline td:nth-child(2){white-space:pre}.timeline td:last-child{min-width:24ch;overflow-wrap:anywhere}
.timeline tr.driver td:nth-child(2){color:var(--accent)}.timeline tr.device td:nth-child(2){color:var(--pass)}
.timeline tr.note td{color:var(--muted);font-family:var(--sans);font-size:12.3px}

svg.ring{display:block;max-width:none;font-family:var(--mono)}
svg.tips{position:absolute}
.ring text{fill:var(--text);font-size:12px;white-space:pre}
.ring .bt{font-weight:600}.ring .bs{fill:var(--muted);font-size:11px}.ring .hd{fill:var(--muted)}
.ring .gap{fill:var(--muted);font-size:11px}
.ring .bx{fill:none;stroke:var(--line)}.ring .bh{fill:var(--raised)}
.ring rect.hot{fill:var(--accent-bg)}.ring rect.bad{fill:var(--fail-bg)}
.ring .c-hot{font-weight:600}.ring .c-mark{fill:var(--muted)}.ring .c-bad{fill:var(--fail)}
.ring .st{font-size:11px;fill:var(--muted)}.ring .st.c-bad{fill:var(--fail);font-weight:600}
.ring .ar{fill:none;stroke-width:1.3}.ar.plain{stroke:color-mix(in srgb,var(--muted) 60%,transparent)}.ar.hot{stroke:var(--accent);stroke-width:1.8}
.ar.bad{stroke:var(--fail);stroke-width:1.8}.ar.mark{stroke:var(--pass);stroke-width:1.5;stroke-dasharray:4 3}
.tip.plain path{fill:var(--muted)}.tip.hot path{fill:var(--accent)}.tip.bad path{fill:var(--fail)}.tip.mark path{fill:var(--pass)}
.ring .bit{stroke:var(--muted);fill:none}.ring .bit.b1{fill:var(--accent);stroke:var(--accent)}

footer{max-width:1320px;margin:48px auto 28px;padding:0 28px;color:var(--muted);font-size:12.5px}

@media (max-width:900px){
main,header.top,footer{padding-left:16px;padding-right:16px}
.controls{margin:0 -16px;padding:8px 16px;position:static}
:root{--controls:0px!important}
.matrix>thead>tr>th:nth-child(2),.matrix tr.clause>td.r{width:0;padding-left:0;padding-right:0;font-size:0}
.matrix>thead>tr>th:nth-child(3){width:58px}
.matrix>thead>tr>th.t{width:64px;font-size:11px;padding-left:4px;padding-right:4px;text-align:center}
.matrix tr.clause>td.s{font-size:0;text-align:center;padding-left:0;padding-right:0}
.matrix tr.clause>td.s::before{font-size:14px;margin:0}
.overview td,.overview th{padding:6px 9px}
.overview .cell{grid-template-columns:1fr;gap:3px;min-width:0}.overview .cell span.num{text-align:left;min-width:0}
.findings .f-t{width:84px}.findings .f-v{width:88px}.findings .f-c{width:40%}
details.case>summary{grid-template-columns:1fr}.marks{grid-row:auto;grid-column:1;justify-content:flex-start;margin-top:4px}
}
@media (max-width:700px){
.panel:has(>.overview){overflow-x:auto}
.matrix,.matrix>thead,.matrix>tbody,.matrix tr.section,.matrix tr.section>th,.matrix tr.opened,.matrix tr.opened>td{display:block}
.matrix>thead{position:sticky;top:0;z-index:2;background:var(--card)}
.matrix>thead>tr,.matrix tr.clause{display:grid;grid-template-columns:66px repeat(var(--targets),minmax(0,1fr))}
.matrix>thead>tr>th:nth-child(-n+2),.matrix tr.clause>td.r{display:none}
.matrix>thead>tr>th:nth-child(3),.matrix>thead>tr>th.t{width:auto;position:static}
.matrix>thead>tr>th:nth-child(3),.matrix tr.clause>td:nth-child(3){padding-left:16px}
.matrix tr.clause>th{grid-column:1/-1;padding-right:16px}
.matrix tr.clause>td{border-top:0}
.findings,.findings>tbody,.findings>tbody>tr.opened,.findings>tbody>tr.opened>td{display:block}
.findings>thead{display:none}
.findings>tbody>tr{display:grid;grid-template-columns:auto minmax(0,1fr);border-top:1px solid var(--line);padding:6px 4px}
.findings>tbody>tr:first-child{border-top:0}
.findings>tbody>tr>td{border-top:0;padding-top:3px;padding-bottom:3px}
.findings>tbody>tr>:is(td.f-v,td.f-t,td.f-c){width:auto}
.findings>tbody>tr>:is(td.f-c,td:last-child){grid-column:1/-1}
}
@media print{.controls,header.top button{display:none}details.area{content-visibility:visible;break-inside:auto}}
`;
