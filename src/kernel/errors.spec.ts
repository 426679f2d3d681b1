import { pickLanguage, Refusal, RequestFault, refuse, renderMessage } from './errors.ts';

describe('the language of a reader', () => {
  it.each([
    [undefined, null],
    ['', null],
    ['*', null],
    ['fr', null],
    ['fr-FR, de;q=0.9', null],
    ['en', 'en'],
    ['en-GB', 'en'],
    ['EN-us', 'en'],
    ['zh', 'zh-CN'],
    ['zh-CN', 'zh-CN'],
    ['zh-Hans-CN', 'zh-CN'],
    ['zh-TW', 'zh-CN'],
    ['fr, zh;q=0.5', 'zh-CN'],
    ['en, zh', 'en'],
    ['zh, en', 'zh-CN'],
    ['en;q=0.8, zh-CN;q=0.9', 'zh-CN'],
    ['zh;q=0.1,en;q=0.2', 'en'],
    ['zh;q=0', null],
    ['zh;q=0, en;q=0.1', 'en'],
    ['zh;level=1;q=0.4, en;q=0.5', 'en'],
    ['zh; q=0.9, en; q=0.1', 'zh-CN'],
    ['zh;q=1.2.3, en;q=0.1', 'en'],
    [';;;,,,q=1', null],
  ])('asked for by %p is %p', (header, language) => {
    expect(pickLanguage(header)).toBe(language);
  });
});

describe('messages', () => {
  const template = { en: 'Only {available} of {required}.', 'zh-CN': '需要 {required}，仅有 {available}。' };

  it('are filled in, in the reader’s language', () => {
    const details = { available: '5', required: 10 };
    expect(renderMessage(template, 'en', details)).toBe('Only 5 of 10.');
    expect(renderMessage(template, 'zh-CN', details)).toBe('需要 10，仅有 5。');
  });

  it('show a hole that nobody fills, and fill none twice', () => {
    expect(renderMessage(template, 'en', { available: '{required}' })).toBe('Only {required} of {required}.');
  });
});

describe('refusals', () => {
  it('carry their reasons, and name their codes', () => {
    const refusal = refuse('INSUFFICIENT_BALANCE', ['amount'], { available: '5' });
    expect(refusal).toBeInstanceOf(Refusal);
    expect(refusal.message).toBe('INSUFFICIENT_BALANCE');
    expect(refusal.reasons).toEqual([
      { code: 'INSUFFICIENT_BALANCE', field: ['amount'], details: { available: '5' } },
    ]);
  });

  it('are told apart from requests that can’t be executed', () => {
    const fault = new RequestFault('CURSOR_INVALID', { field: ['after'] });
    expect(fault).not.toBeInstanceOf(Refusal);
    expect(fault).toMatchObject({ code: 'CURSOR_INVALID', field: ['after'], details: {}, httpStatus: 400 });
  });
});
