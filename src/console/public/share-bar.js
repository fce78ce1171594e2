import { element } from './element.js';
import { shareText } from './format.js';

/** Where the limit lies on every bar: the ticks of all rows stand under each other. */
const LIMIT_AT = 2 / 3;
/** How far below its limit a level or temperature fills no bar any more. */
const SPAN_BELOW = { 'dB(A)': 20, degC: 8 };

/** Share of the bar that is filled, 0–1; beyond 1.5 × the limit it is full. */
function filledShare({ ratio, difference }, unit) {
  const span = SPAN_BELOW[unit];
  if (difference !== null && span !== undefined) {
    return Math.min(1, Math.max(0, LIMIT_AT * (1 + difference / span)));
  }
  return ratio === null ? null : Math.min(1, Math.max(0, ratio * LIMIT_AT));
}

/** A bar against the limit, with the number in words beside it. */
export function shareBar(standing, unit) {
  const filled = filledShare(standing, unit);
  const words = element('span', { class: 'share-text' }, shareText(standing, unit));
  if (filled === null) return element('div', { class: 'share' }, words);
  const fill = element('span', { class: 'share-fill', 'data-tone': standing.state });
  fill.style.width = `${(filled * 100).toFixed(1)}%`;
  const track = element(
    'span',
    { class: 'share-track', 'aria-hidden': 'true' },
    fill,
    element('span', { class: 'share-limit' }),
  );
  return element('div', { class: 'share' }, track, words);
}
