import type { DatabaseConnection } from '../database/connect.ts';
import { diffRegistry } from '../devices/diff.ts';
import { type Hj212Logger, hj212Loggers } from '../devices/hj212-stations.ts';
import { readRegistryState } from '../devices/projection.ts';
import { readRegistryFile } from '../devices/registry-file.ts';
import { applyFact, findGateway, type RegistryState } from '../devices/registry-state.ts';
import { nodeKeyOf, type SparkplugNode, sparkplugNodes } from '../devices/sparkplug-nodes.ts';
import { factsBehind } from '../ingest/journal/facts-behind.ts';
import { readOutputCursor } from '../ingest/output-transaction.ts';
import type { Fact, Gateway } from '../model/facts.ts';
import type { GatewayId } from '../model/ids.ts';
import { ConfigError } from '../process/config-file.ts';
import type { Logger } from '../process/log.ts';
import { lawFaults } from '../thresholds/limits/law-faults.ts';
import { knownLimits } from './known-limits.ts';

type Source = Pick<DatabaseConnection, 'db' | 'pool'>;

/** The registry as this process knows it: what the journal holds, and the facts appended since. */
export interface OpenRegistry {
  readonly shard: string;
  readonly source: Source;
  state: RegistryState;
  /** The gateway that the broker asks for, by id. */
  gateway(id: string): Gateway | undefined;
  /** The data logger that HJ 212 frames of this MN come from. */
  hj212Logger(mn: string): Hj212Logger | undefined;
  /** The edge node that Sparkplug messages of this group and name come from. */
  sparkplugNode(group: string, edgeNode: string): SparkplugNode | undefined;
}

export async function openRegistry(source: Source, shard: string): Promise<OpenRegistry> {
  const loggers = latest(hj212Loggers);
  const nodes = latest(sparkplugNodes);
  const registry: OpenRegistry = {
    shard,
    source,
    state: await readState(source, shard),
    gateway: (id) => findGateway(registry.state, id as GatewayId),
    hj212Logger: (mn) => loggers(registry.state).get(mn),
    sparkplugNode: (group, edgeNode) => nodes(registry.state).get(nodeKeyOf(group, edgeNode)),
  };
  return registry;
}

/**
 * Projected facts, and those of the journal that the evaluator, maybe another process, has not come to:
 * a registry is imported whether anybody evaluates or not.
 */
async function readState({ db, pool }: Source, shard: string): Promise<RegistryState> {
  const evaluatedTo = await readOutputCursor(db, shard);
  const projected = await readRegistryState(db, shard);
  return (await factsBehind(pool, shard, evaluatedTo)).reduce(applyFact, projected);
}

/** What is made of a state, made anew only for another one. */
function latest<T>(make: (state: RegistryState) => T): (state: RegistryState) => T {
  let made: { readonly of: RegistryState; readonly value: T } | undefined;
  return (state) => {
    if (made?.of !== state) made = { of: state, value: make(state) };
    return made.value;
  };
}

/**
 * Brings the journal up to the registry file: the difference becomes facts with an effective time. Call
 * it when this process holds the shard, so that nobody else appends. Throws `ConfigError` with every
 * fault of the file; nothing is imported then.
 */
export async function importRegistry(
  file: string,
  {
    registry,
    ingest,
    log,
    nowMs,
  }: {
    registry: OpenRegistry;
    ingest: { appendFact(fact: Fact): Promise<unknown> };
    log: Logger;
    nowMs: number;
  },
): Promise<void> {
  const read = readRegistryFile(file, { nowMs, limitSets: knownLimits() });
  if (!read.ok) throw new ConfigError(file, read.detail.split('\n'));
  const faults = lawFaults(read.value.entities);
  if (faults.length > 0) throw new ConfigError(file, faults);
  registry.state = await readState(registry.source, registry.shard);
  const facts = diffRegistry(registry.state, read.value, nowMs);
  // Appended in order without waiting for each: the writer commits them in groups.
  await Promise.all(facts.map((fact) => ingest.appendFact(fact)));
  // A new object: what was made of the one before is made again.
  registry.state = { ...facts.reduce(applyFact, registry.state) };
  log.info({ file, facts: facts.length }, 'registry file imported');
}
