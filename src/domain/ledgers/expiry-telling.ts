import { type Answerers, type PointsExpireInput, pointsExpire } from '../../extension/index.ts';
import { refuse } from '../../kernel/errors.ts';
import { toEntryId, toPublicId } from '../../kernel/ids.ts';
import { isStorable } from '../../kernel/text.ts';
import { type ExpressionFacts, toFacts, toldMember } from '../expressions/index.ts';
import type { PinnedProgram, ProgramService } from '../programs/index.ts';
import type { AskingParts } from './act-asking.ts';
import { findAskedMember } from './asked-member.repository.ts';
import {
  type Expiry,
  endPlace,
  type FoundPlace,
  findExpiries,
  findPlace,
  movePlace,
} from './expiry.repository.ts';

const POINT = pointsExpire.name;
/** Told at once, each to another member: one member's are told one after the other. */
const AT_ONCE = 8;
const EXPIRIES_A_READ = 80;
const POSITIONS_A_READ = 10_000n;

type Told = Answerers<ExpressionFacts, PointsExpireInput, unknown>;

export interface ExpiryTellingParts extends AskingParts {
  readonly programs: ProgramService;
  /** Whether a plugin of the operator's answers, of every tenant. */
  readonly isForAll: boolean;
  /** Told of what was tried for as long as it is, and is told no more. */
  readonly onGivenUp: (given: { readonly tenantKey: string; readonly entry: string }) => void;
}

/** Tells extensions what expired, from a kept place in the tenant's feed; by a job, never in a request. */
export class ExpiryTelling {
  readonly isForAll: boolean;
  readonly #parts: ExpiryTellingParts;

  constructor(parts: ExpiryTellingParts) {
    this.#parts = parts;
    this.isForAll = parts.isForAll;
  }

  /**
   * Tells some of what wasn't told yet. Two who do so at once tell the same twice, and lose nothing.
   * @throws Refusal EXTENSION_UNAVAILABLE where it wasn't heard, and is to be told again; NO_PROGRAM
   */
  async tell(tenantKey: string): Promise<{ readonly told: number; readonly isAll: boolean }> {
    const { asker, database, programs } = this.#parts;
    const answerers = await asker.find(tenantKey, pointsExpire);
    if (answerers === null) {
      await database.transaction(tenantKey, (tx) => endPlace(tx, tenantKey, POINT));
      return { told: 0, isAll: true };
    }
    const program = await programs.inForce(tenantKey);
    const place = await database.transaction(tenantKey, (tx) => findPlace(tx, tenantKey, POINT));
    if (place.position >= place.feed) return { told: 0, isAll: true };
    return await this.#tellSome(tenantKey, { answerers, program, place });
  }

  async #tellSome(
    tenantKey: string,
    {
      place,
      ...to
    }: { readonly place: FoundPlace; readonly answerers: Told; readonly program: PinnedProgram },
  ): Promise<{ readonly told: number; readonly isAll: boolean }> {
    const { database } = this.#parts;
    const wanted = place.position + POSITIONS_A_READ;
    const upTo = wanted < place.feed ? wanted : place.feed;
    const range = { behind: place.position, upTo, most: EXPIRIES_A_READ };
    const expiries = await findExpiries(database.read(tenantKey), tenantKey, range);
    const move = (position: bigint, isFailing = false): Promise<void> =>
      database.transaction(tenantKey, (tx) => movePlace(tx, tenantKey, POINT, { position, isFailing }));
    let behind = place.position;
    // What failed is told by itself, so that nobody else is told the same with each try.
    for (const group of groupsOf(expiries, place.failingSince === null ? AT_ONCE : 1)) {
      const unheard = await Promise.all(group.map((expiry) => this.#tellOne(tenantKey, to, expiry)));
      const failed = unheard.findIndex((by) => by !== null);
      const isGivenUp = failed === 0 && place.isOver && behind === place.position;
      if (isGivenUp) this.#giveUp(tenantKey, group[0]);
      const heard = failed === -1 ? group.length : isGivenUp ? 1 : failed;
      behind = group[heard - 1]?.position ?? behind;
      const isFailing = failed !== -1 && !isGivenUp;
      await move(behind, isFailing);
      if (isFailing) throw refuse('EXTENSION_UNAVAILABLE', null, { extension: unheard[failed] ?? '' });
    }
    const isWhole = expiries.length < EXPIRIES_A_READ;
    if (isWhole) await move(upTo);
    return { told: expiries.length, isAll: isWhole && upTo === place.feed };
  }

  /** The extension that didn't hear it and is to be told again; null where there is none. */
  async #tellOne(
    tenantKey: string,
    { answerers, program }: { readonly answerers: Told; readonly program: PinnedProgram },
    expiry: Expiry,
  ): Promise<string | null> {
    const { database, tiersOf } = this.#parts;
    const { memberKey, lost } = expiry;
    const [asked, tiers] = await Promise.all([
      findAskedMember(database.read(tenantKey), tenantKey, memberKey),
      tiersOf(tenantKey, program, [memberKey]),
    ]);
    if (asked === null) return null;
    const { now, ...member } = asked;
    const tier = tiers.get(memberKey) ?? null;
    const publicId = toPublicId('member', memberKey);
    const input = toInput(expiry, toldMember(member, publicId, tier));
    let unheard: string | null = null;
    await answerers.ask(input, {
      ...{ mode: 'LIVE', idempotencyKey: input.entry, subject: publicId, now },
      facts: () => {
        const happening = { ...HAPPENING, amount: lost, occurredAt: expiry.occurredAt };
        return toFacts({ member, publicId, happening, tier }, now, program.definition.timeZone);
      },
      judge: (output) => (isStorable(output) ? null : { code: 'OUTPUT_TEXT_INVALID', details: {} }),
      // One that fails closed is to be told again.
      failed: (extension, onFailure) => {
        if (onFailure === 'FAIL_CLOSED') unheard ??= extension;
      },
    });
    return unheard;
  }

  #giveUp(tenantKey: string, expiry: Expiry | undefined): void {
    if (expiry === undefined) return;
    this.#parts.onGivenUp({ tenantKey, entry: toEntryId(expiry.ledgerKey, expiry.version) });
  }
}

function toInput(
  { ledgerKey, version, operationKey, assetCode, lost, occurredAt, balanceAfter }: Expiry,
  member: PointsExpireInput['member'],
): PointsExpireInput {
  return {
    member,
    ...{ asset: assetCode, amount: String(lost), expiredAt: occurredAt.toISOString() },
    ...{ balanceAfter: String(balanceAfter), entry: toEntryId(ledgerKey, version) },
    operation: toPublicId('operation', operationKey),
  };
}

/** What follows one another and is of different members, as far as it is told at once. */
function groupsOf(expiries: readonly Expiry[], most: number): Expiry[][] {
  const groups: Expiry[][] = [];
  for (const expiry of expiries) {
    const last = groups.at(-1);
    const fits = last !== undefined && last.length < most;
    if (fits && last.every(({ memberKey }) => memberKey !== expiry.memberKey)) last.push(expiry);
    else groups.push([expiry]);
  }
  return groups;
}

/** What filters see, beside what expired. */
const HAPPENING = {
  ...{ trigger: 'points_expire', channel: null, store: null, orderNumber: null, lines: [] },
};
