/// The pages' style sheet, served from its own address so that the policy can forbid inline styles.
enum PageStyle {
  static let css = """
    :root { color-scheme: light dark; --ink: #1c2430; --dim: #667085; --line: #e3e7ee;
      --paper: #ffffff; --ground: #f4f6f9; --link: #1d4ed8;
      --pass: #12805c; --pending: #a15c07; --fail: #c0262d; }
    @media (prefers-color-scheme: dark) { :root { --ink: #e8ecf2; --dim: #98a2b3;
      --line: #2c3442; --paper: #171c25; --ground: #0f131a; --link: #8ab4ff;
      --pass: #4ade9f; --pending: #f5b860; --fail: #ff8a8a; } }
    * { box-sizing: border-box; }
    body { margin: 0; background: var(--ground); color: var(--ink);
      font: 15px/1.5 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; }
    header { background: var(--paper); border-bottom: 1px solid var(--line); }
    header div, main { max-width: 1180px; margin: 0 auto; padding: 16px 24px; }
    header div { display: flex; gap: 16px; align-items: baseline; flex-wrap: wrap; }
    header b { font-size: 17px; } header span { color: var(--dim); }
    a { color: var(--link); text-decoration: none; } a:hover { text-decoration: underline; }
    h1 { font-size: 24px; margin: 8px 0 4px; overflow-wrap: anywhere; }
    h2 { font-size: 13px; margin: 0 0 12px; color: var(--dim); text-transform: uppercase;
      letter-spacing: .06em; }
    section { background: var(--paper); border: 1px solid var(--line); border-radius: 10px;
      padding: 18px 20px; margin: 16px 0; }
    table { border-collapse: collapse; width: 100%; }
    th, td { text-align: left; padding: 7px 12px 7px 0; border-top: 1px solid var(--line);
      vertical-align: top; overflow-wrap: anywhere; }
    tr:first-child > * { border-top: 0; }
    .keyed th { width: 240px; } .list td { white-space: nowrap; }
    .list td.wide { white-space: normal; width: 40%; min-width: 15em; }
    th { color: var(--dim); font-weight: 500; white-space: nowrap; }
    .scans { display: grid; gap: 16px; grid-template-columns: repeat(auto-fit, minmax(320px, 1fr)); }
    .scans section { margin: 0; }
    .scans img { display: block; width: 100%; height: 300px; object-fit: contain;
      background: var(--ground); border: 1px solid var(--line); border-radius: 6px; }
    .none { display: grid; place-items: center; height: 300px; color: var(--dim);
      background: var(--ground); border: 1px dashed var(--line); border-radius: 6px; }
    .facts { color: var(--dim); margin: 10px 0 0; }
    .facts b { color: var(--ink); font-weight: 600; }
    .facts code { display: block; margin-top: 2px; }
    code { font: 12px ui-monospace, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
    .badge { display: inline-block; padding: 1px 10px; border-radius: 99px; font-weight: 600;
      font-size: 13px; border: 1px solid currentColor; color: var(--dim); }
    .pass { color: var(--pass); } .pending { color: var(--pending); } .fail { color: var(--fail); }
    .number { text-align: right; font-variant-numeric: tabular-nums; }
    """
}
