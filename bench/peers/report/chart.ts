import type { Durability } from '../peer.ts';
import type { Report, ScenarioInfo } from '../results.ts';
import { type Standing, standings } from './compare.ts';
import { shownMs, shownRate } from './shown.ts';

const PANEL_WIDTH = 560;
const LABEL_WIDTH = 230;
const VALUE_WIDTH = 90;
const BAR_WIDTH = PANEL_WIDTH - LABEL_WIDTH - VALUE_WIDTH;
const ROW_HEIGHT = 18;
const TITLE_HEIGHT = 34;
const GAP = 24;
const COLUMNS = 2;
const LEGEND_HEIGHT = 40;

const COLOURS: Readonly<Record<Durability, string>> = {
  synced: '#2f6f4f',
  soon: '#c9a227',
  memory: '#b5533c',
};
const LEGEND: Readonly<Record<Durability, string>> = {
  synced: 'confirm after an fsync',
  soon: 'fsync soon after the confirm',
  memory: 'fsync long after the confirm',
};

/** A panel for each scenario, a bar for each peer; the colour tells what its confirm is worth. */
export function chart(report: Report): string {
  const panels = report.scenarios.map((scenario) => ({ scenario, all: standings(report, scenario) }));
  const heights = Array.from({ length: COLUMNS }, () => LEGEND_HEIGHT);
  const drawn = panels.map(({ scenario, all }) => {
    const column = heights.indexOf(Math.min(...heights));
    const x = GAP + column * (PANEL_WIDTH + GAP);
    const y = heights[column]!;
    heights[column] = y + TITLE_HEIGHT + all.length * ROW_HEIGHT + GAP;
    return panel(scenario, all, x, y);
  });
  const width = GAP + COLUMNS * (PANEL_WIDTH + GAP);
  const height = Math.max(...heights);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="12">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    legend(),
    ...drawn,
    '</svg>\n',
  ].join('\n');
}

function legend(): string {
  return (Object.keys(LEGEND) as Durability[])
    .map((durability, index) => {
      const x = GAP + index * 230;
      const box = `<rect x="${x}" y="12" width="12" height="12" fill="${COLOURS[durability]}"/>`;
      return `${box}<text x="${x + 18}" y="22">${LEGEND[durability]}</text>`;
    })
    .join('\n');
}

function panel(scenario: ScenarioInfo, all: readonly Standing[], x: number, y: number): string {
  const isLatency = scenario.unit === 'ms';
  const unit = isLatency ? 'ms, shorter is better' : `${scenario.unit}, longer is better`;
  const most = Math.max(...all.map(({ median }) => median));
  const title = `<text x="${x}" y="${y + 16}" font-weight="600">${escaped(scenario.title)}</text>`;
  const about = `<text x="${x}" y="${y + 29}" font-size="10" fill="#666666">${unit}</text>`;
  const bars = all.map((standing, index) =>
    bar(standing, isLatency, most, x, y + TITLE_HEIGHT + index * ROW_HEIGHT),
  );
  return [title, about, ...bars].join('\n');
}

function bar({ peer, median }: Standing, isLatency: boolean, most: number, x: number, y: number): string {
  const length = Math.max(1, (BAR_WIDTH * median) / most);
  const value = isLatency ? shownMs(median) : shownRate(median);
  const weight = peer.id === 'simplemq' ? ' font-weight="600"' : '';
  return [
    `<text x="${x + LABEL_WIDTH - 6}" y="${y + 13}" text-anchor="end" font-size="11"${weight}>${escaped(peer.name)}</text>`,
    `<rect x="${x + LABEL_WIDTH}" y="${y + 3}" width="${length.toFixed(1)}" height="12" fill="${COLOURS[peer.durability]}"/>`,
    `<text x="${(x + LABEL_WIDTH + length + 5).toFixed(1)}" y="${y + 13}" font-size="11"${weight}>${value}</text>`,
  ].join('');
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
