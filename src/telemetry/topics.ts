import { GatewayId, RegionCode } from '../model/ids.ts';
import { fail, ok, type Result } from '../model/result.ts';

export const GATEWAY_CHANNELS = ['live', 'backfill', 'gap', 'seal', 'status'] as const;
export const HUB_CHANNELS = ['ack', 'command'] as const;
export type GatewayChannel = (typeof GATEWAY_CHANNELS)[number];
export type TopicChannel = GatewayChannel | (typeof HUB_CHANNELS)[number];

export interface Topic {
  readonly region: RegionCode;
  readonly gateway: GatewayId;
  readonly channel: TopicChannel;
}

const ALL: ReadonlySet<string> = new Set([...GATEWAY_CHANNELS, ...HUB_CHANNELS]);

/** `wugan/v1/{region}/{gateway}/{channel}`. */
export const topicOf = (topic: Topic): string =>
  `wugan/v1/${topic.region}/${topic.gateway}/${topic.channel}`;

/** What all gateways of a region publish on a channel, for a subscription; of all regions by default. */
export const subscriptionTo = (channel: GatewayChannel, region: RegionCode | '+' = '+'): string =>
  `wugan/v1/${region}/+/${channel}`;

export function parseTopic(
  topic: string,
): Result<Topic, 'not-ours' | 'unknown-version' | 'malformed'> {
  const parts = topic.split('/');
  if (parts[0] !== 'wugan') return fail('not-ours', `topic ${topic} does not start with wugan/`);
  if (parts[1] !== 'v1') return fail('unknown-version', `topic ${topic} is not of version v1`);
  const region = RegionCode.safeParse(parts[2]);
  const gateway = GatewayId.safeParse(parts[3]);
  const channel = parts[4] ?? '';
  if (parts.length !== 5 || !region.success || !gateway.success || !ALL.has(channel)) {
    return fail('malformed', `topic ${topic} is not wugan/v1/{region}/{gateway}/{channel}`);
  }
  return ok({ region: region.data, gateway: gateway.data, channel: channel as TopicChannel });
}
