import type pg from 'pg';

/** Short numbers for gateways in the block index; made at first sight, never changed. */
export interface GatewayNumbers {
  /** Numbers of these gateways, in no particular order; asks the database for new ones only. */
  of(gateways: Iterable<string>): Promise<number[]>;
}

export function createGatewayNumbers(pool: pg.Pool): GatewayNumbers {
  const known = new Map<string, number>();

  async function learn(gateways: readonly string[]): Promise<void> {
    await pool.query(
      `insert into telemetry.gateway_number (gateway)
       select name from unnest($1::text[]) as name
       where not exists (select from telemetry.gateway_number where gateway = name)
       on conflict do nothing`,
      [gateways],
    );
    const found = await pool.query<{ gateway: string; number: number }>(
      'select gateway, number from telemetry.gateway_number where gateway = any ($1)',
      [gateways],
    );
    for (const { gateway, number } of found.rows) known.set(gateway, number);
  }

  return {
    async of(gateways) {
      const names = [...gateways];
      const unknown = names.filter((name) => !known.has(name));
      if (unknown.length > 0) await learn(unknown);
      return names.map((name) => known.get(name) as number);
    },
  };
}
