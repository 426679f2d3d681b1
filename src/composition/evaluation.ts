import { TierEvaluation, TierMarks, TierReview, TierTracker } from '../domain/tiers/index.ts';
import type { JobParts } from '../jobs/index.ts';
import type { Foundation } from './foundation.ts';
import { ledgerWriterOf } from './ledgers.ts';

type Parts = Omit<ConstructorParameters<typeof TierEvaluation>[0], 'onError'>;

/** What counts what is posted toward tiers, and what posts it. */
export function trackingOf(listener: ConstructorParameters<typeof TierTracker>[0]) {
  const marks = new TierMarks();
  const tiers = new TierTracker(listener, marks);
  return { marks, tiers, writer: ledgerWriterOf(tiers) };
}

/** What looks at tiers after the commits that something was counted in, and each day. */
export function evaluationOf(
  { logger }: Foundation,
  parts: Parts,
): {
  readonly evaluation: TierEvaluation;
  readonly review: TierReview;
  /** Reviews, and has evaluated what that left to extensions. */
  readonly reviewer: JobParts['tiers'];
} {
  const { database, programs, tierListener, feed } = parts;
  const evaluation = new TierEvaluation({
    ...parts,
    onError: (error) => logger.error({ err: error }, 'a tier could not be evaluated; that is tried again'),
  });
  const review = new TierReview(database, programs, tierListener, feed);
  const reviewTiers = async (tenantKey: string) => {
    const { reviewed, changed } = await review.review(tenantKey);
    const { definition } = await programs.inForce(tenantKey);
    if (!definition.ladders.some((ladder) => ladder.evaluation === 'EXTENSION')) return { reviewed, changed };
    let all = changed;
    for (let isAll = false; !isAll; ) {
      const some = await evaluation.evaluateDue(tenantKey);
      all += some.changed;
      isAll = some.isAll;
    }
    return { reviewed, changed: all };
  };
  return { evaluation, review, reviewer: { review: reviewTiers } };
}
