import { type Sql, statement } from '../../persistence/index.ts';

/** Whose birthday is looked for. */
export interface BirthdayFilter {
  readonly month: number;
  /** Days of that month. */
  readonly days: readonly number[];
  /** The local day, `YYYY-MM-DD`, by which they were members. */
  readonly enrolledBy: string;
  readonly timeZone: string;
}

/** First those of the day, by their index; a page of them is small against reading members in order. */
const selectBirthdays = statement<{ memberKey: string }>(
  'member.birthdays',
  `with born as materialized (
     select m.member_id, m.enrolled_at from member m
      where m.tenant_id = $1 and m.birthday is not null and extract(month from m.birthday) = $2
        and extract(day from m.birthday) = any($3::numeric[]) and m.status = 'ACTIVE')
   select member_id as "memberKey" from born
    where (enrolled_at at time zone $4)::date <= $5::date and ($6::uuid is null or member_id > $6)
    order by member_id limit $7`,
);

/** Active members whose birthday it is, in the order of their keys. */
export async function findBirthdays(
  sql: Sql,
  tenantKey: string,
  { month, days, enrolledBy, timeZone }: BirthdayFilter,
  after: string | null,
  most: number,
): Promise<string[]> {
  const values = [tenantKey, month, days, timeZone, enrolledBy, after, most];
  return (await sql.run(selectBirthdays, values)).map(({ memberKey }) => memberKey);
}
