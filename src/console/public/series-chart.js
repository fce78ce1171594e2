import * as echarts from '/vendor/echarts.mjs';
import { clockText, limitText, momentText, unitText, valueText, valueWithUnit } from './format.js';
import { everyMinute, gapsOf } from './minute-series.js';
import { hazardName, postName } from './post-table.js';
import { text } from './text.js';

const FONT = 'system-ui, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif';
const MINUTE_MS = 60_000;
/** A band of less than this share of the chart has no room for its name. */
const LABELLED_SHARE_MIN = 0.1;

/** Colours come from the page's own variables: one place for light and dark. */
function palette() {
  const style = getComputedStyle(document.documentElement);
  const of = (name) => style.getPropertyValue(name).trim();
  return {
    text: of('--text'),
    muted: of('--muted'),
    grid: of('--line'),
    surface: of('--surface'),
    curve: of('--curve'),
    limit: of('--over'),
    shift: of('--band'),
    gap: of('--gap'),
  };
}

/**
 * The chart of one row. `show` draws a series; `summaryOf` says in words what it shows, for who can't
 * see it.
 */
export function createSeriesChart(node) {
  const chart = echarts.init(node, null, { renderer: 'canvas' });
  new ResizeObserver(() => chart.resize()).observe(node);
  let shown;
  const draw = () => {
    if (shown !== undefined) chart.setOption(optionOf(shown, palette()), { notMerge: true });
  };
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
  return {
    show(row, series) {
      shown = modelOf(row, series);
      node.setAttribute('aria-label', summaryOf(shown));
      draw();
    },
    clear() {
      shown = undefined;
      chart.clear();
    },
  };
}

function modelOf(row, series) {
  const minutes = everyMinute(series, row.standing.asOfMs);
  const unit = series.points.at(-1)?.unit ?? row.limit?.unit;
  const limit = row.limit !== null && row.limit.unit === unit ? row.limit : null;
  return {
    row,
    minutes,
    gaps: gapsOf(minutes),
    unit,
    limit,
    fromMs: series.fromMs,
    toMs: series.toMs,
    zone: row.enterprise.timeZone,
  };
}

function summaryOf({ row, minutes, gaps, unit, limit, fromMs, toMs, zone }) {
  const means = minutes.flatMap(({ point }) => point?.mean ?? []);
  const gapMinutes = gaps.reduce((sum, gap) => sum + (gap.toMs - gap.fromMs) / MINUTE_MS, 0);
  return text('chartLabel', {
    title: text('chartFor', { post: postName(row), factor: hazardName(row) }),
    from: momentText(fromMs, zone),
    to: momentText(toMs, zone),
    max: means.length === 0 ? '–' : valueWithUnit(Math.max(...means), unit),
    limit: limitText(limit),
    gap: gapMinutes,
  });
}

function optionOf(model, colours) {
  const { minutes, unit, limit, fromMs, toMs, zone } = model;
  const axisLabel = { color: colours.muted, fontFamily: FONT, fontSize: 11 };
  return {
    animation: false,
    textStyle: { fontFamily: FONT },
    grid: { left: 8, right: 22, top: 30, bottom: 6, containLabel: true },
    xAxis: {
      type: 'time',
      min: fromMs,
      max: toMs,
      axisLine: { lineStyle: { color: colours.grid } },
      axisTick: { lineStyle: { color: colours.grid } },
      axisLabel: { ...axisLabel, hideOverlap: true, formatter: (ms) => clockText(ms, zone) },
      splitLine: { show: false },
    },
    yAxis: {
      type: 'value',
      name: unitText(unit),
      nameTextStyle: { ...axisLabel, align: 'left' },
      scale: true,
      ...rangeWithLimit(minutes, limit),
      axisLabel: { ...axisLabel, showMaxLabel: false },
      splitLine: { lineStyle: { color: colours.grid, type: [2, 4] } },
    },
    tooltip: tooltipOf(model, colours),
    series: [meanSeries(model, colours)],
  };
}

/** The limit is always in sight, with some room above it and above the curve. */
function rangeWithLimit(minutes, limit) {
  const values = minutes.flatMap(({ point }) => point?.mean ?? []);
  if (limit !== null) values.push(limit.value);
  if (values.length === 0) return {};
  const low = Math.min(...values);
  const high = Math.max(...values);
  const room = Math.max((high - low) * 0.08, high * 0.02, 1e-6);
  const isLevel = limit?.unit === 'dB(A)' || limit?.unit === 'degC';
  const floor = isLevel ? Math.floor(low - room) : 0;
  return { min: floor, max: Number((high + room).toPrecision(3)) };
}

function meanSeries(model, colours) {
  const { minutes, gaps, limit } = model;
  return {
    type: 'line',
    name: text('mean'),
    data: minutes.map(({ minuteMs, point }) => [minuteMs, point?.mean ?? null]),
    connectNulls: false,
    showSymbol: false,
    lineStyle: { color: colours.curve, width: 1.5 },
    itemStyle: { color: colours.curve },
    emphasis: { disabled: true },
    markLine: limit === null ? undefined : limitLine(limit, colours),
    markArea: { silent: true, data: [...shiftBands(model, colours), ...gapBands(gaps, colours)] },
  };
}

const limitLine = (limit, colours) => ({
  silent: true,
  symbol: 'none',
  lineStyle: { color: colours.limit, width: 1.5, type: [6, 4] },
  label: {
    position: 'insideStartTop',
    formatter: text('limitLine', { value: limitText(limit) }),
    color: colours.limit,
    backgroundColor: colours.surface,
    borderRadius: 2,
    padding: [1, 4],
    fontSize: 11,
    fontFamily: FONT,
  },
  data: [{ yAxis: limit.value }],
});

/** The running shift and the last judged one, each by its name. */
function shiftBands({ row, fromMs, toMs }, colours) {
  const shifts = [row.standing.shift, row.latestResult?.shift].filter((shift) => shift);
  const distinct = new Map(shifts.map((shift) => [shift.startMs, shift]));
  return [...distinct.values()].map((shift) => {
    const startMs = Math.max(fromMs, shift.startMs);
    const endMs = Math.min(toMs, shift.endMs);
    const narrow = endMs - startMs < LABELLED_SHARE_MIN * (toMs - fromMs);
    return [
      {
        xAxis: startMs,
        name: narrow ? '' : shift.name,
        itemStyle: { color: colours.shift },
        label: { position: 'top', color: colours.muted, fontSize: 11, fontFamily: FONT },
      },
      { xAxis: endMs },
    ];
  });
}

const gapBands = (gaps, colours) =>
  gaps.map((gap) => [
    { xAxis: gap.fromMs, itemStyle: { color: colours.gap } },
    { xAxis: gap.toMs },
  ]);

function tooltipOf({ minutes, unit, fromMs, zone }, colours) {
  return {
    trigger: 'axis',
    backgroundColor: colours.surface,
    borderColor: colours.grid,
    textStyle: { color: colours.text, fontSize: 12 },
    axisPointer: { lineStyle: { color: colours.muted } },
    formatter([hit]) {
      const entry = minutes[Math.round((hit.axisValue - fromMs) / MINUTE_MS)];
      if (entry === undefined) return '';
      const { minuteMs, point } = entry;
      const lines = [`${momentText(minuteMs, zone)}`];
      if (point === null || point.mean === null) lines.push(text('gap'));
      else {
        lines.push(`${text('mean')} <b>${valueWithUnit(point.mean, unit)}</b>`);
        lines.push(`${text('max')} ${valueText(point.max, unit)}`);
      }
      if (point !== null) {
        lines.push(text('covered', { count: point.coveredSeconds }));
        if (point.excludedSeconds > 0)
          lines.push(text('excluded', { count: point.excludedSeconds }));
      }
      return lines.join('<br>');
    },
  };
}
