import type { Measure } from '../curves/curve.ts';
import type { MeasuredCurve, Report } from '../results.ts';
import { PANEL_HEIGHT, PANEL_WIDTH, panel } from './panel.ts';
import { escaped, STYLE } from './style.ts';
import { type Place, placesOf } from './verdict.ts';

const COLUMNS = 4;
const GAP = 20;
const HEADING_HEIGHT = 34;
const WIDTH: number = GAP + COLUMNS * (PANEL_WIDTH + GAP);

/** For each curve a heading and below it a panel for each of its measures. */
export function chart({ curves }: Report): string {
  const drawn: string[] = [];
  let y = 0;
  for (const curve of curves) {
    const panels = panelsOf(curve);
    if (panels.length === 0) continue;
    drawn.push(`<text class="heading" x="${GAP}" y="${y + 24}">${escaped(curve.title)}</text>`);
    y += HEADING_HEIGHT;
    for (const [index, { measure, places }] of panels.entries()) {
      const x = GAP + (index % COLUMNS) * (PANEL_WIDTH + GAP);
      const row = Math.floor(index / COLUMNS);
      drawn.push(panel(curve, measure, places, x, y + row * (PANEL_HEIGHT + GAP)));
    }
    y += Math.ceil(panels.length / COLUMNS) * (PANEL_HEIGHT + GAP);
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y}" font-family="system-ui, sans-serif">`,
    STYLE,
    `<rect class="page" width="${WIDTH}" height="${y}"/>`,
    ...drawn,
    '</svg>\n',
  ].join('\n');
}

function panelsOf(curve: MeasuredCurve): { measure: Measure; places: Place[] }[] {
  return Object.entries(curve.measures)
    .map(([id, measure]) => ({ measure, places: placesOf(curve, id) }))
    .filter(({ places }) => places.length > 0);
}
