// SPDX-License-Identifier: GPL-3.0-or-later

/// How a page looks: light, dark and on paper, from a phone's width to a wall's.
enum PageStyle {
  /// What the page's policy names the style by; `DocumentTests` compute it anew.
  static let digest = "sha256-cmbCfdPOZz8Wv5crNyELzGDIIdw2rcPcpKSm6ibxlF4="

  /// The style sheet.
  static let text = """
    :root { color-scheme: light dark; --ground: #ffffff; --text: #1b1b1b; --soft: #4d4d4d; --axis: #555555;
      --rule: #d4d4d4; --panel: #f4f4f1; --link: #0b5cad; --good: #00664b; --p0: #0072b2; --p1: #d55e00;
      --p2: #009e73; --p3: #cc79a7; --p4: #e69f00; --p5: #56b4e9; --p6: #6e6e6e; }
    @media (prefers-color-scheme: dark) { :root { --ground: #15171a; --text: #e8e8e6; --soft: #b4b6b8;
      --axis: #9a9da0; --rule: #3a3e42; --panel: #20242a; --link: #86bdf5; --good: #5fd3ac; --p0: #4aa8e0;
      --p1: #f08a4b; --p2: #3fc79c; --p3: #e29cc3; --p4: #f0b541; --p5: #8fd0f5; --p6: #9c9c9c; } }
    * { box-sizing: border-box; }
    body { margin: 0 auto; padding: 1rem; max-width: 68rem; background: var(--ground); color: var(--text);
      font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
    h1 { font-size: 1.5rem; line-height: 1.25; margin: 0.5rem 0; }
    h2 { font-size: 1.2rem; line-height: 1.3; margin: 2.5rem 0 0.75rem; padding-top: 0.75rem;
      border-top: 1px solid var(--rule); }
    p { margin: 0.6rem 0; max-width: 48rem; }
    .subtitle { color: var(--soft); }
    .lead { font-size: 1.2rem; font-weight: 600; line-height: 1.4; }
    a { color: var(--link); }
    nav ul { display: flex; flex-wrap: wrap; gap: 0.25rem 1.25rem; padding: 0; margin: 0.75rem 0; list-style: none; }
    dl { display: grid; grid-template-columns: 8.5rem 1fr; gap: 0.3rem 1rem; margin: 1rem 0; max-width: 60rem; }
    dt { grid-column: 1; color: var(--soft); font-weight: 600; }
    dd { grid-column: 2; margin: 0; }
    @media (max-width: 34rem) { dl { grid-template-columns: 1fr; gap: 0; } dd { grid-column: 1; }
      dt { margin-top: 0.6rem; } }
    .scroll { overflow-x: auto; margin: 0 0 1rem; }
    table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 0.95rem; overflow-wrap: normal; }
    .caption { color: var(--soft); font-size: 0.95rem; margin-bottom: 0.3rem; }
    th, td { text-align: left; vertical-align: top; padding: 0.3rem 1.1rem 0.3rem 0; border-bottom: 1px solid var(--rule);
      min-width: 2rem; }
    td { max-width: 28rem; }
    th { color: var(--soft); font-weight: 600; }
    th.n, td.n { text-align: right; white-space: nowrap; }
    @media (max-width: 34rem) { table { font-size: 0.82rem; } th, td { padding-right: 0.5rem; } }
    pre { margin: 0; padding: 0.5rem 0.7rem; background: var(--panel); white-space: pre-wrap; flex: 1 1 16rem;
      font: 0.9rem/1.45 ui-monospace, monospace; min-width: 0; }
    code { font-family: ui-monospace, monospace; font-size: 0.9em; }
    pre code { font-size: 1em; }
    .steps { padding: 0; margin: 1rem 0; list-style-position: inside; counter-reset: step; list-style: none; }
    .steps li, .command { display: flex; flex-wrap: wrap; gap: 0.4rem 0.7rem; align-items: center; margin: 0.7rem 0; }
    .steps li::before { counter-increment: step; content: counter(step) "."; min-width: 1.5rem; }
    .place { font-weight: 600; min-width: 4.5rem; }
    .undo { flex-basis: 100%; margin: 0; padding-left: 2.2rem; color: var(--soft); font-size: 0.9rem; max-width: none; }
    .copy { font: inherit; font-size: 0.9rem; padding: 0.25rem 0.8rem; color: var(--text); background: var(--ground);
      border: 1px solid var(--axis); border-radius: 0.25rem; cursor: pointer; }
    .copy:hover { background: var(--panel); }
    figure { margin: 1.25rem 0; }
    figcaption { font-weight: 600; margin-bottom: 0.4rem; }
    svg { display: block; width: 100%; height: auto; }
    .narrow svg { max-width: 34rem; }
    .wide { display: none; }
    @media (min-width: 46rem) { .wide { display: block; } .narrow { display: none; } }
    details { margin: 0.6rem 0; }
    summary { cursor: pointer; color: var(--link); }
    svg .ft { fill: var(--text); } svg .st { stroke: var(--text); } svg .fa { fill: var(--axis); }
    svg .sa { stroke: var(--axis); } svg .fg { fill: var(--rule); } svg .sg { stroke: var(--rule); }
    svg .fb { fill: var(--ground); } svg .sb { stroke: var(--ground); }
    svg .f0 { fill: var(--p0); } svg .s0 { stroke: var(--p0); } svg .f1 { fill: var(--p1); } svg .s1 { stroke: var(--p1); }
    svg .f2 { fill: var(--p2); } svg .s2 { stroke: var(--p2); } svg .f3 { fill: var(--p3); } svg .s3 { stroke: var(--p3); }
    svg .f4 { fill: var(--p4); } svg .s4 { stroke: var(--p4); } svg .f5 { fill: var(--p5); } svg .s5 { stroke: var(--p5); }
    svg .f6 { fill: var(--p6); } svg .s6 { stroke: var(--p6); }
    .tip { position: absolute; z-index: 2; max-width: 20rem; padding: 0.3rem 0.6rem; font-size: 0.9rem; pointer-events: none;
      background: var(--panel); color: var(--text); border: 1px solid var(--axis); border-radius: 0.25rem; }
    .readout { font-size: 0.9rem; margin-top: 0.5rem; }
    .readout table { font-size: 0.9rem; }
    .cursor { stroke: var(--text); stroke-width: 1; stroke-dasharray: 3 2; pointer-events: none; }
    input[type="range"] { width: 100%; margin: 0; accent-color: var(--p0); }
    :focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
    @media print { :root { --ground: #ffffff; --text: #000000; --soft: #333333; --axis: #444444; --rule: #bbbbbb;
        --panel: #f4f4f1; --link: #000000; --p0: #0072b2; --p1: #d55e00; --p2: #009e73; --p3: #cc79a7; --p4: #e69f00;
        --p5: #56b4e9; --p6: #6e6e6e; }
      @page { margin: 15mm; }
      body { max-width: none; padding: 0; font-size: 10pt; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
      nav, .copy, .tip, .readout, .cursor, input, figure details { display: none; }
      .wide { display: block; } .narrow { display: none; }
      .scroll { overflow: visible; } table { font-size: 8.5pt; overflow-wrap: anywhere; } th.n, td.n { white-space: normal; }
      figure, tr, li { break-inside: avoid; } h2 { break-after: avoid; } }
    """
}
