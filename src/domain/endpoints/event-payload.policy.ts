import type { Stream } from '../../events/index.ts';
import { toEntryId, toPublicId } from '../../kernel/ids.ts';
import { feedCursor } from '../ledgers/index.ts';
import { pointEventTypeOf } from '../live/index.ts';
import type { EventData } from './event.schema.ts';
import type { TellableEntry, TellableEvent } from './event-feed.repository.ts';
import { typeName } from './event-type.policy.ts';

/** What is sent: the same bytes at every attempt. */
export interface EventMessage {
  /** The cursor. */
  readonly id: string;
  readonly body: string;
}

/** The tenant that tells. */
export interface Teller {
  readonly tenantKey: string;
  readonly tenant: string;
}

/** An entry as endpoints are told it. */
export function entryMessage(teller: Teller, entry: TellableEntry): EventMessage {
  const { balanceAfter, pendingAfter, heldAfter } = entry;
  return messageOf(teller, entry, {
    ...{ stream: 'points', type: pointEventTypeOf(entry) },
    data: {
      asset: entry.assetCode,
      amount: String(entry.amount),
      kind: entry.kind,
      reason: entry.reason,
      version: String(entry.version),
      entryId: toEntryId(entry.ledgerKey, entry.version),
      operationId: toPublicId('operation', entry.operationKey),
      balance: {
        posted: String(balanceAfter),
        pending: String(pendingAfter),
        held: String(heldAfter),
        available: String(balanceAfter - heldAfter),
      },
    },
  });
}

/** What else the feed holds, as endpoints are told it. */
export function eventMessage(teller: Teller, event: TellableEvent): EventMessage {
  const { stream, type } = event;
  return messageOf(teller, event, { stream, type, data: dataOf(event) });
}

/** A message that only says that somebody tries an endpoint. */
export function testMessage({ tenant }: Teller, key: string, occurredAt: Date): EventMessage {
  const id = `test_${key}`;
  const event = { id, type: 'endpoint.test', occurredAt: occurredAt.toISOString(), tenant };
  return { id, body: JSON.stringify({ ...event, member: null, data: {} }) };
}

function dataOf(event: TellableEvent): EventData {
  const { subjectKey, detail } = event;
  if (event.stream === 'tiers')
    return {
      changeId: toPublicId('tierChange', subjectKey),
      ladder: event.ladder ?? '',
      from: event.fromTier,
      to: event.toTier,
      cause: event.cause ?? '',
    };
  if (event.stream === 'grants') {
    const use = textOf(detail?.use);
    return {
      grantId: toPublicId('grant', subjectKey),
      benefit: event.benefit ?? '',
      useId: use === null ? null : toPublicId('use', use),
    };
  }
  if (event.stream === 'members') {
    const other = textOf(detail?.other);
    return {
      changed: Array.isArray(detail?.changed) ? detail.changed.map(String) : null,
      status: textOf(detail?.status),
      otherMemberId: other === null ? null : toPublicId('member', other),
    };
  }
  return {
    extensionId: toPublicId('extension', subjectKey),
    name: event.name ?? '',
    point: event.point ?? '',
    version: typeof detail?.version === 'number' ? detail.version : null,
    stage: textOf(detail?.stage),
  };
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function messageOf(
  { tenantKey, tenant }: Teller,
  { position, occurredAt, memberKey }: Pick<TellableEvent, 'position' | 'occurredAt' | 'memberKey'>,
  { stream, type, data }: { readonly stream: Stream; readonly type: string; readonly data: EventData },
): EventMessage {
  const id = feedCursor(tenantKey, position);
  const event = {
    ...{ id, type: typeName(stream, type), occurredAt: occurredAt.toISOString(), tenant },
    member: memberKey === null ? null : { id: toPublicId('member', memberKey) },
    data,
  };
  return { id, body: JSON.stringify(event) };
}
