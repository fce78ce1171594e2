import { readSeries } from './api.js';
import { element } from './element.js';
import { limitText, momentText, unitText } from './format.js';
import { RANGES, rangeOf } from './minute-series.js';
import { hazardName, postKey, postName } from './post-table.js';
import { createSeriesChart } from './series-chart.js';
import { hasText, text } from './text.js';

const byId = (id) => document.getElementById(id);

/** The chart with its head, its range buttons and the facts below it. */
export function createChartPanel() {
  const chart = createSeriesChart(byId('chart'));
  let choice = 'hours24';
  let row;
  let asked = 0;

  /** An answer that was overtaken by a later question is dropped. */
  async function refresh() {
    renderTexts();
    if (row === undefined || row.channel === null) return showNothing();
    asked += 1;
    const mine = asked;
    const series = await readSeries(row.channel, rangeOf(row, choice));
    if (mine !== asked) return;
    const empty = series.points.length === 0;
    byId('chart').hidden = empty;
    byId('chart-empty').hidden = !empty;
    byId('chart-empty').textContent = text('chartEmpty');
    if (empty) chart.clear();
    else chart.show(row, series);
    renderNote(series);
  }

  function showNothing() {
    byId('chart').hidden = true;
    byId('chart-empty').hidden = false;
    byId('chart-empty').textContent = text(row === undefined ? 'chartNone' : 'chartEmpty');
    byId('chart-note').textContent = '';
    chart.clear();
  }

  function renderNote(series) {
    const unit = series.points.at(-1)?.unit;
    const other = row.limit !== null && unit !== undefined && unit !== row.limit.unit;
    const key = `note_${row.limitKind}`;
    byId('chart-note').textContent = [
      ...(hasText(key) ? [text(key)] : []),
      ...(other
        ? [text('chartUnit', { cell: unitText(unit), limit: unitText(row.limit.unit) })]
        : []),
    ].join(' ');
  }

  function renderTexts() {
    const buttons = RANGES.map((range) => {
      const button = element(
        'button',
        { type: 'button', class: 'chip', 'aria-pressed': String(range === choice) },
        text(`range_${range}`),
      );
      button.addEventListener('click', () => {
        choice = range;
        refresh().catch(report);
        byId('ranges').children[RANGES.indexOf(range)].focus();
      });
      return button;
    });
    if (!sameButtons(buttons)) byId('ranges').replaceChildren(...buttons);
    byId('chart-title').textContent =
      row === undefined
        ? text('chartNone')
        : text('chartFor', { post: postName(row), factor: hazardName(row) });
    byId('chart-subtitle').textContent =
      row === undefined ? '' : (row.enterprise.name ?? row.enterprise.uscc);
    byId('chart-facts').replaceChildren(...(row === undefined ? [] : factsOf(row)));
  }

  /** Buttons are replaced only when they differ, so that a refresh doesn't take the focus. */
  function sameButtons(buttons) {
    const present = [...byId('ranges').children];
    return (
      present.length === buttons.length && present.every((node, i) => node.isEqualNode(buttons[i]))
    );
  }

  let report = () => undefined;
  return {
    /** Where failures of the panel's own requests go. */
    onFailure(listener) {
      report = listener;
    },
    show(next) {
      const changed = row === undefined || next === undefined || postKey(row) !== postKey(next);
      row = next;
      if (changed) byId('chart-note').textContent = '';
      return refresh();
    },
  };
}

function factsOf(row) {
  const { channel, limit, latestResult, standing, enterprise } = row;
  const facts = [
    ['channel', channel === null ? '–' : `${channel.device} · ${channel.metric}`],
    ['law', limit === null ? '–' : `${limit.standard} ${limit.clause} · ${limitText(limit)}`],
    ...(latestResult === null ? [] : [['basis', basisText(latestResult.basis)]]),
    ['asOfRow', momentText(standing.asOfMs, enterprise.timeZone)],
  ];
  return facts.map(([key, value]) =>
    element('div', {}, element('dt', {}, text(key)), element('dd', {}, value)),
  );
}

const basisText = (basis) => (hasText(`basis_${basis}`) ? text(`basis_${basis}`) : basis);
