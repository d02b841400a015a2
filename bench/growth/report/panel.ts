import type { Measure } from '../curves/curve.ts';
import type { MeasuredCurve } from '../results.ts';
import { type Scale, scaleFrom, scaleOf, ticksOf } from './scale.ts';
import { shortAt, shownValue } from './shown.ts';
import { escaped } from './style.ts';
import { type Place, shownVerdict, verdictOn } from './verdict.ts';

export const PANEL_WIDTH = 290;
export const PANEL_HEIGHT = 180;
const TOP = 44;
const BOTTOM = 32;
const LEFT = 44;
const RIGHT = 16;
/** Room for the labels of the first and the last point. */
const INSET = 18;
const PLOT_WIDTH: number = PANEL_WIDTH - LEFT - RIGHT;
const PLOT_HEIGHT: number = PANEL_HEIGHT - TOP - BOTTOM;

/** One measure over the axis of its curve, both logarithmic: a straight line up is a power, a level one is flat. */
export function panel(
  curve: MeasuredCurve,
  measure: Measure,
  places: readonly Place[],
  x: number,
  y: number,
): string {
  const ats = curve.points.map(({ at }) => at);
  const horizontal = scaleFrom(Math.min(...ats), Math.max(...ats), PLOT_WIDTH - 2 * INSET);
  const vertical = scaleOf(
    places.map(({ value }) => value),
    PLOT_HEIGHT,
  );
  const verdict = verdictOn(measure, places);
  return [
    `<g class="${verdict?.trend ?? 'none'}" transform="translate(${x} ${y})">`,
    `<text class="title" y="12">${escaped(measure.title)}</text>`,
    `<text class="faint" y="26">${escaped(measure.unit)}</text>`,
    verdict &&
      `<text class="verdict" x="${PANEL_WIDTH - RIGHT}" y="26" text-anchor="end">${shownVerdict(verdict)}</text>`,
    `<g transform="translate(${LEFT} ${TOP})">`,
    verticalTicks(vertical),
    horizontalTicks(curve, ats, horizontal),
    line(places, horizontal, vertical),
    '</g></g>',
  ]
    .filter((part) => part !== undefined)
    .join('\n');
}

function verticalTicks(vertical: Scale): string {
  return ticksOf(vertical)
    .map((tick) => {
      const y = PLOT_HEIGHT - vertical.place(tick);
      const rule = `<line class="grid" x1="0" x2="${PLOT_WIDTH}" y1="${at(y)}" y2="${at(y)}"/>`;
      return `${rule}<text class="faint" x="-6" y="${at(y + 3.5)}" text-anchor="end">${shownTick(tick)}</text>`;
    })
    .join('\n');
}

function horizontalTicks(curve: MeasuredCurve, ats: readonly number[], horizontal: Scale): string {
  const labels = ats.map(
    (point) =>
      `<text class="faint" x="${at(INSET + horizontal.place(point))}" y="${PLOT_HEIGHT + 14}" text-anchor="middle">${shortAt(curve, point)}</text>`,
  );
  const name = `<text class="faint" x="${PLOT_WIDTH / 2}" y="${PLOT_HEIGHT + 27}" text-anchor="middle">${escaped(curve.axis.name)}</text>`;
  return [...labels, name].join('\n');
}

/** The first and the last value are written to their points. */
function line(places: readonly Place[], horizontal: Scale, vertical: Scale): string {
  const drawn = places.map((place) => ({
    x: INSET + horizontal.place(place.at),
    y: PLOT_HEIGHT - vertical.place(place.value),
    value: place.value,
  }));
  const path = `<polyline class="line" points="${drawn.map(({ x, y }) => `${at(x)},${at(y)}`).join(' ')}"/>`;
  const dots = drawn.map(({ x, y }) => `<circle class="dot" cx="${at(x)}" cy="${at(y)}" r="3"/>`);
  const ends = drawn.length > 1 ? [drawn[0]!, drawn.at(-1)!] : drawn;
  const labels = ends.map(
    ({ x, y, value }) =>
      `<text x="${at(x)}" y="${at(y - 7)}" text-anchor="middle">${shownValue(value)}</text>`,
  );
  return [path, ...dots, ...labels].join('\n');
}

function shownTick(tick: number): string {
  return tick >= 1e4
    ? tick.toLocaleString('en', { notation: 'compact' })
    : String(Number(tick.toPrecision(1)));
}

/** A coordinate. */
function at(pixels: number): string {
  return pixels.toFixed(1);
}
