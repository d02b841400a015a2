// Makes a picture of what a terminal shows: reads lines with ANSI colours, as `tmux capture-pane -e -p` gives them, and
// writes an SVG. docs/demo.svg was made so:
//
//   tmux new-session -d -s demo -x 80 -y 42 'npm run --silent demo; sleep 60'
//   tmux capture-pane -t demo -e -p | npx node scripts/terminal-svg.ts > docs/demo.svg     (when it is over)

const CHARACTER_WIDTH = 8.4;
const LINE_HEIGHT = 18;
const PADDING = 16;
const COLUMNS_MIN = 80;

const FOREGROUND = '#d0d7de';
const BACKGROUND = '#0d1117';
const COLORS: Readonly<Record<number, string>> = {
  31: '#ff7b72',
  32: '#7ee787',
  33: '#f2cc60',
  34: '#79c0ff',
  35: '#d2a8ff',
  36: '#76e3ea',
};

interface Style {
  color: string;
  bold: boolean;
  dim: boolean;
}

/** Goes on over the ends of lines. */
let style: Style = { color: FOREGROUND, bold: false, dim: false };

/** Applies the codes of one `ESC [ … m`. */
function apply(before: Style, codes: string): Style {
  const next = { ...before };
  for (const code of codes.split(';').map(Number)) {
    if (code === 0) Object.assign(next, { color: FOREGROUND, bold: false, dim: false });
    else if (code === 1) next.bold = true;
    else if (code === 2) next.dim = true;
    else if (code === 22) next.bold = next.dim = false;
    else if (code === 39) next.color = FOREGROUND;
    else next.color = COLORS[code] ?? next.color;
  }
  return next;
}

const STYLE_CODE = new RegExp(`${String.fromCharCode(27)}\\[([0-9;]*)m`);

function textElement(line: string, row: number): string {
  // What split() gives: text, codes, text, codes, text …
  const pieces = line.split(STYLE_CODE);
  let column = 0;
  const spans = pieces.map((piece, index) => {
    if (index % 2 === 1) {
      style = apply(style, piece);
      return '';
    }
    const x = PADDING + column * CHARACTER_WIDTH;
    column += [...piece].length;
    return piece.trim() === '' ? '' : span(piece, x, style);
  });
  const y = PADDING + (row + 0.75) * LINE_HEIGHT;
  return `<text y="${y}">${spans.join('')}</text>`;
}

function span(text: string, x: number, { color, bold, dim }: Style): string {
  const attributes = [
    `x="${x.toFixed(1)}"`,
    `textLength="${([...text].length * CHARACTER_WIDTH).toFixed(1)}"`,
    `fill="${color}"`,
    ...(bold ? ['font-weight="bold"'] : []),
    ...(dim ? ['fill-opacity="0.6"'] : []),
  ];
  return `<tspan ${attributes.join(' ')}>${escaped(text)}</tspan>`;
}

/** Spaces are made hard: a viewer would fold those of a table into one. */
function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll(' ', '\u00a0');
}

function widthOf(line: string): number {
  return [
    ...line
      .split(STYLE_CODE)
      .filter((_, index) => index % 2 === 0)
      .join(''),
  ].length;
}

process.stdin.setEncoding('utf8');
let input = '';
for await (const chunk of process.stdin) input += chunk;
const lines = input.replace(/\n+$/, '').split('\n');
const width = Math.ceil(Math.max(COLUMNS_MIN, ...lines.map(widthOf)) * CHARACTER_WIDTH + 2 * PADDING);
const height = lines.length * LINE_HEIGHT + 2 * PADDING;

process.stdout.write(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}">
<rect width="100%" height="100%" rx="8" fill="${BACKGROUND}"/>
<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="14" xml:space="preserve">
${lines.map(textElement).join('\n')}
</g>
</svg>
`);
