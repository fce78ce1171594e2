import { element, syncChildren } from './element.js';
import { countText, momentText } from './format.js';
import { text } from './text.js';

/** The figures of the head, most urgent first; `tone` gives the colour and the shape of a state. */
function figuresOf(status, timeZone) {
  const { standings, clues, deadLetters, hub } = status;
  const pos = status.shards.reduce((sum, shard) => sum + shard.pos, 0);
  const lag = status.shards.reduce((sum, shard) => sum + shard.lag, 0);
  const perSecond = hub.readingsPerSecond;
  return [
    { key: 'over', tone: 'over', value: countText(standings.over) },
    { key: 'near', tone: 'near', value: countText(standings.near) },
    { key: 'below', tone: 'below', value: countText(standings.below) },
    { key: 'no-data', tone: 'no-data', value: countText(standings.noData) },
    {
      key: 'clues',
      value: countText(clues.total),
      note: text('cluesAtPlatform', { count: countText(clues.atPlatform) }),
    },
    ...(typeof perSecond === 'number'
      ? [{ key: 'readings', value: countText(Math.round(perSecond)), note: text('perSecond') }]
      : []),
    { key: 'journal', value: countText(pos), note: text('lag', { count: countText(lag) }) },
    ...(deadLetters.count > 0
      ? [
          {
            key: 'deadLetters',
            value: `${countText(deadLetters.count)}${deadLetters.more ? '+' : ''}`,
            note: text('deadLettersHint'),
          },
        ]
      : []),
    { key: 'asOf', value: momentText(status.asOfMs, timeZone) },
  ];
}

export function renderSummary(list, status, timeZone) {
  syncChildren(list, figuresOf(status, timeZone), {
    keyOf: (figure) => figure.key,
    versionOf: (figure) => JSON.stringify([figure, text(figure.key)]),
    create: (figure) =>
      element('div', { class: 'figure', 'data-tone': figure.tone, 'data-figure': figure.key }),
    update(node, figure) {
      node.replaceChildren(
        element('dt', {}, text(figure.key)),
        element(
          'dd',
          {},
          element('span', { class: 'figure-value' }, figure.value),
          ...(figure.note === undefined
            ? []
            : [element('span', { class: 'figure-note' }, figure.note)]),
        ),
      );
    },
  });
}
