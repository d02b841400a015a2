/** Colours by what they mean; a page that is dark has its own. */
export const STYLE = `<style>
  svg {
    --page: #ffffff; --text: #1f2328; --faint: #656d76; --grid: #e4e7eb;
    --flat: #2f6f4f; --falls: #2f6f4f; --grows: #b5533c; --none: #4a6fa5;
  }
  @media (prefers-color-scheme: dark) {
    svg {
      --page: #0d1117; --text: #e6edf3; --faint: #9198a1; --grid: #2b323b;
      --flat: #5fb98a; --falls: #5fb98a; --grows: #e58a6f; --none: #83a8dd;
    }
  }
  text { fill: var(--text); font-size: 10px; }
  .page { fill: var(--page); }
  .heading { font-size: 15px; font-weight: 600; }
  .title { font-size: 11.5px; font-weight: 600; }
  .faint { fill: var(--faint); }
  .grid { stroke: var(--grid); stroke-width: 1; }
  .line { fill: none; stroke-width: 2; stroke-linejoin: round; }
  .flat { --colour: var(--flat); } .falls { --colour: var(--falls); }
  .grows { --colour: var(--grows); } .none { --colour: var(--none); }
  .line { stroke: var(--colour); } .dot, .verdict { fill: var(--colour); }
  .verdict { font-weight: 600; }
</style>`;

export function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
