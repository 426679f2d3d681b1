import { createServer } from 'node:http';
import { postgraphile } from 'postgraphile';
import { listOfCodec, TYPES } from 'postgraphile/@dataplan/pg';
import { makePgService } from 'postgraphile/adaptors/pg';
import { grafserv } from 'postgraphile/grafserv/node';
import { PostGraphileAmberPreset } from 'postgraphile/presets/amber';
import { addPgTableCondition, jsonPgSmartTags } from 'postgraphile/utils';
import { listen, setting } from './server.ts';

const apiKey = setting('BENCH_API_KEY');
const tenantKey = setting('BENCH_TENANT_KEY');

const ofMember = { foreignKey: '(tenant_id, member_id) references member (tenant_id, member_id)' };

/** The keys of the product's views, and the relations that its tables have without declaring them. */
const relations = jsonPgSmartTags({
  version: 1,
  config: {
    class: {
      entry: {
        tags: {
          primaryKey: 'tenant_id,ledger_id,version',
          foreignKey: [
            '(tenant_id, ledger_id) references ledger (tenant_id, ledger_id)',
            '(tenant_id, operation_id) references operation (tenant_id, operation_id)',
          ],
        },
      },
      operation: { tags: { primaryKey: 'tenant_id,operation_id' } },
      lot: { tags: { primaryKey: 'tenant_id,ledger_id,lot_id' } },
      activity: { tags: ofMember },
      ledger: { tags: ofMember },
      member_identity: { tags: ofMember },
      member_tier: { tags: ofMember },
    },
  },
});

/**
 * The filter of a list by tier, which columns alone cannot say: part of its statement, so that pages go by
 * keys.
 */
const ofTiers = addPgTableCondition(
  { schemaName: 'public', tableName: 'member' },
  'tiers',
  ({ graphql: { GraphQLList, GraphQLNonNull, GraphQLString } }) => ({
    type: new GraphQLList(new GraphQLNonNull(GraphQLString)),
  }),
  (tiers, { sql, sqlTableAlias: member, sqlValueWithCodec }) => sql`exists (
    select from member_tier t
     where t.tenant_id = ${member}.tenant_id and t.member_id = ${member}.member_id
       and t.ladder = 'tea-friends' and t.tier = any(${sqlValueWithCodec(tiers, listOfCodec(TYPES.text))}))`,
);

const pgl = postgraphile({
  extends: [PostGraphileAmberPreset],
  plugins: [relations, ofTiers],
  pgServices: [
    makePgService({
      connectionString: setting('BENCH_DATABASE_URL'),
      schemas: ['public'],
      poolConfig: { max: Number(setting('BENCH_POOL')), idleTimeoutMillis: 0 },
    }),
  ],
  grafast: {
    // Whose rows it may see, as row-level security wants to know it: PostGraphile sets this in a transaction.
    context: (request) => {
      if (request.node?.req.headers['x-api-key'] !== apiKey) throw new Error('An unknown API key.');
      return { pgSettings: { 'app.tenant_id': tenantKey } };
    },
  },
  grafserv: { graphqlPath: '/graphql', graphiql: false, watch: false },
});

const server = createServer();
await pgl.createServ(grafserv).addTo(server);
await listen(server);
