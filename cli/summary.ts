/** What the summary shows of the running demo or hub. */
export interface SummaryFigures {
  readonly virtualNowMs: number | null;
  readonly speed: number | null;
  readonly readingsPerSecond: number;
  readonly journalPos: number;
  readonly evaluatorLag: number;
  readonly postsNear: number;
  readonly postsOver: number;
  readonly cluesPushed: number;
  readonly deadLetters: number;
}

const zoned = new Intl.DateTimeFormat('en-CA', {
  timeZone: 'Asia/Shanghai',
  dateStyle: 'short',
  timeStyle: 'medium',
  hourCycle: 'h23',
});

/** One calm line: what flows, where it stands, what came out of it. */
export function summaryLine(figures: SummaryFigures): string {
  const clock =
    figures.virtualNowMs === null
      ? ''
      : `${zoned.format(figures.virtualNowMs).replace(',', '')} (×${figures.speed})  `;
  return (
    `${clock}${figures.readingsPerSecond.toFixed(0)} readings/s  ` +
    `journal ${figures.journalPos} (lag ${figures.evaluatorLag})  ` +
    `posts near ${figures.postsNear}, over ${figures.postsOver}  ` +
    `clues pushed ${figures.cluesPushed}` +
    (figures.deadLetters > 0 ? `  dead letters ${figures.deadLetters}` : '')
  );
}

export interface SummaryPrinter {
  /** A line that stays: something happened. */
  event(name: string, text: string, detail?: Readonly<Record<string, unknown>>): void;
  /** Replaces the line before on a terminal; a line of its own every few seconds elsewhere. */
  show(figures: SummaryFigures): void;
  close(): void;
}

/** How often the line is printed where it can't be redrawn. */
const PLAIN_EVERY_MS = 10_000;

/** `json`: every event and summary is one JSON object per line. */
export function createSummaryPrinter(
  out: NodeJS.WriteStream,
  { json, now }: { json: boolean; now: () => number },
): SummaryPrinter {
  let shown = false;
  let plainAtMs = 0;
  const line = (value: object): void => {
    out.write(`${JSON.stringify(value)}\n`);
  };
  const clear = (): void => {
    if (shown) out.write('\r\x1b[2K');
    shown = false;
  };
  return {
    event(name, text, detail = {}) {
      if (json) return line({ event: name, at: now(), ...detail });
      clear();
      out.write(`${text}\n`);
    },
    show(figures) {
      if (json) return line({ event: 'summary', at: now(), ...figures });
      if (out.isTTY) {
        clear();
        out.write(summaryLine(figures).slice(0, (out.columns ?? 120) - 1));
        shown = true;
      } else if (now() - plainAtMs >= PLAIN_EVERY_MS) {
        plainAtMs = now();
        out.write(`${summaryLine(figures)}\n`);
      }
    },
    close: clear,
  };
}
