import { element, stateTag, syncChildren } from './element.js';
import { limitText, momentText, periodText, shareText, valueWithUnit } from './format.js';
import { factorName, kindBeside } from './post-table.js';
import { currentLanguage, hasText, text } from './text.js';

const COLUMNS = ['clueNo', 'company', 'hazard', 'observed', 'period', 'platform', 'evidence'];
/** How a state looks; what is not here is on its way. */
const STATE_TONES = {
  ACKED: 'done',
  PUSH_FAILED: 'over',
  PARKED: 'no-data',
  WITHDRAWN: 'no-data',
};

export function renderClueHead(headRow) {
  const cells = COLUMNS.map((column) =>
    element('th', { scope: 'col', 'data-column': column }, text(column)),
  );
  headRow.replaceChildren(...cells);
}

export function renderClues(body, clues) {
  syncChildren(body, clues, {
    keyOf: (clue) => clue.clueNo,
    versionOf: (clue) => JSON.stringify([clue, currentLanguage()]),
    create: () =>
      element('tr', {}, ...COLUMNS.map((column) => element('td', { 'data-column': column }))),
    update: updateRow,
  });
}

const sub = (...children) => element('span', { class: 'sub' }, ...children);

function updateRow(node, clue) {
  const cell = Object.fromEntries([...node.cells].map((td) => [td.dataset.column, td]));
  for (const column of COLUMNS) cell[column].dataset.name = text(column);
  const zone = clue.enterprise.timeZone;
  cell.clueNo.replaceChildren(
    element(
      'a',
      {
        href: `/api/v1/clues/${encodeURIComponent(clue.clueNo)}`,
        class: 'mono',
        'aria-label': text('clueLabel', { clue: clue.clueNo }),
      },
      clue.clueNo,
    ),
    sub(clue.revision === 0 ? text('revisionNone') : text('revision', { count: clue.revision })),
  );
  cell.company.replaceChildren(
    clue.post.name ?? clue.post.id,
    sub(clue.enterprise.name ?? clue.enterprise.uscc),
  );
  cell.hazard.replaceChildren(factorName(clue.factor), sub(kindBeside(clue)));
  cell.observed.replaceChildren(...observedCell(clue));
  cell.period.replaceChildren(periodText(clue.firstExceedAtMs, clue.lastExceedAtMs, zone));
  cell.platform.replaceChildren(...platformCell(clue, zone));
  cell.evidence.replaceChildren(evidenceLink(clue));
}

function observedCell({ observed, limit }) {
  const words =
    observed.value === null
      ? text('lowerBound', { value: valueWithUnit(observed.lowerBound, limit.unit) })
      : valueWithUnit(observed.value, limit.unit);
  return [
    element('strong', {}, words),
    sub(
      `${text('observedLimit', { limit: limitText(limit) })} · ${shareText(observed, limit.unit)}`,
    ),
  ];
}

function platformCell(clue, zone) {
  const key = `state_${clue.state}`;
  const words = hasText(key) ? text(key) : clue.state;
  const notes = [
    ...(clue.status === 'STANDING' ? [] : [text('notStanding')]),
    ...(clue.platformNo === null ? [] : [text('platformNo', { no: clue.platformNo })]),
    ...(clue.behaviorCode === null ? [] : [text('behavior', { code: clue.behaviorCode })]),
    ...(clue.state === 'READY' ? [text('dueAt', { time: momentText(clue.dueAtMs, zone) })] : []),
    ...(clue.push !== null && clue.push.state !== 'sent' && clue.push.attempts > 0
      ? [text('attempts', { count: clue.push.attempts })]
      : []),
  ];
  const tag = stateTag(STATE_TONES[clue.state] ?? 'waiting', words);
  tag.title = clue.push?.lastError ?? '';
  return [tag, ...notes.map((note) => sub(note))];
}

function evidenceLink(clue) {
  if (clue.evidenceId === null) {
    return element('span', { class: 'muted' }, text('evidenceNone'));
  }
  return element(
    'a',
    {
      href: `/api/v1/evidence/${clue.evidenceId}`,
      'aria-label': text('evidenceLabel', { clue: clue.clueNo }),
      title: `SHA-256 ${clue.evidenceId}`,
    },
    text('evidenceOpen'),
    sub(clue.evidenceId.slice(0, 12)),
  );
}
