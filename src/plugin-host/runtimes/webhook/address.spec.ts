import { AddressGuard, type Resolve } from './address.ts';

const at = (...addresses: string[]): Resolve => {
  return () =>
    Promise.resolve(addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })));
};
const nowhere: Resolve = () => Promise.reject(Object.assign(new Error(), { code: 'ENOTFOUND' }));

async function codeOf(url: string, resolve: Resolve = nowhere, networks: string[] = []) {
  return (await new AddressGuard(networks, resolve).check(url))?.code ?? null;
}

describe('addresses that are refused', () => {
  it.each([
    ['loopback', 'https://127.0.0.1/'],
    ['decimal', 'https://2130706433/'],
    ['octal', 'https://0177.0.0.1/'],
    ['octal in one', 'https://017700000001/'],
    ['hexadecimal', 'https://0x7f000001/'],
    ['mixed and short', 'https://0x7f.1/'],
    ['with a dot at the end', 'https://127.0.0.1./'],
    ['full-width digits', 'https://１２７.０.０.１/'],
    ['escaped', 'https://%31%32%37.0.0.1/'],
    ['zero', 'https://0/'],
    ['private 10', 'https://10.0.0.1/'],
    ['private 172.16', 'https://172.31.255.255/'],
    ['private 192.168', 'https://192.168.1.1:8443/'],
    ['carrier-grade NAT, where Alibaba has its metadata', 'https://100.100.100.200/'],
    ['link-local metadata', 'https://169.254.169.254/latest/meta-data'],
    ['decimal metadata', 'https://2852039166/'],
    ['Oracle’s metadata', 'https://192.0.0.192/'],
    ['Azure’s metadata', 'https://168.63.129.16/'],
    ['benchmarking', 'https://198.18.0.1/'],
    ['documentation', 'https://203.0.113.9/'],
    ['multicast', 'https://224.0.0.1/'],
    ['broadcast', 'https://255.255.255.255/'],
    ['IPv6 loopback', 'https://[::1]/'],
    ['IPv6 unspecified', 'https://[::]/'],
    ['IPv4-mapped', 'https://[::ffff:10.0.0.1]/'],
    ['IPv4-mapped in hexadecimal', 'https://[::ffff:a9fe:a9fe]/'],
    ['IPv4-mapped and public', 'https://[::ffff:1.1.1.1]/'],
    ['IPv4-compatible', 'https://[::10.0.0.1]/'],
    ['IPv4-translated', 'https://[::ffff:0:10.0.0.1]/'],
    ['NAT64', 'https://[64:ff9b::10.0.0.1]/'],
    ['local NAT64', 'https://[64:ff9b:1::10.0.0.1]/'],
    ['6to4', 'https://[2002:a00:1::]/'],
    ['Teredo', 'https://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/'],
    ['IPv6 link-local', 'https://[fe80::1]/'],
    ['IPv6 site-local', 'https://[fec0::1]/'],
    ['unique local, where AWS has its metadata', 'https://[fd00:ec2::254]/'],
    ['IPv6 multicast', 'https://[ff02::1]/'],
    ['IPv6 documentation', 'https://[2001:db8::1]/'],
    ['never given out', 'https://[4000::1]/'],
  ])('%s: %s', async (_what, url) => {
    expect(await codeOf(url)).toBe('WEBHOOK_ADDRESS_REFUSED');
  });

  it('refuses a name if any of its addresses is refused', async () => {
    expect(await codeOf('https://crm.example.com/', at('8.8.8.8', '10.0.0.1'))).toBe(
      'WEBHOOK_ADDRESS_REFUSED',
    );
    expect(await codeOf('https://crm.example.com/', at('2606:4700::1', '::1'))).toBe(
      'WEBHOOK_ADDRESS_REFUSED',
    );
    expect(await codeOf('https://crm.example.com/', at('nonsense'))).toBe('WEBHOOK_ADDRESS_REFUSED');
  });

  it('asks https also of a name that nobody knows yet, unless it may come to lie in an allowed network', async () => {
    expect(await codeOf('http://crm.example.com/')).toBe('WEBHOOK_URL_SCHEME');
    expect(await codeOf('https://crm.example.com:25/')).toBe('WEBHOOK_URL_PORT');
    expect(await codeOf('https://crm.example.com/')).toBe('WEBHOOK_NAME_UNKNOWN');
    expect(await codeOf('http://crm.example.com/', nowhere, ['10.1.0.0/16'])).toBe('WEBHOOK_NAME_UNKNOWN');
  });

  it('never says which address a name has', async () => {
    const fault = await new AddressGuard([], at('10.11.12.13')).check('https://crm.example.com/');
    expect(fault).toEqual({ code: 'WEBHOOK_ADDRESS_REFUSED', details: { host: 'crm.example.com' } });
  });

  it('asks for a name once, however many want to know it at that moment, and anew afterwards', async () => {
    let asked = 0;
    const guard = new AddressGuard([], () => {
      asked += 1;
      return at(asked === 1 ? '8.8.8.8' : '10.0.0.1')('');
    });
    const check = () => guard.check('https://crm.example.com/');
    expect(await Promise.all([check(), check(), check()])).toEqual([null, null, null]);
    expect((await check())?.code).toBe('WEBHOOK_ADDRESS_REFUSED');
    expect(asked).toBe(2);
  });

  it('knows the names of the machine itself', async () => {
    const fault = await new AddressGuard([]).check('https://localhost/');
    expect(fault?.code).toBe('WEBHOOK_ADDRESS_REFUSED');
  });

  it.each([
    ['not a url', 'WEBHOOK_URL_INVALID'],
    ['https://[fe80::1%25eth0]/', 'WEBHOOK_URL_INVALID'],
    ['https://999.1.1.1/', 'WEBHOOK_URL_INVALID'],
    ['http://1.1.1.1/', 'WEBHOOK_URL_SCHEME'],
    ['ftp://1.1.1.1/', 'WEBHOOK_URL_SCHEME'],
    ['file:///etc/passwd', 'WEBHOOK_URL_SCHEME'],
    ['https://user@1.1.1.1/', 'WEBHOOK_URL_CREDENTIALS'],
    ['https://user:secret@1.1.1.1/', 'WEBHOOK_URL_CREDENTIALS'],
    ['https://1.1.1.1:25/', 'WEBHOOK_URL_PORT'],
    ['https://1.1.1.1:80/', 'WEBHOOK_URL_PORT'],
    ['https://nowhere.example.com/', 'WEBHOOK_NAME_UNKNOWN'],
  ])('%s: %s', async (url, code) => {
    expect(await codeOf(url)).toBe(code);
  });
});

describe('addresses that are taken', () => {
  it.each(['https://1.1.1.1/', 'https://1.1.1.1:8443/x', 'https://[2606:4700:4700::1111]/'])(
    '%s',
    async (url) => {
      expect(await codeOf(url)).toBeNull();
    },
  );

  it('takes a name with public addresses alone', async () => {
    expect(await codeOf('https://crm.example.com/hook', at('8.8.8.8', '2606:4700::1'))).toBeNull();
  });
});

describe('networks that are allowed', () => {
  const networks = ['10.1.0.0/16', 'fd12:3456::/48'];

  it('takes what lies in them, by http and on any port', async () => {
    expect(await codeOf('http://10.1.2.3/', nowhere, networks)).toBeNull();
    expect(await codeOf('http://10.1.2.3:81/', nowhere, networks)).toBeNull();
    expect(await codeOf('https://[fd12:3456::9]/', nowhere, networks)).toBeNull();
    expect(await codeOf('http://crm.intern/', at('10.1.2.3', 'fd12:3456::9'), networks)).toBeNull();
  });

  it('refuses what lies beside them', async () => {
    expect(await codeOf('http://10.2.0.1/', nowhere, networks)).toBe('WEBHOOK_ADDRESS_REFUSED');
    expect(await codeOf('http://[::ffff:10.1.2.3]/', nowhere, networks)).toBe('WEBHOOK_ADDRESS_REFUSED');
    expect(await codeOf('http://crm.intern/', at('10.1.2.3', '10.2.0.1'), networks)).toBe(
      'WEBHOOK_ADDRESS_REFUSED',
    );
  });

  it('asks https of a name that is also at a public address', async () => {
    expect(await codeOf('http://crm.intern/', at('10.1.2.3', '8.8.8.8'), networks)).toBe(
      'WEBHOOK_URL_SCHEME',
    );
    expect(await codeOf('https://crm.intern/', at('10.1.2.3', '8.8.8.8'), networks)).toBeNull();
  });
});
