import {
  type ErrorDetails,
  type Language,
  type MessageTemplate,
  pickLanguage,
  renderMessage,
} from '../kernel/errors.ts';
import { conformanceTexts } from './conformance-texts.ts';
import { extensionTexts } from './extension-texts.ts';
import { pluginTexts } from './plugin/plugin-texts.ts';

/** Everything that the CLI says, in every language. */
export const texts = {
  about: {
    en: 'Membergraph: members, tiers, ledgers and benefits behind one GraphQL schema.',
    'zh-CN': 'Membergraph：以一个 GraphQL 模式提供会员、等级、账户与权益。',
  },
  'migrate.about': {
    en: 'Bring the database to this version’s schema, and grant the app role what it needs.',
    'zh-CN': '将数据库升级到本版本的结构，并授予应用角色所需权限。',
  },
  'migrate.done': {
    en: 'The database is up to date ({count} applied now).',
    'zh-CN': '数据库已是最新（本次应用 {count} 个迁移）。',
  },
  'migrate.needsAdmin': {
    en: 'DATABASE_ADMIN_URL is missing: set it to the owner role’s address, beside DATABASE_URL.',
    'zh-CN': '缺少 DATABASE_ADMIN_URL：请在 DATABASE_URL 之外设置所有者角色的地址。',
  },
  'tenant.about': { en: 'Tenants: the enterprises on this gateway.', 'zh-CN': '企业：本网关上的租户。' },
  'tenant.create.about': { en: 'Make a tenant.', 'zh-CN': '创建企业。' },
  'tenant.create.code': {
    en: 'Its code: lower-case letters, digits, "-" and "_".',
    'zh-CN': '代码：小写字母、数字、“-”与“_”。',
  },
  'tenant.create.name': { en: 'Its name; the code when missing.', 'zh-CN': '名称；缺省为代码。' },
  'tenant.create.locale': {
    en: 'The language of its messages: en or zh-CN.',
    'zh-CN': '消息语言：en 或 zh-CN。',
  },
  'tenant.create.sandbox': {
    en: 'A tenant to try things in: its clock can be moved.',
    'zh-CN': '用于试验的沙箱企业，可调整时钟。',
  },
  'tenant.create.program': { en: 'A program file to apply at once.', 'zh-CN': '同时应用的方案文件。' },
  'tenant.created': { en: 'The tenant "{code}" is made.', 'zh-CN': '已创建企业“{code}”。' },
  'tenant.list.about': { en: 'List the tenants, a code a line.', 'zh-CN': '列出所有企业，每行一个代码。' },
  'tenant.unknown': {
    en: 'There is no tenant "{code}". Make it with "membergraph tenant create {code}".',
    'zh-CN': '企业“{code}”不存在，请先执行“membergraph tenant create {code}”。',
  },
  'tenant.option': { en: 'The tenant’s code.', 'zh-CN': '企业代码。' },
  'key.about': { en: 'API keys, for servers.', 'zh-CN': 'API 密钥，供服务端使用。' },
  'key.create.about': {
    en: 'Make a staff key and print it: it is not shown again.',
    'zh-CN': '创建员工密钥并显示一次。',
  },
  'key.create.label': { en: 'What it is for.', 'zh-CN': '用途说明。' },
  'token.about': {
    en: 'Tokens, for persons; signed by the key under DATA_DIR.',
    'zh-CN': '令牌，供个人使用，由 DATA_DIR 下的密钥签发。',
  },
  'token.create.about': { en: 'Sign a token and print it.', 'zh-CN': '签发令牌并显示。' },
  'token.create.member': { en: 'For this member (mem_…).', 'zh-CN': '签发给该会员（mem_…）。' },
  'token.create.staff': { en: 'For a person of the staff, called so.', 'zh-CN': '签发给该名称的员工。' },
  'token.create.expires': {
    en: 'How long it is good for, e.g. 1h or 30d.',
    'zh-CN': '有效期，例如 1h 或 30d。',
  },
  'token.create.one': {
    en: 'Name a member or a person of the staff: --member or --staff.',
    'zh-CN': '请用 --member 或 --staff 指定会员或员工。',
  },
  'program.about': {
    en: 'Programs: a tenant’s whole loyalty definition.',
    'zh-CN': '会员方案：企业的全部会员规则。',
  },
  'program.apply.about': {
    en: 'Check a program file and put it in force as the next version.',
    'zh-CN': '检查方案文件，并作为新版本生效。',
  },
  'program.file': { en: 'The program file, YAML.', 'zh-CN': '方案文件（YAML）。' },
  'program.applied': {
    en: 'Version {version} of the program is in force.',
    'zh-CN': '方案第 {version} 版已生效。',
  },
  'program.unchanged': {
    en: 'Nothing changed: version {version} says the same.',
    'zh-CN': '无变化：第 {version} 版内容相同。',
  },
  'program.refused': {
    en: 'The program file is refused; nothing changed:',
    'zh-CN': '方案文件未通过检查，未做任何更改：',
  },
  'program.export.about': {
    en: 'Print the program in force as a file.',
    'zh-CN': '以文件形式输出当前生效的方案。',
  },
  'settle.about': {
    en: 'Write down now what fell due and what expired; the gateway does so every minute.',
    'zh-CN': '立即结算到期与过期的批次（网关每分钟自动执行）。',
  },
  'settle.done': { en: '{count} operations were made.', 'zh-CN': '共生成 {count} 个操作。' },
  'daily.about': {
    en: 'Do what time has brought to every tenant, the work of the day included; the gateway does so by itself.',
    'zh-CN': '为所有企业执行到期结算及每日任务（网关会自动执行）。',
  },
  'daily.done': { en: '{count} tenants are up to date.', 'zh-CN': '已处理 {count} 个企业。' },
  'daily.failed': { en: 'The tenant "{code}" failed: {why}', 'zh-CN': '企业“{code}”处理失败：{why}' },
  'review.about': {
    en: 'Review the tiers of a tenant’s members now, whatever was reviewed today.',
    'zh-CN': '立即复核企业会员的等级（不论当日是否已复核）。',
  },
  'review.done': {
    en: 'Members reviewed: {reviewed}; tiers changed: {changed}.',
    'zh-CN': '已复核 {reviewed} 名会员，{changed} 个等级发生变化。',
  },
  'clock.about': {
    en: 'The clock of a tenant to try things in.',
    'zh-CN': '沙箱企业的时钟。',
  },
  'clock.advance.about': {
    en: 'Move a sandbox’s clock on, and do what each day on the way brings.',
    'zh-CN': '前移沙箱企业的时钟，并逐日执行到期与每日任务。',
  },
  'clock.advance.by': {
    en: 'By how much: an ISO 8601 duration, e.g. P1D; at most 1,100 days.',
    'zh-CN': '前移多少：ISO 8601 时长，例如 P1D；最多 1100 天。',
  },
  'clock.badDuration': {
    en: '"{by}" is no duration: write it in ISO 8601, e.g. P30D.',
    'zh-CN': '“{by}”不是有效时长，请使用 ISO 8601 格式，例如 P30D。',
  },
  'clock.shows': { en: 'The clock of "{code}" shows {now}.', 'zh-CN': '企业“{code}”的时钟为 {now}。' },
  'audit.about': {
    en: 'Check every law of the ledger over the whole database; exits 1 when one is broken.',
    'zh-CN': '核对整个数据库的全部账务规则；有违反时以 1 退出。',
  },
  'audit.tenant': { en: 'Only this tenant’s.', 'zh-CN': '仅核对该企业。' },
  'audit.rebuildAt': {
    en: 'Work balances out from entries alone, as they stood at this moment (now when missing).',
    'zh-CN': '仅凭流水重算该时刻（缺省为现在）的余额。',
  },
  'audit.liability': {
    en: 'Tell what is owed to members, by asset: issued, redeemed, lost by time, outstanding.',
    'zh-CN': '按资产列出对会员的负债：发放、消费、过期与未兑现。',
  },
  'audit.at': {
    en: 'With --liability: at this moment (now when missing).',
    'zh-CN': '配合 --liability：该时刻（缺省为现在）。',
  },
  'audit.liability.is': {
    en: '{asset} at {at}: issued {issued}, adjusted {adjusted}, transferred {transferred}, paid back {paidBack}, redeemed {redeemed}, breakage {breakage}, outstanding {outstanding}',
    'zh-CN':
      '{asset}（{at}）：发放 {issued}，更正 {adjusted}，转赠 {transferred}，退款 {paidBack}，消费 {redeemed}，过期 {breakage}，未兑现 {outstanding}',
  },
  'audit.liability.portions': {
    en: '{asset} at {at}: of what is outstanding {paid} were paid in, {bonus} are bonus',
    'zh-CN': '{asset}（{at}）：未兑现中本金 {paid}，赠金 {bonus}',
  },
  'audit.seal': {
    en: 'Seal what was committed, in a chain of hashes; the gateway does so every minute.',
    'zh-CN': '将已提交的操作封入哈希链（网关每分钟自动执行）。',
  },
  'audit.sealed': { en: '{count} operations were sealed.', 'zh-CN': '已封存 {count} 个操作。' },
  'audit.verifyChain': {
    en: 'Work the hashes out again, and name the first operation that is not as it was sealed.',
    'zh-CN': '重算哈希链，指出首个与封存时不符的操作。',
  },
  'audit.head': {
    en: 'With --verify-chain: a head that was noted, which the chain must still have.',
    'zh-CN': '配合 --verify-chain：曾记录的链头，须仍在链上。',
  },
  'audit.headOfOne': {
    en: 'A head is one tenant’s: name it with --tenant.',
    'zh-CN': '链头属于单个企业，请用 --tenant 指定。',
  },
  'audit.chain.holds': {
    en: '{count} operations are as they were sealed; head {head}',
    'zh-CN': '{count} 个操作与封存时一致；链头 {head}',
  },
  'audit.chain.CHANGED': {
    en: 'the operation {operation} (position {position}) was changed after it was sealed',
    'zh-CN': '操作 {operation}（位置 {position}）在封存后被更改',
  },
  'audit.chain.MISSING': {
    en: 'the operation {operation} (position {position}) is gone from its place',
    'zh-CN': '操作 {operation}（位置 {position}）已不在原处',
  },
  'audit.chain.FOREIGN': {
    en: 'the operation {operation} (position {position}) was put among those that were sealed',
    'zh-CN': '操作 {operation}（位置 {position}）被插入已封存的操作之间',
  },
  'audit.chain.MOVED': {
    en: 'the operation {operation} (position {position}) is no longer in its place: another one is',
    'zh-CN': '操作 {operation}（位置 {position}）的位置被另一操作占据',
  },
  'audit.chain.noHead': { en: 'the chain doesn’t have the head {head}', 'zh-CN': '链上没有链头 {head}' },
  'audit.chain.broken': {
    en: 'The chains of {count} tenants are broken.',
    'zh-CN': '{count} 个企业的哈希链已损坏。',
  },
  'moment.bad': {
    en: '"{moment}" is no moment: write it in ISO 8601, e.g. 2026-01-31T16:00:00Z.',
    'zh-CN': '“{moment}”不是有效时刻，请使用 ISO 8601 格式，例如 2026-01-31T16:00:00Z。',
  },
  'audit.now': { en: 'now', 'zh-CN': '现在' },
  'audit.progress': { en: '{number}/{laws} {law}: {ms} ms', 'zh-CN': '{number}/{laws} {law}：{ms} 毫秒' },
  'audit.more': { en: 'and {count} more', 'zh-CN': '另有 {count} 处' },
  'audit.holds': {
    en: '{laws} laws hold over {entries} entries of {tenants} tenants.',
    'zh-CN': '{tenants} 个企业、{entries} 条流水符合全部 {laws} 条规则。',
  },
  'audit.broken': {
    en: '{count} violations of {laws} laws over {entries} entries of {tenants} tenants.',
    'zh-CN': '{tenants} 个企业、{entries} 条流水中有 {count} 处违反 {laws} 条规则。',
  },
  'audit.rebuild.totals': {
    en: '{asset}: {ledgers} ledgers, posted {posted}, pending {pending}, held {held}',
    'zh-CN': '{asset}：{ledgers} 个账户，已入账 {posted}，待生效 {pending}，冻结 {held}',
  },
  'audit.rebuild.differs': {
    en: 'entries add up to something else',
    'zh-CN': '与流水合计不符',
  },
  'audit.rebuild.holds': {
    en: 'Every balance is the sum of its entries ({moment}).',
    'zh-CN': '所有余额均等于流水之和（{moment}）。',
  },
  'audit.rebuild.broken': {
    en: '{count} ledgers are not the sums of their entries.',
    'zh-CN': '{count} 个账户与其流水之和不符。',
  },
  'import.about': { en: 'Bring in what happened before.', 'zh-CN': '导入历史数据。' },
  'import.activities.about': {
    en: 'Record a file’s purchases, each once however often it is run; exits 1 when every line is refused.',
    'zh-CN': '记录文件中的消费；可随时中断并重新执行，不会重复计算；所有行均被拒绝时以 1 退出。',
  },
  'import.file': { en: 'The file.', 'zh-CN': '文件。' },
  'import.format': {
    en: 'cdnow (header; customer, yyyymmdd, CDs, dollars) or csv.',
    'zh-CN': 'cdnow（表头；客户、yyyymmdd、数量、美元）或 csv。',
  },
  'import.refusedFile': {
    en: 'Where refused lines go; beside the current folder when missing.',
    'zh-CN': '被拒行的输出文件；缺省在当前目录。',
  },
  'import.batch': { en: 'How many lines are committed together.', 'zh-CN': '每次一同提交的行数。' },
  'import.concurrency': { en: 'How many commits are under way at once.', 'zh-CN': '同时进行的提交数。' },
  'import.column.member': { en: 'csv: the column that finds the member.', 'zh-CN': 'csv：标识会员的列。' },
  'import.column.identity': {
    en: 'csv: what that column holds: EXTERNAL, PHONE, EMAIL, CARD…',
    'zh-CN': 'csv：该列的身份类型：EXTERNAL、PHONE、EMAIL、CARD…',
  },
  'import.column.date': { en: 'csv: the column that says when.', 'zh-CN': 'csv：时间列。' },
  'import.column.dateFormat': {
    en: 'csv: its format, e.g. yyyy-MM-dd HH:mm; ISO 8601 when missing.',
    'zh-CN': 'csv：时间格式，例如 yyyy-MM-dd HH:mm；缺省为 ISO 8601。',
  },
  'import.column.amount': { en: 'csv: the column of the amount.', 'zh-CN': 'csv：金额列。' },
  'import.column.order': { en: 'csv: the column of the order’s number.', 'zh-CN': 'csv：订单号列。' },
  'import.column.store': { en: 'csv: the column of the store.', 'zh-CN': 'csv：门店列。' },
  'import.type': { en: 'The type of the activities.', 'zh-CN': '行为类型。' },
  'import.delimiter': { en: 'csv: what separates the columns.', 'zh-CN': 'csv：列分隔符。' },
  'import.running': { en: 'importing', 'zh-CN': '导入中' },
  'import.refused': {
    en: '{count} lines were refused; see {file}.',
    'zh-CN': '{count} 行被拒，详见 {file}。',
  },
  'import.stopped': {
    en: 'Stopped. Run the same command again to go on.',
    'zh-CN': '已中断，重新执行同一命令即可继续。',
  },
  'import.unknownFormat': {
    en: 'The format "{format}" is not known: choose cdnow or csv.',
    'zh-CN': '未知格式“{format}”，请选择 cdnow 或 csv。',
  },
  'import.noFile': {
    en: 'The file {file} can’t be read: check its path.',
    'zh-CN': '无法读取文件 {file}，请检查路径。',
  },
  'import.noRefusedFile': {
    en: 'Refused lines can’t be written to {file}: name another file by --refused-file.',
    'zh-CN': '无法将被拒的行写入 {file}，请用 --refused-file 指定其他文件。',
  },
  'import.badCount': {
    en: '"{value}" is no count: send a whole number from 1 to 999999.',
    'zh-CN': '“{value}”不是有效的数目，请填写 1 至 999999 的整数。',
  },
  'import.noColumns': {
    en: 'csv needs {missing}: name the columns.',
    'zh-CN': 'csv 需要指定列：{missing}。',
  },
  'import.missingColumn': { en: 'The file has no column "{column}".', 'zh-CN': '文件中没有列“{column}”。' },
  ...extensionTexts,
  ...conformanceTexts,
  ...pluginTexts,
  'import.lineBad': { en: 'The line isn’t of this format.', 'zh-CN': '该行不符合格式。' },
} as const satisfies Record<string, MessageTemplate>;

export type TextKey = keyof typeof texts;

let language: Language = 'en';

/** Chooses the language from the environment: LC_ALL, LC_MESSAGES or LANG. */
export function useLanguageOf(environment: { LC_ALL?: string; LC_MESSAGES?: string; LANG?: string }): void {
  const { LC_ALL: all, LC_MESSAGES: messages, LANG: lang } = environment;
  language = pickLanguage((all || messages || lang)?.replace('_', '-')) ?? 'en';
}

export function currentLanguage(): Language {
  return language;
}

export function text(key: TextKey, details: ErrorDetails = {}): string {
  return renderMessage(texts[key], language, details);
}
