/** What a picture is drawn with: plain elements, one line each, so that a change can be read. */
export type Svg = readonly string[];

export const INK = '#1f2933';
export const FAINT = '#9aa5b1';
export const BLUE = '#1769aa';
export const RED = '#b3261e';
export const AMBER = '#b26a00';
export const GREEN = '#2e7d32';
export const GREY = '#616e7c';

const round = (value: number): string => String(Math.round(value * 10) / 10);
const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

interface TextStyle {
  readonly size?: number;
  readonly colour?: string;
  readonly anchor?: 'start' | 'middle' | 'end';
  readonly weight?: 'normal' | 'bold';
}

export function text(x: number, y: number, of: string, style: TextStyle = {}): string {
  const { size = 13, colour = INK, anchor = 'start', weight = 'normal' } = style;
  return `<text x="${round(x)}" y="${round(y)}" font-size="${size}" fill="${colour}" text-anchor="${anchor}" font-weight="${weight}">${escaped(of)}</text>`;
}

interface LineStyle {
  readonly colour?: string;
  readonly width?: number;
  readonly dashed?: boolean;
}

export function line(
  [x1, y1]: readonly [number, number],
  [x2, y2]: readonly [number, number],
  { colour = INK, width = 1, dashed = false }: LineStyle = {},
): string {
  const dash = dashed ? ' stroke-dasharray="5 4"' : '';
  return `<line x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}" stroke="${colour}" stroke-width="${width}"${dash}/>`;
}

/** A line through points; undefined breaks it. */
export function path(
  points: readonly (readonly [number, number] | undefined)[],
  { colour = INK, width = 2, dashed = false }: LineStyle = {},
): string {
  let isOpen = false;
  const moves = points.map((point) => {
    const move = point && `${isOpen ? 'L' : 'M'}${round(point[0])} ${round(point[1])}`;
    isOpen = point !== undefined;
    return move ?? '';
  });
  const dash = dashed ? ' stroke-dasharray="5 4"' : '';
  return `<path d="${moves.join('')}" fill="none" stroke="${colour}" stroke-width="${width}" stroke-linejoin="round"${dash}/>`;
}

export function rect(
  [x, y]: readonly [number, number],
  [width, height]: readonly [number, number],
  fill: string,
  opacity = 1,
): string {
  return `<rect x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}" fill="${fill}" fill-opacity="${opacity}"/>`;
}

export const dot = (x: number, y: number, colour: string, radius = 4.5): string =>
  `<circle cx="${round(x)}" cy="${round(y)}" r="${radius}" fill="${colour}"/>`;

/** Maps a range of numbers onto pixels. */
export const scale =
  (from: readonly [number, number], to: readonly [number, number]) =>
  (value: number): number =>
    to[0] + ((value - from[0]) / (from[1] - from[0])) * (to[1] - to[0]);

/** The whole picture, with what it shows for who can't see it. */
export const picture = (
  width: number,
  height: number,
  title: string,
  elements: readonly (string | Svg)[],
): string =>
  [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" font-family="'Noto Sans', 'Noto Sans CJK SC', 'PingFang SC', 'Microsoft YaHei', Arial, sans-serif">`,
    `<title>${escaped(title)}</title>`,
    rect([0, 0], [width, height], '#ffffff'),
    ...elements.flat(),
    '</svg>',
    '',
  ].join('\n');
