import type { Gateway } from '../../model/facts.ts';
import {
  parseSparkplugTopic,
  type SparkplugTopic,
  stateTopicOf,
} from '../../telemetry/sparkplug/sparkplug-topic.ts';
import { type GatewayChannel, parseTopic } from '../../telemetry/topics.ts';

/** A topic on which a client may publish: a channel of its gateway, or one of its edge node. */
export type OwnTopic =
  | { readonly kind: 'channel'; readonly channel: GatewayChannel }
  | { readonly kind: 'edge'; readonly topic: SparkplugTopic };

/** What a gateway's topic is to it; undefined: none of its own. */
export function ownTopicOf(gateway: Gateway, topic: string): OwnTopic | undefined {
  const channel = channelOf(gateway, topic);
  if (channel !== undefined) return { kind: 'channel', channel };
  if (gateway.sparkplug === undefined) return undefined;
  const parsed = parseSparkplugTopic(topic);
  if (!parsed.ok) return undefined;
  const { group, edgeNode, kind } = parsed.value;
  const own = group === gateway.sparkplug.group && edgeNode === gateway.sparkplug.edgeNode;
  const isCommand = kind === 'NCMD' || kind === 'DCMD';
  return own && !isCommand ? { kind: 'edge', topic: parsed.value } : undefined;
}

function channelOf({ id, region }: Gateway, topic: string): GatewayChannel | undefined {
  const prefix = `wugan/v1/${region}/${id}/`;
  if (!topic.startsWith(prefix)) return undefined;
  switch (topic.slice(prefix.length)) {
    case 'live':
      return 'live';
    case 'backfill':
      return 'backfill';
    case 'gap':
      return 'gap';
    case 'seal':
      return 'seal';
    case 'status':
      return 'status';
    default:
      return undefined;
  }
}

/**
 * Whether a gateway may read a topic: its own `ack` and `command`; of an edge node its commands and the
 * STATE of the host.
 *
 * @param hostId of the Sparkplug host; null: there is none
 */
export function mayRead(gateway: Gateway, topic: string, hostId: string | null): boolean {
  const parsed = parseTopic(topic);
  if (parsed.ok) {
    const { region, gateway: id, channel } = parsed.value;
    const own = id === gateway.id && region === gateway.region;
    return own && (channel === 'ack' || channel === 'command');
  }
  if (gateway.sparkplug === undefined || hostId === null) return false;
  const { group, edgeNode } = gateway.sparkplug;
  const node = `spBv1.0/${group}/NCMD/${edgeNode}`;
  const devices = `spBv1.0/${group}/DCMD/${edgeNode}`;
  const readable = [node, `${node}/#`, `${devices}/#`, `${devices}/+`, stateTopicOf(hostId)];
  return [...readable, stateTopicOf('+'), stateTopicOf('#')].includes(topic);
}
