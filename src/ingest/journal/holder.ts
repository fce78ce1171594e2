import { hostname } from 'node:os';
import { isAlive, startOf } from '../../process/alive.ts';

/** Names this process as a holder of leases: its key, its machine, its number and when it started. */
export const holderOf = (keyId: string): string =>
  [keyId, hostname(), process.pid, startOf(process.pid)].join(' ');

/**
 * True: who holds the lease is this process, or one of the same key that this machine has no more. Two
 * living processes that share a key wait for each other like strangers.
 */
export function mayReplace(held: string, holder: string): boolean {
  if (held === holder) return true;
  const [key, machine, pid, start] = held.split(' ');
  const [ownKey, ownMachine] = holder.split(' ');
  if (key !== ownKey || machine !== ownMachine) return false;
  return !isAlive(Number(pid)) || startOf(Number(pid)) !== start;
}
