import { fail, ok, type Result } from '../../model/result.ts';

export const NAMESPACE = 'spBv1.0';

const NODE_KINDS = ['NBIRTH', 'NDEATH', 'NDATA', 'NCMD'] as const;
const DEVICE_KINDS = ['DBIRTH', 'DDEATH', 'DDATA', 'DCMD'] as const;
export type NodeKind = (typeof NODE_KINDS)[number];
export type DeviceKind = (typeof DEVICE_KINDS)[number];
export type MessageKind = NodeKind | DeviceKind;

/** Where a message of an edge node stands (Sparkplug 3.0, chapter 4). */
export interface SparkplugTopic {
  readonly group: string;
  readonly edgeNode: string;
  readonly kind: MessageKind;
  /** Null: of the edge node itself. */
  readonly device: string | null;
}

const NODE: ReadonlySet<string> = new Set(NODE_KINDS);
const DEVICE: ReadonlySet<string> = new Set(DEVICE_KINDS);

export const sparkplugTopicOf = ({ group, edgeNode, kind, device }: SparkplugTopic): string =>
  `${NAMESPACE}/${group}/${kind}/${edgeNode}${device === null ? '' : `/${device}`}`;

/** `not-ours`: another namespace, or a STATE; `malformed`: an element is missing, empty or too many. */
export function parseSparkplugTopic(
  topic: string,
): Result<SparkplugTopic, 'not-ours' | 'malformed'> {
  const [namespace, group = '', kind = '', edgeNode = '', device = null, ...more] =
    topic.split('/');
  if (namespace !== NAMESPACE || group === 'STATE') {
    return fail('not-ours', `topic ${topic} is of no edge node`);
  }
  const isKnown = device === null ? NODE.has(kind) : DEVICE.has(kind);
  const isWhole = group !== '' && edgeNode !== '' && device !== '' && more.length === 0;
  if (!isKnown || !isWhole) {
    return fail('malformed', `topic ${topic} is not ${NAMESPACE}/{group}/{type}/{edge}[/{device}]`);
  }
  return ok({ group, edgeNode, kind: kind as MessageKind, device });
}

/** What a host subscribes to: the groups', all by default, and its own STATE. */
export const hostSubscriptions = (hostId: string, groups: readonly string[]): string[] =>
  groups.length === 0
    ? [stateTopicOf(hostId), `${NAMESPACE}/#`]
    : [stateTopicOf(hostId), ...groups.map((group) => `${NAMESPACE}/${group}/#`)];

export const stateTopicOf = (hostId: string): string => `${NAMESPACE}/STATE/${hostId}`;
