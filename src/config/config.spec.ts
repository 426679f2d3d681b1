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
