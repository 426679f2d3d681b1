import { z } from 'zod';
import {
  type ActivityValidateOutput,
  activityValidate,
  answers,
  definePlugin,
  type JobContext,
} from '../../src/extension/index.ts';
import {
  findLimits,
  forgetSeen,
  type Limit,
  saveLimit,
  saveSeen,
  scoresOf,
  tables,
} from './velocity.repository.ts';

const configuration = z.strictObject({
  /** How long what was heard is kept; no limit looks further back. */
  keepDays: z.int().min(1).max(90).default(7),
});
type Settings = z.infer<typeof configuration>;

/** In percent of the tightest limit. */
const REACHED = 100;

const limit = z.object({
  event: z.string().regex(/^[a-z]+\.[a-z_]+$/),
  most: z.int().min(1).max(1_000_000),
  withinMinutes: z.int().min(1).max(10_080),
});

const sdl = `
  "How often something may happen to one member within a while."
  type RiskGuard_Limit {
    "The event, e.g. \`points.earned\`."
    event: String!
    "How often."
    most: Int!
    "Within so many minutes."
    withinMinutes: Int!
  }

  "A limit that is to hold from now on."
  input RiskGuard_LimitInput {
    "The event, e.g. \`points.earned\`."
    event: String!
    "How often, at least once."
    most: Int!
    "Within so many minutes: at most a week."
    withinMinutes: Int!
  }

  "What came of setting a limit."
  type RiskGuard_LimitPayload {
    "The limit; null when it was refused."
    limit: RiskGuard_Limit
    "Which field of the input is wrong; null when none is."
    wrong: String
  }

  extend type Member {
    "How far they have used up their tightest limit, in percent: 100 = reached."
    riskGuard_score: Int
  }

  extend type Query {
    "The limits that hold."
    riskGuard_limits: [RiskGuard_Limit!]
  }

  extend type Mutation {
    "Sets the limit of an event, or changes it."
    riskGuard_setLimit(
      "The limit."
      input: RiskGuard_LimitInput!
    ): RiskGuard_LimitPayload
  }`;

/** What comes of a score. */
function judge(score: number): ActivityValidateOutput {
  if (score < REACHED) return { decision: 'ACCEPT', score };
  return { decision: 'REFUSE', reason: 'Too often within a short while.', score, flags: ['velocity'] };
}

/** Watches how often things happen to a member, and refuses more of it. */
export const plugin = definePlugin({
  id: 'risk-guard',
  version: 1,
  description:
    'Velocity limits: counts what happens to each member, scores them, and refuses what is too much.',
  configuration,
  answers: [
    answers(activityValidate, async ({ member: { id } }, { transaction }) => {
      const scores = await transaction((sql) => scoresOf(sql, [id]));
      return judge(scores.get(id) ?? 0);
    }),
  ],
  tables,
  schema: {
    sdl,
    fields: {
      Member: {
        riskGuard_score: {
          load: (memberIds, _args, { transaction }) => transaction((sql) => scoresOf(sql, memberIds)),
        },
      },
      Query: {
        riskGuard_limits: { resolve: (_args, { transaction }) => transaction(findLimits) },
      },
      Mutation: {
        riskGuard_setLimit: {
          resolve: async ({ input }, { transaction }) => {
            const { data, error } = limit.safeParse(input);
            if (error !== undefined) return { limit: null, wrong: error.issues[0]?.path.join('.') };
            await transaction((sql) => saveLimit(sql, data satisfies Limit));
            return { limit: data, wrong: null };
          },
        },
      },
    },
  },
  listeners: [
    {
      name: 'velocity',
      hear: (events, { sql }) => saveSeen(sql, events),
    },
  ],
  jobs: [
    {
      name: 'forget',
      cron: '17 3 * * *',
      run: async ({ transaction, configuration: settings }: JobContext<Settings>) =>
        await transaction((sql) => forgetSeen(sql, settings.keepDays)),
    },
  ],
});
