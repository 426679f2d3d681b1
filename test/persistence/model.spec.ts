import { ReflectMetadataProvider } from '@mikro-orm/decorators/legacy';
import { type EntityMetadata, MikroORM } from '@mikro-orm/postgresql';
import { entities } from '../../src/compose.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { connect } from './furnished.ts';

interface Column {
  readonly table: string;
  readonly name: string;
  readonly type: string;
  readonly nullable: boolean;
  readonly isKey: boolean;
  readonly isRequired: boolean;
}

/** How MikroORM calls what PostgreSQL calls otherwise. */
const TYPES: Record<string, string> = { 'timestamp with time zone': 'timestamptz', integer: 'int' };
/** MikroORM knows arrays of texts alone; these are written by statements of ours. */
const WRITTEN_BY_STATEMENTS = [
  ...['operation.ledger_ids', 'operation.versions'],
  ...['operation_chain.operation_ids', 'operation_chain.offsets'],
];
/** The entities that the unit of work writes. */
const WRITTEN_BY_MODEL = ['TenantDirectory', 'Tenant', 'TenantFeed', 'ApiKey', 'ProgramVersion'];

let database: TestDatabase;
let columns: Column[];
let orm: MikroORM;
let models: EntityMetadata[];

beforeAll(async () => {
  database = await createTestDatabase();
  const client = await connect(database.appUrl);
  const { rows } = await client.query<Column>(
    `select c.relname as table, a.attname as name, format_type(a.atttypid, null) as type,
            not a.attnotnull as nullable, a.attnotnull and not a.atthasdef as "isRequired",
            coalesce(a.attnum = any(k.conkey), false) as "isKey"
       from pg_class c
       join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
       left join pg_constraint k on k.conrelid = c.oid and k.contype = 'p'
      where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'
      union all
     -- A view's column is what it is in the table where it is stored, unless the view works it out.
     select v.relname, a.attname, format_type(a.atttypid, null),
            coalesce(not s.attnotnull, false)
              and pg_get_viewdef(v.oid) !~ ('(?in)coalesce.* as ' || a.attname || '\\M'),
            false, coalesce(s.attnum = any(k.conkey), false)
       from pg_class v
       join pg_class c on c.relname = 'stored_' || v.relname
       join pg_attribute a on a.attrelid = v.oid and a.attnum > 0
       left join pg_attribute s on s.attrelid = c.oid and s.attname = a.attname
       left join pg_constraint k on k.conrelid = c.oid and k.contype = 'p'
      where v.relnamespace = 'public'::regnamespace and v.relkind = 'v'`,
  );
  await client.end();
  columns = rows;
  const clientUrl = database.appUrl;
  orm = await MikroORM.init({ clientUrl, entities, metadataProvider: ReflectMetadataProvider });
  models = [...orm.getMetadata().getAll().values()] as EntityMetadata[];
});

afterAll(async () => {
  await orm.close(true);
  await database.drop();
});

/** Every mapped property, with the column that it stands for. */
function mapped() {
  return models.flatMap(({ className, tableName, props }) =>
    props.map(({ name, fieldNames, columnTypes, nullable, primary }) => ({
      property: `${className}.${name}`,
      column: `${tableName}.${fieldNames[0]}`,
      type: columnTypes[0],
      nullable: nullable === true,
      primary: primary === true,
      found: columns.find((column) => column.table === tableName && column.name === fieldNames[0]),
    })),
  );
}

describe('the model', () => {
  it('is of every entity', () => {
    expect(models.map(({ className }) => className).sort()).toEqual(entities.map(({ name }) => name).sort());
    expect(mapped().length).toBeGreaterThan(100);
  });

  it('maps each property to a column that there is', () => {
    expect(mapped().flatMap(({ property, found }) => (found === undefined ? [property] : []))).toEqual([]);
  });

  it('says null where the column may be null, and there alone', () => {
    const wrong = mapped().filter(({ nullable, found }) => nullable !== found?.nullable);
    expect(wrong.map(({ property }) => property)).toEqual([]);
  });

  it('has the primary keys of the tables', () => {
    const keys = mapped().flatMap(({ column, primary }) => (primary ? [column] : []));
    const tables = new Set(models.map(({ tableName }) => tableName));
    const expected = columns.flatMap(({ table, name, isKey }) =>
      isKey && tables.has(table) ? [`${table}.${name}`] : [],
    );
    expect(keys.sort()).toEqual(expected.sort());
  });

  it('has the types of the columns', () => {
    const wrong = mapped().filter(
      ({ column, type, found }) =>
        !WRITTEN_BY_STATEMENTS.includes(column) && type !== (TYPES[found?.type ?? ''] ?? found?.type),
    );
    // Known, and reported: the entity counts uses in an int.
    expect(wrong.map(({ column }) => column)).toEqual(['benefit_grant.uses_left']);
  });

  it('knows each column that must be given, where the unit of work writes', () => {
    const written = models.filter(({ className }) => WRITTEN_BY_MODEL.includes(className));
    expect(written).toHaveLength(WRITTEN_BY_MODEL.length);
    const known = mapped().map(({ column }) => column);
    const missing = columns.filter(
      ({ table, name, isRequired }) =>
        isRequired &&
        written.some(({ tableName }) => tableName === table) &&
        !known.includes(`${table}.${name}`),
    );
    expect(missing).toEqual([]);
  });
});
