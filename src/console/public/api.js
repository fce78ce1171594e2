/** A failed request in words: the API's own message, or what the network said. */
export class ReadError extends Error {}

const REQUEST_MS_MAX = 15_000;
/** Pages fetched of one list: 1,000 rows, then the page says that it shows only the first. */
const PAGES_MAX = 5;

async function read(path) {
  let response;
  try {
    response = await fetch(path, { signal: AbortSignal.timeout(REQUEST_MS_MAX) });
  } catch (error) {
    throw new ReadError(`${path}: ${error.message}`);
  }
  if (response.ok) return response.json();
  const body = await response.json().catch(() => ({}));
  throw new ReadError(body.error?.message ?? `${path}: HTTP ${response.status}`);
}

async function readList(path, pagesMax) {
  const items = [];
  let cursor = null;
  for (let page = 0; page < pagesMax; page += 1) {
    const query = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const answer = await read(`${path}?limit=200${query}`);
    items.push(...answer.items);
    cursor = answer.nextCursor;
    if (cursor === null) break;
  }
  return { items, cut: cursor !== null };
}

export const readStatus = () => read('/api/v1/status');
export const readPosts = () => readList('/api/v1/posts', PAGES_MAX);
export const readClues = () => readList('/api/v1/clues', 1);

export function readSeries({ device, metric }, range) {
  const query = new URLSearchParams({ device, metric, ...range });
  return read(`/api/v1/series?${query}`);
}

/** Opens a refused stream again after this long; the browser itself reopens a broken one. */
const REOPEN_MS = 10_000;

/** Follows the live stream for as long as the page is open. */
export function followLive({ onStatus, onUnavailable, onLost }) {
  const source = new EventSource('/api/v1/live');
  source.addEventListener('status', (event) => onStatus(JSON.parse(event.data)));
  source.addEventListener('unavailable', onUnavailable);
  source.addEventListener('error', () => {
    onLost();
    if (source.readyState !== EventSource.CLOSED) return;
    setTimeout(() => followLive({ onStatus, onUnavailable, onLost }), REOPEN_MS);
  });
}
