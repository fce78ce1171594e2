import { z } from 'zod';
import type { CommandOrder } from '../model/command-order.ts';
import type { GatewayId } from '../model/ids.ts';
import { fail, ok, type Result } from '../model/result.ts';
import { type SigningKey, signMessage } from '../telemetry/signing.ts';

/** A gateway that is there answers within this; one that is away never gets the command. */
const ANSWER_MS_MAX = 10_000;

const WithAnswer = z.looseObject({
  lastCommand: z.looseObject({ at: z.number(), result: z.unknown() }),
});

/** `at`: what the gateway is told as the command's time. `result` null: no answer came in time. */
export interface CommandAnswer {
  readonly at: number;
  readonly result: unknown;
}

export type CommandRefusal = 'unknown-gateway' | 'broker-away';

/** Signed commands to gateways. They are not kept: who is away does not get them. */
export interface Commands {
  /** Sends one and waits for the gateway's word on it. */
  send(gateway: string, order: CommandOrder): Promise<Result<CommandAnswer, CommandRefusal>>;
  /** A `status` of the gateway came. */
  onStatus(gateway: string, payload: Uint8Array): void;
}

interface CommandsDeps {
  readonly key: SigningKey;
  readonly now: () => number;
  readonly isKnown: (gateway: string) => boolean;
  /** False: the broker is away. */
  readonly publish: (gateway: string, payload: Buffer) => Promise<boolean>;
  readonly answerMsMax?: number;
}

interface Waiter {
  readonly at: number;
  readonly take: (result: unknown) => void;
}

export function createCommands(deps: CommandsDeps): Commands {
  const { key, publish, answerMsMax = ANSWER_MS_MAX } = deps;
  const waiters = new Map<string, Set<Waiter>>();
  let lastAt = 0;

  function answerTo(gateway: string, at: number): { answer: Promise<unknown>; end: () => void } {
    const { promise: answer, resolve: take } = Promise.withResolvers<unknown>();
    const own = waiters.get(gateway) ?? new Set();
    const waiter = { at, take };
    waiters.set(gateway, own.add(waiter));
    const timer = setTimeout(() => take(null), answerMsMax);
    const end = (): void => {
      clearTimeout(timer);
      own.delete(waiter);
      if (own.size === 0) waiters.delete(gateway);
    };
    return { answer, end };
  }

  return {
    async send(gateway, order) {
      if (!deps.isKnown(gateway)) return fail('unknown-gateway', `no gateway ${gateway}`);
      // A gateway obeys only what is later than the last.
      lastAt = Math.max(deps.now(), lastAt + 1);
      const at = lastAt;
      const message = { v: 1, gateway: gateway as GatewayId, at, ...order };
      const { answer, end } = answerTo(gateway, at);
      try {
        const payload = Buffer.from(JSON.stringify(signMessage(message, key)));
        if (!(await publish(gateway, payload))) {
          return fail('broker-away', 'the broker is away: nothing was sent');
        }
        return ok({ at, result: await answer });
      } finally {
        end();
      }
    },
    onStatus(gateway, payload) {
      const own = waiters.get(gateway);
      if (own === undefined) return;
      const status = WithAnswer.safeParse(JSON.parse(Buffer.from(payload).toString('utf8')));
      if (!status.success) return;
      const { at, result } = status.data.lastCommand;
      if (result === null || result === undefined) return;
      for (const waiter of own) if (waiter.at === at) waiter.take(result);
    },
  };
}
