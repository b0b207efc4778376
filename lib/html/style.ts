// Colours of text have a contrast of 4.5 at least on their grounds, in both schemes.
export const style = `
:root{color-scheme:light dark;--ground:#fbfbfa;--panel:#fff;--text:#1d2329;--dim:#545d66;--line:#d5d9dd;--link:#0b57a4;
--bad:#a3160c;--badground:#fdecea;--fs:#bcd8f2;--swap:#e8dcf3;--lvm:#cfe8cf;--luks:#f6dfb4;--raid:#f3cfd5;--plain:#dfe3e7;--gap:#f1f2f3;
--t0:#bcd8f2;--t1:#cfe8cf;--t2:#f6dfb4;--t3:#f3cfd5;--t4:#e0d4f2;--t5:#c4e6e4;--t6:#ecd9c6;--t7:#dfe3e7}
@media (prefers-color-scheme:dark){:root{--ground:#15191d;--panel:#1d2227;--text:#e6e9ec;--dim:#a7b0b9;--line:#39414a;--link:#8dc1f7;
--bad:#ffb1a8;--badground:#3d1d1a;--fs:#23486b;--swap:#493461;--lvm:#27502a;--luks:#5c4413;--raid:#612f3a;--plain:#3a424a;--gap:#23282d;
--t0:#23486b;--t1:#27502a;--t2:#5c4413;--t3:#612f3a;--t4:#493461;--t5:#1c5150;--t6:#57412b;--t7:#3a424a}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--text);font:16px/1.5 system-ui,sans-serif}
main,header{max-width:72rem;margin:0 auto;padding:1rem}
h1{font-size:1.6rem;margin:.5rem 0}h2{font-size:1.35rem;margin:2rem 0 .5rem;overflow-wrap:anywhere}h3{font-size:1.1rem;margin:1.5rem 0 .5rem}
h1,h3,dd,p,li{overflow-wrap:anywhere}td{overflow-wrap:break-word;max-width:40rem}
a{color:var(--link)}p{margin:.4rem 0}.dim{color:var(--dim)}
section{background:var(--panel);border:1px solid var(--line);border-radius:.5rem;padding:.25rem 1rem 1rem;margin:1rem 0}
.scroll{overflow-x:auto}.scroll:focus-visible{outline:2px solid var(--link)}
table{border-collapse:collapse;width:100%;font-size:.9rem}
caption{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid var(--line);vertical-align:top}
th{color:var(--dim);font-weight:600;white-space:nowrap}.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.code{font-family:ui-monospace,monospace;font-size:.85rem}td.code{min-width:9rem;overflow-wrap:anywhere}th.code{font:inherit;font-weight:600}.changes{min-width:26rem}
th button{all:unset;cursor:pointer}th button:focus-visible{outline:2px solid var(--link)}
th[aria-sort=ascending] button::after{content:" ▲"}th[aria-sort=descending] button::after{content:" ▼"}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1rem;margin:.5rem 0}dt{color:var(--dim)}dd{margin:0}
.system{display:flex;gap:1rem;align-items:flex-start}.system img,.system>svg{flex:none;width:48px;height:48px}
.system>div{min-width:0;flex:1}
svg{display:block;width:100%}svg text{fill:var(--text);font-size:13px}svg .small{fill:var(--dim);font-size:12px}
rect{stroke:var(--panel);stroke-width:1}.fs{fill:var(--fs)}.swap{fill:var(--swap)}.lvm{fill:var(--lvm)}.luks{fill:var(--luks)}
.raid{fill:var(--raid)}.plain{fill:var(--plain)}.gap{fill:var(--gap)}.used{fill:var(--link)}
.t0{fill:var(--t0)}.t1{fill:var(--t1)}.t2{fill:var(--t2)}.t3{fill:var(--t3)}.t4{fill:var(--t4)}.t5{fill:var(--t5)}.t6{fill:var(--t6)}.t7{fill:var(--t7)}
.meter{width:7rem;height:.7rem;margin:.2rem 0 0 auto}
.tree,.tree ul{list-style:none;margin:0;padding-left:1.2rem}.tree{padding-left:0}.tree ul{border-left:2px solid var(--line)}
.problem{background:var(--badground);border-left:4px solid var(--bad);padding:.5rem .8rem;margin:.5rem 0;border-radius:.25rem}
.problem strong,.bad{color:var(--bad)}
details{margin:.75rem 0}summary{cursor:pointer;font-weight:600}
input{font:inherit;color:inherit;background:var(--ground);border:1px solid var(--dim);border-radius:.3rem;padding:.3rem .5rem;width:100%;max-width:24rem}
.added{color:#166428}.removed{color:var(--bad)}.changed{color:#7a5200}
@media (prefers-color-scheme:dark){.added{color:#8fd79b}.changed{color:#ecc46c}}
@media (max-width:40rem){main,header{padding:.5rem}section{padding:.1rem .6rem .6rem}dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:.4rem}.system{flex-direction:column}}
@media print{:root{--ground:#fff;--panel:#fff;--text:#000;--dim:#444;--line:#bbb;color-scheme:light}body{font-size:10pt}
section{border:0;padding:0}.scroll{overflow:visible}input{display:none}rect{print-color-adjust:exact;-webkit-print-color-adjust:exact}svg,tr,.problem{break-inside:avoid}}
`;
