import type { Connection } from './connection.ts';

/** Notices two devices that send under one MN: their connections take turns. */
export interface SharedMns {
  note(mn: string, connection: Connection): void;
  forget(connection: Connection): void;
}

interface Users {
  last: Connection;
  /** A connection that another one has followed. */
  readonly before: Set<Connection>;
  isTold: boolean;
}

/**
 * A device that lost its line comes back on another connection and stays there; only when the earlier one
 * sends again are there two. Told once per pair of connections.
 */
export function createSharedMns(
  onShared: (mn: string, addresses: readonly string[]) => void,
): SharedMns {
  const usersByMn = new Map<string, Users>();
  return {
    note(mn, connection) {
      const users = usersByMn.get(mn);
      if (users === undefined) {
        usersByMn.set(mn, { last: connection, before: new Set(), isTold: false });
        return;
      }
      if (users.last === connection) return;
      if (users.before.has(connection) && !users.isTold) {
        users.isTold = true;
        onShared(mn, [connection.address, users.last.address]);
      }
      users.before.add(users.last);
      users.last = connection;
    },
    forget(connection) {
      for (const [mn, users] of usersByMn) {
        users.before.delete(connection);
        if (users.last === connection) usersByMn.delete(mn);
      }
    },
  };
}
