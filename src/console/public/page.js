import { followLive, readClues, readPosts, readStatus } from './api.js';
import { createChartPanel } from './chart-panel.js';
import { renderClueHead, renderClues } from './clue-list.js';
import { element } from './element.js';
import { countText, momentWithYearText, zoneText } from './format.js';
import { postKey, renderPostHead, renderPosts } from './post-table.js';
import { renderSummary } from './summary.js';
import { fillTexts, switchLanguage, text } from './text.js';

const STATES = ['over', 'near', 'below', 'no-data'];
const ZONE_DEFAULT = 'Asia/Shanghai';
/** Lists are read again at most this often, however fast the journal moves. */
const REFRESH_MS_MIN = 2_000;
/** And at least this often, should the stream be silent or lost. */
const REFRESH_MS_MAX = 20_000;
/** After a failure. */
const RETRY_MS = 5_000;

const byId = (id) => document.getElementById(id);
const chartPanel = createChartPanel();

const page = {
  status: undefined,
  posts: undefined,
  clues: undefined,
  readAtMs: undefined,
  filter: 'all',
  selectedKey: decodeURIComponent(location.hash.slice(1)) || undefined,
  link: 'waiting',
  trouble: undefined,
};

const zones = () => [...new Set((page.posts?.items ?? []).map((row) => row.enterprise.timeZone))];
const pageZone = () => zones()[0] ?? ZONE_DEFAULT;
const selectedRow = () => page.posts?.items.find((row) => postKey(row) === page.selectedKey);

function render() {
  fillTexts();
  renderBar();
  renderTrouble();
  renderPostHead(byId('posts-head'));
  renderClueHead(byId('clues-head'));
  if (page.status !== undefined) renderStatus();
  if (page.posts !== undefined) renderPostPanel();
  if (page.clues !== undefined) {
    renderClues(byId('clues-body'), page.clues.items);
    setEmpty('clues-empty', page.clues.items.length === 0, text('cluesEmpty'));
  }
}

function renderBar() {
  const found = zones();
  byId('zone').textContent = zoneText(found.length === 0 ? [ZONE_DEFAULT] : found);
  const link = byId('link');
  link.dataset.state = page.link;
  const words = { live: 'linkLive', waiting: 'linkWaiting', lost: 'linkLost', stale: 'linkStale' };
  link.textContent = text(words[page.link]);
  const language = byId('language');
  language.textContent = text('otherLanguage');
  language.setAttribute('aria-label', text('otherLanguageLabel'));
}

function renderTrouble() {
  const node = byId('trouble');
  node.hidden = page.trouble === undefined;
  if (page.trouble === undefined) return;
  node.textContent =
    page.readAtMs === undefined
      ? text('troubleFirst', { message: page.trouble })
      : text('troubleRead', {
          message: page.trouble,
          time: momentWithYearText(page.readAtMs, pageZone()),
        });
}

function renderStatus() {
  renderSummary(byId('summary'), page.status, pageZone());
  const { standings, clues, registered } = page.status;
  const words = text('announce', {
    over: standings.over,
    near: standings.near,
    clues: clues.total,
  });
  // Said only when it changed: a live region that repeats itself is noise.
  if (byId('announce').textContent !== words) byId('announce').textContent = words;
  byId('posts-note').textContent = text('postsNote', {
    enterprises: countText(registered.enterprises),
    posts: countText(registered.posts),
    devices: countText(registered.devices),
  });
}

function renderPostPanel() {
  const { items, cut } = page.posts;
  const rows = items.filter((row) => page.filter === 'all' || row.standing.state === page.filter);
  if (selectedRow() === undefined && items.length > 0) page.selectedKey = postKey(items[0]);
  renderPosts(byId('posts-body'), rows, { selectedKey: page.selectedKey, onSelect: select });
  renderFilters(items);
  if (cut) {
    byId('posts-note').textContent += ` · ${text('postsCut', { count: items.length })}`;
  }
  const words =
    items.length === 0
      ? text('postsEmpty')
      : text('postsEmptyFilter', { state: text(page.filter) });
  setEmpty('posts-empty', rows.length === 0, words);
}

function renderFilters(items) {
  const group = byId('filters');
  const chips = ['all', ...STATES];
  if (group.children.length === 0) {
    for (const state of chips) {
      const chip = element('button', { type: 'button', class: 'chip', 'data-tone': state });
      chip.addEventListener('click', () => {
        page.filter = state;
        renderPostPanel();
      });
      group.append(chip);
    }
  }
  chips.forEach((state, i) => {
    const count =
      state === 'all' ? items.length : items.filter((row) => row.standing.state === state).length;
    group.children[i].textContent = `${text(state)} ${countText(count)}`;
    group.children[i].setAttribute('aria-pressed', String(page.filter === state));
  });
}

function setEmpty(id, empty, words) {
  byId(id).hidden = !empty;
  byId(id).textContent = words;
}

function select(key) {
  page.selectedKey = key;
  history.replaceState(null, '', `#${encodeURIComponent(key)}`);
  renderPostPanel();
  showChart();
  // Where the chart stands below the table, a choice would otherwise change nothing in sight.
  const panel = byId('chart-panel');
  if (panel.getBoundingClientRect().top > innerHeight * 0.8) {
    panel.scrollIntoView({ block: 'start' });
  }
}

const showChart = () => chartPanel.show(selectedRow()).catch(fail);

function fail(error) {
  page.trouble = error.message;
  renderTrouble();
}

let refreshing = false;
let askedAgain = false;
let refreshedAtMs = 0;
let timer;

/** Reads the lists again: one reading at a time, however many ask for it. */
async function refresh() {
  clearTimeout(timer);
  if (refreshing) {
    askedAgain = true;
    return;
  }
  refreshing = true;
  askedAgain = false;
  refreshedAtMs = Date.now();
  try {
    const [status, posts, clues] = await Promise.all([readStatus(), readPosts(), readClues()]);
    Object.assign(page, { status, posts, clues, readAtMs: Date.now(), trouble: undefined });
    render();
    await chartPanel.show(selectedRow());
  } catch (error) {
    fail(error);
  }
  refreshing = false;
  const quietMs = page.trouble === undefined ? REFRESH_MS_MAX : RETRY_MS;
  timer = setTimeout(refresh, askedAgain ? REFRESH_MS_MIN : quietMs);
}

function refreshSoon() {
  const waitMs = refreshedAtMs + REFRESH_MS_MIN - Date.now();
  if (refreshing) askedAgain = true;
  else {
    clearTimeout(timer);
    timer = setTimeout(refresh, Math.max(0, waitMs));
  }
}

function setLink(link) {
  page.link = link;
  renderBar();
}

byId('language').addEventListener('click', () => {
  switchLanguage();
  render();
  showChart();
});
chartPanel.onFailure(fail);
render();
setEmpty('posts-empty', true, text('linkWaiting'));
refresh();
followLive({
  onStatus(status) {
    const before = page.status;
    page.status = status;
    setLink('live');
    renderStatus();
    const moved = JSON.stringify([before?.shards, before?.clues]);
    if (moved !== JSON.stringify([status.shards, status.clues])) refreshSoon();
  },
  onUnavailable: () => setLink('stale'),
  onLost: () => setLink('lost'),
});
