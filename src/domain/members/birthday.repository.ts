import { type Sql, statement } from '../../persistence/index.ts';

/** Whose birthday is looked for. */
interface BirthdayFilter {
  /** Dates of birth, `YYYY-MM-DD`. */
  readonly bornOn: readonly string[];
  /** The local day, `YYYY-MM-DD`, by which they were members. */
  readonly enrolledBy: string;
  readonly timeZone: string;
}

/**
 * By whole dates, since row security lets an index answer to `=` of a date and not to a function of it. Those
 * of a day are few, so all are found before a page of them is taken.
 */
const selectBirthdays = statement<{ memberKey: string }>(
  'member.birthdays',
  `with born as materialized (
     select m.member_id, m.enrolled_at from member m
      where m.tenant_id = $1 and m.birthday = any($2::date[]) and m.status = 'ACTIVE')
   select member_id as "memberKey" from born
    where (enrolled_at at time zone $3)::date <= $4::date and ($5::uuid is null or member_id > $5)
    order by member_id limit $6`,
);

/** Active members whose birthday it is, in the order of their keys. */
export async function findBirthdays(
  sql: Sql,
  tenantKey: string,
  { bornOn, enrolledBy, timeZone }: BirthdayFilter,
  after: string | null,
  most: number,
): Promise<string[]> {
  const rows = await sql.run(selectBirthdays, [tenantKey, bornOn, timeZone, enrolledBy, after, most]);
  return rows.map(({ memberKey }) => memberKey);
}
