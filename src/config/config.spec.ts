import { loadConfig } from './config.ts';

describe('EXTENSION_ALLOWED_NETWORKS', () => {
  const networksOf = (text?: string): readonly string[] =>
    loadConfig({ EXTENSION_ALLOWED_NETWORKS: text }, '').extensionAllowedNetworks;

  it('is a list of networks, and empty unless it is set', () => {
    expect(networksOf()).toEqual([]);
    expect(networksOf('10.1.0.0/16, fd12:3456::/48 127.0.0.1/32')).toEqual([
      '10.1.0.0/16',
      'fd12:3456::/48',
      '127.0.0.1/32',
    ]);
  });

  it.each(['10.1.0.0', '10.1.0.0/33', 'intranet', '10.0.0.0/8,::1'])('does not take %s', (text) => {
    expect(() => networksOf(text)).toThrow(
      'EXTENSION_ALLOWED_NETWORKS is wrong: takes networks in CIDR notation, like 10.1.0.0/16.',
    );
  });
});

describe('BUS', () => {
  const busOf = (environment: NodeJS.ProcessEnv): unknown => loadConfig(environment, '').bus;
  const REDIS_URL = 'redis://localhost:6379';

  it('is PostgreSQL unless a Redis is named', () => {
    expect(busOf({})).toEqual({ over: 'postgres' });
    expect(busOf({ REDIS_URL })).toEqual({ over: 'redis', url: REDIS_URL });
    expect(busOf({ REDIS_URL, BUS: 'in-process' })).toEqual({ over: 'in-process' });
  });

  it('does not take what it can’t be', () => {
    expect(() => busOf({ BUS: 'redis' })).toThrow('REDIS_URL is wrong: is missing beside BUS=redis.');
    expect(() => busOf({ BUS: 'kafka' })).toThrow('BUS is wrong');
    expect(() => busOf({ REDIS_URL: 'http://localhost' })).toThrow('REDIS_URL is wrong');
  });
});
