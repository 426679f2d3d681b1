import { lexicographicSortSchema, printSchema } from 'graphql';
import { z } from 'zod';
import { withPluginFields } from '../../src/gateway/plugin-fields.ts';
import { buildGraphQLSchema } from '../../src/gateway/schema.ts';
import { readSource } from '../architecture/sources.ts';
import { follow } from '../support/following.ts';
import { type Json, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { enrol, newRequestKey } from '../support/members.ts';
import { type OwnTenant, ownTenant } from '../support/own-tenant.ts';
import { shelfPlugin } from '../support/shelf-plugin.ts';
import { askOverSocket } from '../support/socket.ts';
import { untilHolds } from '../support/until-holds.ts';

const WRITE = 'mutation($input: ShelfNotes_NoteInput!) { shelfNotes_write(input: $input) { about words } }';
const MEMBERS = '{ members(first: 20) { edges { node { id shelfNotes_note(shout: true) } } } }';

const { plugin, asked } = shelfPlugin({ deadlineMs: 2_000 });
const said: string[] = [];
let gateway: TestGateway;
let own: OwnTenant;
let members: string[];

beforeAll(async () => {
  gateway = await startTestGateway({ plugins: [plugin], log: (line) => said.push(line) });
  own = await ownTenant(gateway);
  members = [await enrol(own), await enrol(own)];
  await own.ask(WRITE, { input: { about: members[0], words: 'likes tea' } });
});
afterAll(() => gateway.close());
beforeEach(() => asked.splice(0));

describe('fields of a plugin', () => {
  it('answer for many objects at once, from its own tables', async () => {
    const { data, errors } = await own.ask(MEMBERS);
    expect(errors).toEqual([]);
    const nodes: { id: string; shelfNotes_note: string | null }[] = data.members.edges.map(
      ({ node }: { node: unknown }) => node,
    );
    expect(nodes).toHaveLength(2);
    expect(nodes.find(({ id }) => id === members[0])?.shelfNotes_note).toBe('likes tea!');
    expect(nodes.find(({ id }) => id === members[1])?.shelfNotes_note).toBeNull();
    expect(asked).toEqual([expect.arrayContaining(members)]);
    expect(asked[0]).toHaveLength(2);
  });

  it('stand on members, ledgers, tiers and benefits', async () => {
    await own.ask(WRITE, { input: { about: 'membership/silver', words: 'shines' } });
    const { data, errors } = await own.ask(
      `query($id: ID!) { member(id: $id) { ledgers { id shelfNotes_note } }
        tierLadders { code tiers { code shelfNotes_note } } benefits { code shelfNotes_note } }`,
      { id: members[0] },
    );
    expect(errors).toEqual([]);
    expect(data.member.ledgers[0].shelfNotes_note).toBeNull();
    expect(asked.flat()).toContain(data.member.ledgers[0].id);
    const [ladder] = data.tierLadders;
    expect(asked.flat()).toContain(`${ladder.code}/${ladder.tiers[0].code}`);
    expect(asked.flat()).toContain(data.benefits[0].code);
  });

  it('see no row of another tenant', async () => {
    const other = await ownTenant(gateway);
    await other.ask(WRITE, { input: { about: members[0], words: 'of the other' } });
    const notes = '{ shelfNotes_notes { about words } }';
    expect((await other.ask(notes)).data.shelfNotes_notes).toEqual([
      { about: members[0], words: 'of the other' },
    ]);
    expect(JSON.stringify((await own.ask(notes)).data)).not.toContain('of the other');
  });

  it('are for staff unless they say otherwise, over HTTP as everywhere', async () => {
    const id = await enrol(gateway);
    const headers = await gateway.asMember(id);
    const me = (field: string) => gateway.ask(`{ member(id: "${id}") { ${field} } }`, {}, headers);
    expect((await me('shelfNotes_note')).errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }]);
    expect((await me('shelfNotes_hello')).data).toEqual({ member: { shelfNotes_hello: 'hello' } });
    const notes = await gateway.ask('{ shelfNotes_notes { words } }', {}, headers);
    expect(notes.errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }]);
  });

  it('take nothing else with them when they throw or are late, and are named', async () => {
    const { data, errors } = await own.ask(
      '{ shelfNotes_throws shelfNotes_slow shelfNotes_notes { about } }',
    );
    expect(data).toMatchObject({ shelfNotes_throws: null, shelfNotes_slow: null });
    expect(data.shelfNotes_notes.length).toBeGreaterThan(0);
    expect(errors.map(({ extensions }) => extensions.code).sort()).toEqual([
      'PLUGIN_THREW',
      'PLUGIN_TIMEOUT',
    ]);
    expect(JSON.stringify(errors)).not.toContain('a secret');
    expect(said.join()).toContain('a secret of the plugin');
    expect(said.join()).toContain('"what":"Query.shelfNotes_slow"');
    const metrics = await (await fetch(`${gateway.url}/metrics`)).text();
    for (const [part, outcome] of [
      ['Query.shelfNotes_throws', 'threw'],
      ['Query.shelfNotes_slow', 'late'],
      ['Query.shelfNotes_notes', 'ok'],
    ]) {
      const labels = `plugin="shelf-notes",part="${part}",outcome="${outcome}"`;
      expect(metrics).toMatch(new RegExp(`^membergraph_plugin_part_seconds_count\\{${labels}\\} \\d+$`, 'm'));
    }
  });

  it('cost as the product’s own do', async () => {
    const ledgers = '{ ledgers { shelfNotes_note id asset { code } } }';
    const many = Array.from(
      { length: 7 },
      (_, at) => `m${at}: members(first: 100) { edges { node ${ledgers} } }`,
    );
    const { errors } = await own.ask(`{ ${many.join(' ')} }`);
    expect(errors).toMatchObject([{ extensions: { code: 'QUERY_TOO_COMPLEX' } }]);
    const [one = ''] = many;
    expect((await own.ask(`{ ${one} }`)).errors).toEqual([]);
  });
});

describe('over WebSocket', () => {
  it('fields answer and are guarded as over HTTP', async () => {
    const staff = { 'x-api-key': own.key };
    const over = (query: string, parameters: Record<string, unknown>, variables = {}) =>
      askOverSocket(gateway, JSON.stringify({ query, variables }), parameters);
    expect((await over(MEMBERS, staff)).data).toEqual((await own.ask(MEMBERS)).data);
    const input = { about: 'socket', words: 'written over a socket' };
    expect((await over(WRITE, staff, { input })).data).toEqual({ shelfNotes_write: input });
    const { data, errors } = await over('{ shelfNotes_throws plugins { id } }', staff);
    expect(data).toEqual({ shelfNotes_throws: null, plugins: [{ id: 'shelf-notes' }] });
    expect(errors).toMatchObject([{ extensions: { code: 'PLUGIN_THREW' } }]);
    const member = await gateway.asMember(await enrol(gateway));
    expect((await over('{ shelfNotes_notes { words } }', member)).errors).toMatchObject([
      { extensions: { code: 'FORBIDDEN' } },
    ]);
  });

  it('fields answer in what subscriptions select, anew for each event', async () => {
    const memberId = members[0] ?? '';
    const query = `subscription($memberId: ID!, $after: String) {
      pointEvents(memberId: $memberId, asset: "points", after: $after) {
      ledger { id shelfNotes_note } member { shelfNotes_note(shout: true) } } }`;
    const { data } = await own.ask(
      'query($id: ID!) { member(id: $id) { ledger(asset: "points") { id eventCursor } } }',
      { id: memberId },
    );
    const { id: ledgerId, eventCursor: after } = data.member.ledger;
    // Two who ask the same share what is executed.
    const following = [1, 2].map(() =>
      follow(gateway, { query, variables: { memberId, after } }, { 'x-api-key': own.key }),
    );
    const both = async () => await Promise.all(following.map((one) => one.event()));
    const earn = async () => {
      const input = {
        idempotencyKey: newRequestKey(),
        memberId,
        asset: 'points',
        amount: '1',
        reason: 'a test',
      };
      expect((await own.act('earnPoints', input, 'operation { id }')).userErrors).toEqual([]);
    };
    const first = both();
    await untilHolds(async () => {
      const metrics = await (await fetch(`${gateway.url}/metrics`)).text();
      return /^membergraph_streams 2$/m.test(metrics);
    }, 'both follow');
    await earn();
    const told = {
      ledger: { id: ledgerId, shelfNotes_note: null },
      member: { shelfNotes_note: 'likes tea!' },
    };
    expect(await first).toEqual([told, told]);
    await own.ask(WRITE, { input: { about: ledgerId, words: 'counts' } });
    const second = both();
    await earn();
    const now = { ...told, ledger: { id: ledgerId, shelfNotes_note: 'counts' } };
    expect(await second).toEqual([now, now]);
    for (const one of following) await one.stop();
  });
});

describe('what a tenant configures', () => {
  const PLUGINS = '{ plugins { id configurationSchema configuration configurationVersion configuredBy } }';
  const configure = (tenant: OwnTenant, input: Record<string, unknown>) =>
    tenant.act(
      'configurePlugin',
      { idempotencyKey: newRequestKey(), plugin: 'shelf-notes', ...input },
      'plugin { configuration configurationVersion }',
    );
  const hello = async (tenant: OwnTenant): Promise<string> => {
    const { data } = await tenant.ask('query($id: ID!) { member(id: $id) { shelfNotes_hello } }', {
      id: await enrol(tenant),
    });
    return data.member.shelfNotes_hello;
  };

  it('holds for its fields at once, for it alone, and can be taken back', async () => {
    const [tenant, other] = [await ownTenant(gateway), await ownTenant(gateway)];
    expect((await tenant.ask(PLUGINS)).data.plugins).toEqual([
      {
        ...{ id: 'shelf-notes', configuration: null, configurationVersion: 0, configuredBy: null },
        configurationSchema: expect.objectContaining({
          properties: { greeting: { type: 'string', default: 'hello' } },
        }),
      },
    ]);
    expect(await hello(tenant)).toBe('hello');
    const set = { idempotencyKey: newRequestKey(), configuration: { greeting: 'ni hao' } };
    const { plugin: configured, userErrors } = await configure(tenant, set);
    expect(userErrors).toEqual([]);
    expect(configured).toEqual({ configuration: { greeting: 'ni hao' }, configurationVersion: 1 });
    expect([await hello(tenant), await hello(other)]).toEqual(['ni hao', 'hello']);
    await configure(tenant, { configuration: null });
    expect(await hello(tenant)).toBe('hello');
    // The key knows what came of it then.
    expect((await configure(tenant, set)).plugin).toEqual(configured);
    const { data } = await tenant.ask(PLUGINS);
    expect(data.plugins[0]).toMatchObject({ configuration: null, configurationVersion: 2 });
    expect(data.plugins[0].configuredBy).toEqual(expect.any(String));
  });

  it('is refused where it doesn’t fit, and written by no dry run', async () => {
    const tenant = await ownTenant(gateway);
    const refused = async (input: Record<string, unknown>) =>
      (await configure(tenant, input)).userErrors.map(({ code, field }: Json) => [code, field]);
    expect(await refused({ configuration: { greeting: 7 } })).toEqual([
      ['PLUGIN_CONFIGURATION', ['configuration']],
    ]);
    expect(await refused({ configuration: { greetings: 'hi' } })).toEqual([
      ['PLUGIN_CONFIGURATION', ['configuration']],
    ]);
    expect(await refused({ plugin: 'nobody', configuration: {} })).toEqual([
      ['PLUGIN_NOT_LOADED', ['plugin']],
    ]);
    const dry = await configure(tenant, { configuration: { greeting: 'dry' }, dryRun: true });
    expect(dry.plugin.configuration).toEqual({ greeting: 'dry' });
    expect(await hello(tenant)).toBe('hello');
    const headers = await gateway.asMember(await enrol(gateway));
    expect((await gateway.ask(PLUGINS, {}, headers)).errors).toMatchObject([
      { extensions: { code: 'FORBIDDEN' } },
    ]);
  });

  it('that doesn’t fit a newer version of the plugin is a failure, never a default', async () => {
    const tenant = await ownTenant(gateway);
    await configure(tenant, { configuration: { greeting: 'kept' } });
    const newer = { ...plugin, configuration: z.strictObject({ words: z.string().default('hello') }) };
    const beside = await startTestGateway({ plugins: [newer], beside: gateway });
    try {
      const headers = { 'x-api-key': tenant.key };
      const asked = `{ member(id: "${await enrol(tenant)}") { shelfNotes_hello } }`;
      const { data, errors } = await beside.ask(asked, {}, headers);
      expect(data.member.shelfNotes_hello).toBeNull();
      expect(errors).toMatchObject([{ extensions: { code: 'PLUGIN_THREW' } }]);
    } finally {
      await beside.close();
    }
  });
});

describe('the schema', () => {
  it('is the product’s without plugins, and has theirs beside it with them', () => {
    const core = buildGraphQLSchema();
    const print = (schema: typeof core) => printSchema(lexicographicSortSchema(schema));
    expect(withPluginFields(core, [])).toBe(core);
    expect(readSource('schema/schema.graphql')).toContain(print(core));
    const extended = print(withPluginFields(core, [plugin]));
    expect(extended).toContain('shelfNotes_note(shout: Boolean = false): String');
    const without = extended
      .split('\n')
      .filter((line) => !line.includes('shelfNotes_'))
      .join('\n');
    for (const line of print(core).split('\n')) expect(without).toContain(line);
  });
});
