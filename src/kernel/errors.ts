/** The languages that people read. The first is the one for everybody else. */
export const LANGUAGES = ['en', 'zh-CN'] as const;
export type Language = (typeof LANGUAGES)[number];

/** A text in each language; `{name}` stands for a detail of the error. */
export type MessageTemplate = Readonly<Record<Language, string>>;

/** A part of the error catalogue: code → its message. Each domain brings its own part. */
export type ErrorCatalogue = Readonly<Record<string, MessageTemplate>>;

export type ErrorDetails = Readonly<Record<string, string | number>>;

/** One expected refusal, as it is before it is put into the reader's language. */
export interface RefusalReason {
  readonly code: string;
  /** Path below `input`, list indices as strings; null when it is about no field. */
  readonly field: readonly string[] | null;
  readonly details?: ErrorDetails;
  /** A message that comes ready made, e.g. from a plugin; else the catalogue's. */
  readonly message?: string;
}

/** Thrown by a use case that refuses: everything is rolled back, and the reasons become `userErrors`. */
export class Refusal extends Error {
  readonly reasons: readonly RefusalReason[];

  constructor(reasons: readonly RefusalReason[]) {
    super(reasons.map((reason) => reason.code).join(', '));
    this.name = 'Refusal';
    this.reasons = reasons;
  }
}

/** A refusal for one reason. */
export function refuse(code: string, field: readonly string[] | null, details?: ErrorDetails): Refusal {
  return new Refusal([{ code, field, details }]);
}

/** Thrown when a request can't be executed at all; becomes an entry of GraphQL `errors`. */
export class RequestFault extends Error {
  readonly code: string;
  readonly details: ErrorDetails;
  readonly field: readonly string[] | null;
  /** The HTTP status that fits when nothing was executed. */
  readonly httpStatus: number;

  constructor(
    code: string,
    options: { details?: ErrorDetails; field?: readonly string[]; httpStatus?: number } = {},
  ) {
    super(code);
    this.name = 'RequestFault';
    this.code = code;
    this.details = options.details ?? {};
    this.field = options.field ?? null;
    this.httpStatus = options.httpStatus ?? 400;
  }
}

/** The message of a template in a language, with its details filled in. */
export function renderMessage(
  template: MessageTemplate,
  language: Language,
  details: ErrorDetails = {},
): string {
  return template[language].replace(/\{(\w+)\}/g, (hole, name: string) => String(details[name] ?? hole));
}

/** The best of our languages for an `Accept-Language` header, or null when it names none of them. */
export function pickLanguage(header: string | undefined): Language | null {
  if (header === undefined) return null;
  const wanted = header
    .split(',')
    .map((part) => {
      const [tag = '', ...parameters] = part.trim().split(';');
      const quality = parameters
        .map((text) => /^\s*q=([\d.]+)$/.exec(text)?.[1])
        .find((q) => q !== undefined);
      return { tag: tag.toLowerCase(), quality: quality === undefined ? 1 : Number(quality) };
    })
    .filter(({ quality }) => quality > 0)
    .sort((a, b) => b.quality - a.quality);
  for (const { tag } of wanted) {
    if (tag.startsWith('zh')) return 'zh-CN';
    if (tag.startsWith('en')) return 'en';
  }
  return null;
}
