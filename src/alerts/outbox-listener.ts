import { type Listener, listenTo } from '../database/listen.ts';
import type { Logger } from '../process/log.ts';
import { OUTBOX_CHANNEL } from './apply.ts';

/**
 * Calls `onReleased` when a transaction that released a revision commits, in whichever process. What
 * was missed while the connection was away the dispatcher finds itself.
 */
export const listenToOutbox = ({
  onReleased,
  ...options
}: {
  readonly databaseUrl: string;
  readonly reconnectMsMax: number;
  readonly onReleased: () => void;
  readonly log: Logger;
}): Listener =>
  listenTo({
    ...options,
    channel: OUTBOX_CHANNEL,
    onListening: onReleased,
    onNotified: onReleased,
  });
