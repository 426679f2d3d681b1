import { Arg, Args, Ctx, Extensions, FieldResolver, Mutation, Resolver, Root } from 'type-graphql';
import { Refusal } from '../../kernel/errors.ts';
import { DateTimeScalar, type Row, refuseLong, toUserErrors } from '../shared/index.ts';
import type { LedgerContext } from './ledger.context.ts';
import { Ledger } from './ledger.entity.ts';
import { LedgerSource } from './ledger.enums.types.ts';
import { MirrorEntriesInput } from './mirror.inputs.ts';
import { MirrorEntriesPayload } from './mirror.payloads.types.ts';
import { RecordLine, RecordLogArgs } from './record.types.ts';
import { isMirror, recordOf } from './record-balance.ts';

const LONGEST_REFERENCE = 200;

/** What a ledger tells of a record that another system keeps. */
@Resolver(() => Ledger)
export class RecordResolver {
  @Mutation(() => MirrorEntriesPayload, {
    description:
      'Takes over what changed in the system that keeps the record of an asset. Nobody is asked about it, and each change is an ADJUST.',
  })
  @Extensions({ roles: ['STAFF'] })
  async mirrorEntries(
    @Arg('input', () => MirrorEntriesInput, { description: 'What changed there.' }) input: MirrorEntriesInput,
    @Ctx() { request, services }: LedgerContext,
  ): Promise<MirrorEntriesPayload> {
    const results = (await services.mirrors.mirrorAll(request, input)).map((one, index) =>
      one instanceof Refusal
        ? { operation: null, userErrors: toUserErrors(request, one, ['items', String(index)]) }
        : { operation: one, userErrors: [] },
    );
    const succeeded = results.filter(({ operation }) => operation !== null).length;
    return { results, succeeded, failed: results.length - succeeded };
  }

  @FieldResolver(() => LedgerSource, {
    description:
      'Whose word its balance is. MIRROR only where another system keeps the record, and wasn’t asked or didn’t say.',
  })
  async source(@Root() ledger: Row<Ledger>, @Ctx() context: LedgerContext): Promise<LedgerSource> {
    if (!(await isMirror(ledger, context))) return LedgerSource.RECORD;
    return (await recordOf(ledger, context)) === null ? LedgerSource.MIRROR : LedgerSource.RECORD;
  }

  @FieldResolver(() => DateTimeScalar, {
    nullable: true,
    description:
      'When its balance was so: when the system that keeps the record was asked, or else when our own ledger changed last; null where it has no entry yet.',
  })
  async asOf(@Root() ledger: Row<Ledger>, @Ctx() context: LedgerContext): Promise<Date | null> {
    return (await recordOf(ledger, context))?.asOf ?? ledger.recordedAt;
  }

  @FieldResolver(() => [RecordLine], {
    nullable: true,
    description:
      'The log as the system keeps it that has the record, newest first. Null where we have it (`entries` is the log then), and where nobody answers.',
  })
  async recordLog(
    @Root() ledger: Row<Ledger>,
    @Args(() => RecordLogArgs) { first, after = null }: RecordLogArgs,
    @Ctx() context: LedgerContext,
  ): Promise<RecordLine[] | null> {
    refuseLong(after, LONGEST_REFERENCE, ['after']);
    if (!(await isMirror(ledger, context))) return null;
    return await context.loaders.ledgers.recordLog(ledger, { first, after });
  }
}
