import { element, stateTag, syncChildren } from './element.js';
import { clockText, limitText, percentText, valueText, valueWithUnit } from './format.js';
import { shareBar } from './share-bar.js';
import { currentLanguage, limitKindText, text } from './text.js';

const COLUMNS = [
  'company',
  'post',
  'hazard',
  'now',
  'limit',
  'share',
  'state',
  'verdict',
  'coverage',
];
const NUMERIC = new Set(['now', 'limit', 'coverage']);
const VERDICT_TONES = {
  exceeded: 'over',
  suspected: 'near',
  borderline: 'near',
  within: 'below',
  indeterminate: 'no-data',
};
/** Under this share of contact time no estimate is made (design: 75 %). */
const COVERAGE_MIN = 0.75;

export const postKey = (row) => [row.post.id, row.factor.id, row.limitKind ?? ''].join('/');
export const postName = (row) => row.post.name ?? row.post.id;
export const factorName = (factor) => (currentLanguage() === 'zh' ? factor.nameZh : factor.nameEn);

/** `一氧化碳 PC-STEL`. */
export const hazardName = (row) => `${factorName(row.factor)} ${kindBeside(row)}`.trimEnd();

/** The limit kind where the factor's name doesn't say it already. */
export function kindBeside({ factor, limitKind }) {
  const kind = limitKindText(limitKind);
  return factorName(factor).includes(kind) ? '' : kind;
}

export function renderPostHead(headRow) {
  const cells = COLUMNS.map((column) =>
    element(
      'th',
      { scope: 'col', class: NUMERIC.has(column) ? 'number' : undefined, 'data-column': column },
      text(column),
    ),
  );
  headRow.replaceChildren(...cells);
}

/** Fills the table body. `onSelect` gets the key of the row that was clicked or entered. */
export function renderPosts(body, rows, { selectedKey, onSelect }) {
  syncChildren(body, rows, {
    keyOf: postKey,
    versionOf: (row) => JSON.stringify([row, currentLanguage(), postKey(row) === selectedKey]),
    create: (row) => createRow(row, onSelect),
    update: (node, row) => updateRow(node, row, postKey(row) === selectedKey),
  });
}

function createRow(row, onSelect) {
  const select = element('button', { type: 'button', class: 'row-select' });
  const cells = COLUMNS.map((column) =>
    element('td', {
      class: NUMERIC.has(column) ? 'number' : undefined,
      'data-column': column,
    }),
  );
  cells[COLUMNS.indexOf('post')].append(select, element('span', { class: 'sub' }));
  const node = element('tr', {}, ...cells);
  node.addEventListener('click', () => onSelect(postKey(row)));
  node.addEventListener('keydown', moveByArrow);
  return node;
}

/** Up and down go to the row before and after: one Tab stop less per row for who knows it. */
function moveByArrow(event) {
  const step = { ArrowDown: 'nextElementSibling', ArrowUp: 'previousElementSibling' }[event.key];
  const target = step && event.currentTarget[step];
  if (!target) return;
  event.preventDefault();
  target.querySelector('.row-select').focus();
}

function updateRow(node, row, selected) {
  const { standing, limit, latestResult } = row;
  const unit = limit?.unit;
  const cell = Object.fromEntries([...node.cells].map((td) => [td.dataset.column, td]));
  for (const column of COLUMNS) cell[column].dataset.name = text(column);
  node.dataset.state = standing.state;
  node.dataset.selected = String(selected);

  const select = node.querySelector('.row-select');
  select.textContent = postName(row);
  select.setAttribute('aria-pressed', String(selected));
  select.setAttribute('aria-label', `${postName(row)} ${hazardName(row)}`);
  cell.post.querySelector('.sub').textContent = row.crew?.name ?? row.crew?.id ?? '';

  cell.company.replaceChildren(row.enterprise.name ?? row.enterprise.uscc);
  cell.hazard.replaceChildren(
    factorName(row.factor),
    element('span', { class: 'sub' }, kindBeside(row)),
  );
  cell.now.replaceChildren(
    element('strong', { class: 'now' }, valueText(standing.current, unit)),
    element('span', { class: 'sub' }, clockText(standing.asOfMs, row.enterprise.timeZone)),
  );
  cell.now.title = valueWithUnit(standing.current, unit);
  cell.limit.replaceChildren(limitText(limit));
  cell.limit.title = limit === null ? '' : `${limit.standard} ${limit.clause}`;
  cell.share.replaceChildren(shareBar(standing, unit));
  cell.state.replaceChildren(stateTag(standing.state, text(standing.state)));
  cell.verdict.replaceChildren(...verdictCell(row));
  const short = latestResult !== null && latestResult.coverage < COVERAGE_MIN;
  cell.coverage.title = text('coverageHint');
  cell.coverage.replaceChildren(
    element('span', { 'data-short': String(short) }, percentText(latestResult?.coverage)),
  );
}

function verdictCell({ latestResult, enterprise }) {
  if (latestResult === null) return [element('span', { class: 'muted' }, text('noVerdict'))];
  const { verdict, shift } = latestResult;
  const zone = enterprise.timeZone;
  const members = {
    name: shift.name,
    start: clockText(shift.startMs, zone),
    end: clockText(shift.endMs, zone),
  };
  return [
    element('span', { class: 'verdict', 'data-tone': VERDICT_TONES[verdict] }, text(verdict)),
    element('span', { class: 'sub' }, text('shiftOf', members)),
  ];
}
