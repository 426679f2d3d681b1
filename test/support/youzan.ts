import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import type { Json } from './gateway.ts';
import type { OwnTenant } from './own-tenant.ts';
import { bodyOf, type Receiver, serve } from './receivers.ts';

/** The methods of the platform's published interface package, and what each takes. */
export const METHODS: Readonly<Record<string, string>> = {
  'ExpiredPointsExtPoint.invoke': 'ExtPointsExpiredDTO',
  'ExternalMemberCardExtPoint.getByCardNoExtPoint': 'ExternalMemberCardGetExtPointRequest',
  'MemberCodeService.invoke': 'ExtGenMemberCodeDTO',
  'RecalculateLevelExtPoint.invoke': 'ExtRecalculateLevelRequestDTO',
  'RevertPointsExPoint.invoke': 'ExPointsRevertDTO',
  'SetLevelExtPoint.invoke': 'ExtSetLevelRequestDTO',
  'BenefitPluginExtPoint.getCoreBenefit': 'BenefitExtQueryDTO',
  'ConsumePointsExtPoint.invoke': 'ExtPointsConsumeDTO',
  'CreateCustomerExtPoint.execute': 'CreateCustomerRequestDTO',
  'CreateMemberExtPoint.execute': 'CreateMemberRequestDTO',
  'DecreaseGrowthExtPoint.invoke': 'ExtGrowthDecreaseDTO',
  'DecreasePointsExtPoint.invoke': 'ExtPointsDecreaseDTO',
  'FreezePointsExtPoint.invoke': 'ExtPointsFreezeDTO',
  'GetAvailableCustomerLevelExtPoint.invoke': 'ExtCustomerLevelListQueryDTO',
  'GetCustomerExtPoint.execute': 'CustomerIdentifyDTO',
  'GetCustomerGrowthExtPoint.invoke': 'ExtCustomerGrowthQueryDTO',
  'GetCustomerLevelListExtPoint.invoke': 'ExtCustomerLevelListQueryDTO',
  'GetCustomerPointsExtPoint.invoke': 'ExtCustomerPointsQueryDTO',
  'GetCustomerPointsLogExtPoint.invoke': 'ExtCustomerPointsLogQueryDTO',
  'IncreaseGrowthExtPoint.invoke': 'ExtGrowthIncreaseDTO',
  'IncreasePointsExtPoint.invoke': 'ExtPointsIncreaseDTO',
  'ModifyCustomerExtPoint.execute': 'ModifyCustomerRequestDTO',
  'ModifyMemberExtPoint.execute': 'ModifyMemberRequestDTO',
  'UnfreezePointsExtPoint.invoke': 'ExtPointsUnfreezeDTO',
  'TaskAwardExtPoint.getTaskAwardSendRules': 'ExtTaskAwardSendRulesRequestDTO',
  'TaskAwardExtPoint.getTaskAwardRulesDesc': 'ExtTaskAwardRuleDescRequestDTO',
};

/** The fields of what is taken, as the package names them: `name:type`. */
const FIELDS: Readonly<Record<string, string>> = {
  CreateCustomerRequestDTO:
    'customerIdentifyDTO:CustomerIdentifyDTO customerProfileCreateDTO:CustomerProfileCreateDTO',
  CreateMemberRequestDTO:
    'customerIdentifyDTO:CustomerIdentifyDTO memberProfileCreateDTO:MemberProfileCreateDTO',
  CustomerIdentifyDTO:
    'accountType:accountType accountId:string kdtId:int mobile:string yzOpenId:string nodeKdtId:int',
  CustomerProfileCreateDTO:
    'registerMobile:string name:string gender:gender birthday:string ' +
    'contactAddressCreateDTO:ContactAddressCreateDTO email:string attributeList:array ascriptionKdtId:int',
  MemberProfileCreateDTO:
    'registerMobile:string countryCode:string name:string gender:gender birthday:string ' +
    'contactAddressCreateDTO:ContactAddressCreateDTO email:string attributeList:array ' +
    'memberSourceKdtId:int ascriptionKdtId:int',
  ContactAddressCreateDTO: 'areaCode:string address:string',
  ExtPointsIncreaseDTO:
    'extCustomerInfoDTO:ExtCustomerInfoDTO amount:int description:string eventType:eventType ' +
    'bizValue:string extraInfo:stdClass operatorName:string kdtId:int nodeId:int bizToken:string ' +
    'operationType:operationType sourceKdtId:int',
  ExtPointsDecreaseDTO:
    'extCustomerInfoDTO:ExtCustomerInfoDTO amount:int description:string eventType:eventType ' +
    'bizValue:string extraInfo:stdClass operatorName:string kdtId:int nodeId:int bizToken:string ' +
    'operationType:operationType sourceKdtId:int',
  ExtPointsConsumeDTO:
    'extCustomerInfoDTO:ExtCustomerInfoDTO bizValue:string description:string consumeSource:int ' +
    'consumeType:consumeType extraInfo:stdClass kdtId:int nodeId:int bizToken:string amount:int ' +
    'sourceKdtId:int',
  ExtPointsFreezeDTO:
    'extCustomerInfoDTO:ExtCustomerInfoDTO kdtId:int amount:int bizValue:string description:string ' +
    'consumeSource:int consumeType:consumeType extraInfo:stdClass nodeId:int bizToken:string',
  ExtPointsUnfreezeDTO:
    'extCustomerInfoDTO:ExtCustomerInfoDTO kdtId:int bizValue:string description:string ' +
    'consumeSource:int consumeType:consumeType extraInfo:stdClass nodeId:int bizToken:string',
  ExPointsRevertDTO:
    'extCustomerInfoDTO:ExtCustomerInfoDTO kdtId:int nodeId:int bizValue:string description:string ' +
    'eventType:int extraInfo:stdClass needRevertEventTypeList:array',
  ExtGrowthIncreaseDTO:
    'kdtId:int amount:int description:string bizValue:string yzOpenId:string nodeKdtId:int ' +
    'eventType:eventType',
  ExtGrowthDecreaseDTO:
    'kdtId:int yzOpenId:string amount:int description:string bizValue:string nodeKdtId:int ' +
    'eventType:eventType',
  ExtPointsExpiredDTO:
    'extCustomerInfoDTO:ExtCustomerInfoDTO kdtId:int nodeId:int expiredAt:int amount:int bizValue:string',
  ExtCustomerPointsQueryDTO: 'extCustomerInfoDTO:ExtCustomerInfoDTO kdtId:int nodeId:int',
  ExtCustomerPointsLogQueryDTO:
    'extCustomerInfoDTO:ExtCustomerInfoDTO page:int pageSize:int type:int beginTime:int endTime:int ' +
    'kdtId:int nodeId:int',
  ExtCustomerGrowthQueryDTO: 'kdtId:int yzOpenId:string nodeKdtId:int',
  ExtCustomerInfoDTO: 'accountId:string accountType:accountType yzOpenId:string',
  BenefitExtQueryDTO: 'kdtId:int accountId:string accountType:accountType',
};

const isAmong =
  (...values: readonly unknown[]) =>
  (value: unknown): boolean =>
    values.includes(value);
const TYPES: Readonly<Record<string, (value: unknown) => boolean>> = {
  int: Number.isSafeInteger,
  string: (value) => typeof value === 'string',
  array: Array.isArray,
  stdClass: isObject,
  accountType: isAmong('WxOpenId', 'WxUnionId', 'Mobile', 'YouZanAccount'),
  gender: isAmong(0, 1, 2),
  eventType: isAmong(100, 101),
  consumeType: isAmong(100, 102),
  operationType: isAmong(101, 102, 301),
};

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Where a request is not what a method takes: fields that it has not, and values of another type. */
export function faultsOf(type: string, value: unknown, path = type): string[] {
  const holds = TYPES[type];
  if (holds !== undefined) return holds(value) ? [] : [`${path} is no ${type}: ${JSON.stringify(value)}`];
  const fields = new Map(
    (FIELDS[type] ?? '').split(' ').map((field) => field.split(':') as [string, string]),
  );
  if (!isObject(value)) return [`${path} is no ${type}: ${JSON.stringify(value)}`];
  return Object.entries(value).flatMap(([name, inner]) => {
    const inside = fields.get(name);
    return inside === undefined
      ? [`${path} has no field ${name}`]
      : faultsOf(inside, inner, `${path}.${name}`);
  });
}

/** What an enterprise wrote for the platform: an endpoint for each method, that takes nothing else. */
export interface Scrm extends Receiver {
  /** The address before the methods' names. */
  readonly base: string;
  readonly asked: { method: string; request: Json; body: string; headers: IncomingHttpHeaders }[];
  /** What was wrong with what it was asked; empty in the end. */
  readonly faults: string[];
  /** What a method answers; it may answer by itself and return nothing. */
  readonly answers: Record<string, (request: Json, response: ServerResponse) => unknown>;
}

/** What a method answers that succeeded. */
export const succeeded = (data: unknown): Json => ({ success: true, code: '200', message: 'ok', data });

export async function startScrm(): Promise<Scrm> {
  const asked: Scrm['asked'] = [];
  const faults: string[] = [];
  const answers: Scrm['answers'] = {};
  const receiver = await serve(async (request, response) => {
    const method = (request.url ?? '').replace('/ext/', '');
    const body = await bodyOf(request);
    const given: Json = JSON.parse(body);
    const type = METHODS[method];
    const wrong = type === undefined ? [`there is no ${method}`] : faultsOf(type, given);
    if (request.method !== 'POST') wrong.push(`${method} was asked by ${request.method}`);
    faults.push(...wrong);
    asked.push({ method, request: given, body, headers: request.headers });
    response.setHeader('content-type', 'application/json;charset=UTF-8');
    response.statusCode = wrong.length > 0 ? 400 : 200;
    const answer = await answers[method]?.(given, response);
    if (answer !== undefined) response.end(JSON.stringify(answer));
  });
  return Object.assign(receiver, { base: `http://127.0.0.1:${receiver.port}/ext`, asked, faults, answers });
}

/** A program whose miles and growth the enterprise keeps. */
export const KEPT_PROGRAM = `name: { en: Elsewhere }
timeZone: Asia/Shanghai
currency: CNY
assets:
  - { code: miles, kind: POINTS, name: { en: Miles }, recordOf: EXTERNAL }
  - { code: growth, kind: GROWTH, name: { en: Growth }, recordOf: EXTERNAL, spendable: false }
  - { code: stars, kind: TOKEN, name: { en: Stars }, expiry: { after: P1D } }
ladders: []
rules:
  - code: miles-for-purchases
    name: { en: Miles }
    trigger: purchase
    postings: [{ asset: miles, amount: { each: "1.00", gives: 1 } }]
`;

/** What it calls the fields of its log's lines. */
export const KEPT_LOG = { reference: 'bizValue', amount: 'change', occurredAt: 'createdAt' };

/** A member's ledger, as staff read it. */
export async function ledgerOf(
  { ask }: Pick<OwnTenant, 'ask'>,
  memberId: string,
  asset: string,
  fields: string,
): Promise<Json> {
  const query = `query($id: ID!) { member(id: $id) { ledger(asset: "${asset}") { ${fields} } } }`;
  return (await ask(query, { id: memberId })).data.member.ledger;
}

/** What a member is called, and who says so. */
export async function nameOf({ ask }: Pick<OwnTenant, 'ask'>, memberId: string): Promise<string> {
  const query = 'query($id: ID!) { member(id: $id) { profile { displayName origin } } }';
  const { displayName, origin } = (await ask(query, { id: memberId })).data.member.profile;
  return `${displayName} ${origin}`;
}

/** What an enterprise keeps itself: points and growth, by the account of a member. */
export interface Kept {
  readonly points: Map<string, number>;
  readonly growth: Map<string, number>;
  /** What it booked, in order: `Increase 120`. */
  readonly booked: string[];
  /** Whether its answers are lost; what it was asked it does. */
  isAway: boolean;
}

/** Lets the enterprise keep points and growth: it books a number once, and nothing below zero. */
export function keepRecords({ answers }: Pick<Scrm, 'answers'>): Kept {
  const kept: Kept = { points: new Map(), growth: new Map(), booked: [], isAway: false };
  const known = new Map<string, Json>();
  const logs = new Map<string, Json[]>();
  const book = (balances: Map<string, number>, method: string, sign: 1 | -1, data: unknown) => {
    answers[method] = (request, response) => {
      const { bizValue, amount, yzOpenId, extCustomerInfoDTO } = request;
      const account = extCustomerInfoDTO?.accountId ?? yzOpenId;
      const balance = (balances.get(account) ?? 0) + sign * amount;
      if (!known.has(bizValue) && balance >= 0) {
        balances.set(account, balance);
        const line = { bizValue, change: sign * amount, createdAt: 1_790_000_000 };
        if (extCustomerInfoDTO !== undefined) logs.set(account, [line, ...(logs.get(account) ?? [])]);
        kept.booked.push(`${method.split('ExtPoint')[0]} ${amount}`);
      }
      const refusal = { success: false, code: '40002', message: '积分不足', data: null };
      const answer = known.get(bizValue) ?? (balance < 0 ? refusal : succeeded(data));
      known.set(bizValue, answer);
      return kept.isAway ? void response.destroy() : answer;
    };
  };
  book(kept.points, 'IncreasePointsExtPoint.invoke', 1, { data: true });
  book(kept.points, 'DecreasePointsExtPoint.invoke', -1, { data: true });
  book(kept.points, 'ConsumePointsExtPoint.invoke', -1, { data: true });
  book(kept.growth, 'IncreaseGrowthExtPoint.invoke', 1, true);
  book(kept.growth, 'DecreaseGrowthExtPoint.invoke', -1, true);
  const read = (balances: Map<string, number>, method: string, toStatus: (balance: number) => Json) => {
    answers[method] = ({ yzOpenId, extCustomerInfoDTO }) => {
      const balance = balances.get(extCustomerInfoDTO?.accountId ?? yzOpenId);
      return balance === undefined ? { success: false, message: '查无此人' } : succeeded(toStatus(balance));
    };
  };
  read(kept.points, 'GetCustomerPointsExtPoint.invoke', (balance) => ({
    ...{ currentPoints: balance, totalPoints: balance, nearlyExpiredPoints: 0 },
  }));
  read(kept.growth, 'GetCustomerGrowthExtPoint.invoke', (balance) => ({
    ...{ currentGrowth: balance, totalGrowth: balance },
  }));
  answers['GetCustomerPointsLogExtPoint.invoke'] = ({ extCustomerInfoDTO, page, pageSize }) => {
    const lines = logs.get(extCustomerInfoDTO.accountId) ?? [];
    const logDTOList = lines.slice((page - 1) * pageSize, page * pageSize);
    return succeeded({ logDTOList, total: lines.length });
  };
  answers['GetCustomerExtPoint.execute'] = ({ accountId }) => succeeded({ name: `林小满 ${accountId}` });
  answers['ExpiredPointsExtPoint.invoke'] = () => succeeded({ data: true });
  return kept;
}
