import { LedgerModel, type ModelAct, type ModelWish, wantedOf } from './model.ts';

/** An asset, in plain words. */
export interface ModelAsset {
  readonly spendable: boolean;
  readonly transferable: boolean;
  readonly mayOwe: boolean;
  /** When what is earned at a moment is over. */
  overAt(now: Date): Date | null;
}

/** A request to a tenant's ledgers. */
export interface Wish {
  readonly kind: ModelWish['kind'] | 'TRANSFER';
  readonly requestKey: string;
  /** The mutation and all of its input but the key: what a key is bound to. */
  readonly says: string;
  readonly member: string;
  readonly asset: string;
  readonly to: string;
  readonly amount: bigint;
  readonly whole: boolean;
  readonly final: boolean;
  /** A credit's moments; at once, and as the asset says, when null. */
  readonly dueAt: Date | null;
  readonly overAt: Date | null;
  /** When a hold ends: a moment, or hours from now; never when both are null. */
  readonly endsAt: Date | null;
  readonly endsInHours: number | null;
  /** The hold that is captured or released, the operation that is undone. */
  readonly hold: string;
  readonly undoes: string;
}

/** What was done, in which ledgers. */
interface Done {
  readonly kind: Wish['kind'];
  readonly wish: Wish;
  readonly place: string;
  /** A transfer's receiver. */
  readonly toPlace: string | null;
}

const HOUR_MS = 3_600_000;
/** These look at the amount before they look at the key. */
const BY_HAND: readonly Wish['kind'][] = ['EARN', 'REDEEM', 'ADJUST'];
const UNDONE_BY_HAND: readonly Wish['kind'][] = ['EARN', 'REDEEM', 'ADJUST', 'CAPTURE', 'TRANSFER'];

/** What a tenant's ledgers, holds and keys are, in plain words: it knows nothing of the product. */
export class TenantModel {
  readonly #assets: ReadonlyMap<string, ModelAsset>;
  readonly ledgers = new Map<string, LedgerModel>();
  /** By key: what it says, and the operation that it made. */
  readonly bound = new Map<string, { says: string; operation: string }>();
  readonly #done = new Map<string, Done>();
  readonly #placeOfHold = new Map<string, string>();
  #lots = 0;

  constructor(assets: ReadonlyMap<string, ModelAsset>) {
    this.#assets = assets;
  }

  ledger(place: string): LedgerModel {
    const known = this.ledgers.get(place);
    if (known !== undefined) return known;
    const made = new LedgerModel(this.#asset(place.split(' ')[1] ?? '').mayOwe);
    this.ledgers.set(place, made);
    return made;
  }

  #asset(code: string): ModelAsset {
    const asset = this.#assets.get(code);
    if (asset === undefined) throw new Error(`The model has no asset ${code}.`);
    return asset;
  }

  #newLot(): string {
    this.#lots += 1;
    return String(this.#lots).padStart(9, '0');
  }

  /** Where a wish acts: the member and the asset. */
  placeOf(wish: Wish): string {
    const { kind } = wish;
    if (kind === 'CAPTURE' || kind === 'RELEASE') return this.#placeOfHold.get(wish.hold) ?? 'nowhere';
    if (kind === 'REVERSE') return this.#done.get(wish.undoes)?.place ?? 'nowhere';
    return `${wish.member} ${wish.asset}`;
  }

  /** The same as one ledger sees it. */
  #asked(wish: Wish, kind: ModelWish['kind'], place: string, now: Date): ModelWish {
    const ledger = this.ledger(place);
    const [, asset = ''] = place.split(' ');
    const { amount, whole, final, endsInHours } = wish;
    const lasts = endsInHours === null ? null : new Date(now.getTime() + endsInHours * HOUR_MS);
    return {
      ...{ kind, amount, whole, final },
      dueAt: wish.dueAt ?? now,
      overAt: wish.overAt ?? this.#asset(asset).overAt(now),
      endsAt: wish.endsAt ?? lasts,
      hold: ledger.holds.find(({ key }) => key === wish.hold),
      act: this.#act(place, wish.undoes),
    };
  }

  #act(place: string, operation: string): ModelAct | undefined {
    return this.ledger(place).acts.find(({ key }) => key === operation);
  }

  /** Why a wish is refused at this moment; null when it isn't, or was done before. */
  refusal(wish: Wish, now: Date): string | null {
    const { kind, amount, whole } = wish;
    if (kind === 'ADJUST' && amount === 0n) return 'AMOUNT_ZERO';
    if (BY_HAND.includes(kind) && kind !== 'ADJUST' && amount <= 0n) return 'AMOUNT_NOT_POSITIVE';
    const bound = this.bound.get(wish.requestKey);
    if (bound !== undefined) return bound.says === wish.says ? null : 'IDEMPOTENCY_CONFLICT';
    const place = this.placeOf(wish);
    if (kind === 'REVERSE') {
      if (!whole && amount <= 0n) return 'AMOUNT_NOT_POSITIVE';
      const done = this.#done.get(wish.undoes);
      if (done === undefined) return 'OPERATION_NOT_FOUND';
      if (!UNDONE_BY_HAND.includes(done.kind)) return 'OPERATION_NOT_REVERSIBLE';
      if (done.toPlace !== null) return this.#refusalOfTakingBackGift(wish, done, done.toPlace, now);
    }
    if (kind === 'CAPTURE' || kind === 'RELEASE') {
      if (kind === 'CAPTURE' && !whole && amount <= 0n) return 'AMOUNT_NOT_POSITIVE';
      if (place === 'nowhere') return 'HOLD_NOT_FOUND';
    } else if (kind !== 'REVERSE') {
      const { spendable, transferable } = this.#asset(wish.asset);
      if ((kind === 'REDEEM' || kind === 'HOLD') && !spendable) return 'ASSET_NOT_SPENDABLE';
      if (kind === 'TRANSFER' && wish.to === wish.member) return 'SELF_TRANSFER';
      if (kind === 'TRANSFER' && !transferable) return 'ASSET_NOT_TRANSFERABLE';
      if (kind === 'TRANSFER' && amount <= 0n) return 'AMOUNT_NOT_POSITIVE';
    }
    if (kind === 'TRANSFER') return this.#refusalOfGift(wish, now);
    const ledger = this.ledger(place);
    ledger.age(now);
    return ledger.refusal(this.#asked(wish, kind, place, now), now);
  }

  #refusalOfGift(wish: Wish, now: Date): string | null {
    const [giver, receiver] = [this.ledger(this.placeOf(wish)), this.ledger(`${wish.to} ${wish.asset}`)];
    for (const ledger of [giver, receiver]) ledger.age(now);
    const credit = { amount: wish.amount, dueAt: now, overAt: null };
    return giver.refusalOfSpend(wish.amount) ?? receiver.refusalOfCredit(credit, now);
  }

  #refusalOfTakingBackGift(wish: Wish, { place }: Done, toPlace: string, now: Date): string | null {
    const [giver, receiver] = [this.ledger(place), this.ledger(toPlace)];
    for (const ledger of [giver, receiver]) ledger.age(now);
    const [given, got] = [this.#act(place, wish.undoes), this.#act(toPlace, wish.undoes)];
    if (given === undefined || got === undefined) throw new Error('The model lost a transfer.');
    const wanted = wantedOf(given, wish);
    if (wanted === null) return 'REVERSAL_EXCEEDS_ORIGINAL';
    const { ofOwn, ofOthers } = receiver.takeable(got, wanted);
    return (
      receiver.refusalOfTakingBack(got, wanted) ?? giver.refusalOfRestoring(given, ofOwn + ofOthers, now)
    );
  }

  /** Does what was done. */
  follow(wish: Wish, made: { operation: string; hold: string }, now: Date): void {
    const { kind } = wish;
    const { operation } = made;
    const place = this.placeOf(wish);
    const undone = kind === 'REVERSE' ? this.#done.get(wish.undoes) : undefined;
    const toPlace = kind === 'TRANSFER' ? `${wish.to} ${wish.asset}` : (undone?.toPlace ?? null);
    for (const touched of [place, toPlace]) if (touched !== null) this.ledger(touched).age(now);
    const ledger = this.ledger(place);
    if (kind === 'TRANSFER') {
      const given = ledger.spend(operation, wish.amount);
      this.ledger(toPlace ?? '').receive(operation, given, () => this.#newLot());
    } else if (kind === 'REVERSE' && toPlace !== null) {
      const [given, got] = [this.#act(place, wish.undoes), this.#act(toPlace, wish.undoes)];
      if (given === undefined || got === undefined) throw new Error('The model lost a transfer.');
      const taken = this.ledger(toPlace).takeBack(got, wantedOf(given, wish) ?? 0n);
      const { dueAt, overAt } = this.#asked(wish, 'REVERSE', place, now);
      ledger.restore(given, taken, now, { operation, lot: this.#newLot(), dueAt, overAt });
    } else {
      const asked = this.#asked(wish, kind as ModelWish['kind'], place, now);
      ledger.follow(asked, { operation, lot: this.#newLot(), hold: made.hold }, now);
    }
    if (kind === 'HOLD') this.#placeOfHold.set(made.hold, place);
    this.#done.set(operation, { kind, wish, place, toPlace });
    this.bound.set(wish.requestKey, { says: wish.says, operation });
  }
}
