import type { LookupAddress } from 'node:dns';
import { lookup } from 'node:dns/promises';
import type { LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';
import { type WebhookFault, WebhookFaultError } from './fault.ts';

/** Every address of a name. */
export type Resolve = (host: string) => Promise<readonly LookupAddress[]>;

/** What the operating system says, the hosts file included. */
export const resolveBySystem: Resolve = (host) => lookup(host, { all: true });

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** Azure's metadata: a public address that is answered from within, and that no registry lists. */
const AZURE_METADATA = '168.63.129.16';
/** All that is given out as global unicast. What ipaddr.js has no name for lies outside, like `::10.0.0.1`. */
const GLOBAL_UNICAST = ipaddr.parseCIDR('2000::/3');
const LEAST_FREE_PORT = 1024;

/** Decides where webhooks may be sent: public addresses by https, and networks that were allowed by name. */
export class AddressGuard {
  readonly #networks: readonly [Address, number][];
  readonly #resolve: Resolve;
  readonly #resolving = new Map<string, Promise<readonly LookupAddress[]>>();

  /** @param networks in CIDR notation, e.g. `10.1.0.0/16` */
  constructor(networks: readonly string[], resolve: Resolve = resolveBySystem) {
    this.#networks = networks.map((network) => ipaddr.parseCIDR(network));
    this.#resolve = resolve;
  }

  /** Checks an address as at registration, its name resolved; null when it may be called. */
  async check(address: string): Promise<WebhookFault | null> {
    try {
      const url = parseWebhookUrl(address);
      // Where no network is allowed, a name that nobody knows yet can only come to be public.
      if (this.#networks.length === 0 && !ipaddr.isValid(hostOf(url))) refuseUnlessForPublic(url);
      await this.addressesOf(url, hostOf(url));
      return null;
    } catch (error) {
      if (error instanceof WebhookFaultError) return error.fault;
      throw error;
    }
  }

  /** Refuses a URL whose host is a literal address: sockets connect to those without asking `lookup`. */
  checkLiteral(url: URL): void {
    const host = hostOf(url);
    if (ipaddr.isValid(host)) this.#demand(url, host, [host]);
  }

  /**
   * For the sockets of one URL. What is checked here is what is connected to: the name isn't asked again in
   * between, and one address that is refused refuses them all.
   */
  lookupFor(url: URL): LookupFunction {
    return (host, options, callback) => {
      this.addressesOf(url, host).then(
        (addresses) => {
          const wanted = addresses.filter(({ family }) => !options.family || family === options.family);
          const [first] = wanted;
          if (first === undefined) callback(nameUnknown(host, 'ENOTFOUND'), '');
          else if (options.all) callback(null, [...wanted]);
          else callback(null, first.address, first.family);
        },
        (error: unknown) => callback(error as Error, ''),
      );
    };
  }

  /** @throws WebhookFaultError when there is none, or one that is refused */
  async addressesOf(url: URL, host: string): Promise<readonly LookupAddress[]> {
    const addresses = ipaddr.isValid(host)
      ? [{ address: host, family: ipaddr.parse(host).kind() === 'ipv4' ? 4 : 6 }]
      : await this.#resolveOnce(host).catch((error: unknown) => {
          throw nameUnknown(host, (error as NodeJS.ErrnoException).code ?? 'ENOTFOUND');
        });
    if (addresses.length === 0) throw nameUnknown(host, 'ENOTFOUND');
    this.#demand(
      url,
      host,
      addresses.map(({ address }) => address),
    );
    return addresses;
  }

  /** The system resolves on few threads: a name that is slow takes one of them, however many ask for it. */
  #resolveOnce(host: string): Promise<readonly LookupAddress[]> {
    const under = this.#resolving.get(host);
    if (under !== undefined) return under;
    const resolving = this.#resolve(host).finally(() => this.#resolving.delete(host));
    this.#resolving.set(host, resolving);
    return resolving;
  }

  #demand(url: URL, host: string, addresses: readonly string[]): void {
    const parsed = addresses.filter((text) => ipaddr.isValid(text)).map((text) => ipaddr.parse(text));
    if (parsed.length < addresses.length) throw refused(host);
    const strangers = parsed.filter((address) => !this.#isAllowed(address));
    if (!strangers.every(isPublic)) throw refused(host);
    // Only for a network that the operator named is plain http, or any port, a choice of its own.
    if (strangers.length === 0) return;
    refuseUnlessForPublic(url);
  }

  #isAllowed(address: Address): boolean {
    return this.#networks.some(
      ([network, bits]) => address.kind() === network.kind() && address.match(network, bits),
    );
  }
}

/**
 * The parser of the web's browsers: it writes decimal, octal, hexadecimal and shortened IPv4 as four numbers.
 * @throws WebhookFaultError
 */
export function parseWebhookUrl(address: string): URL {
  if (!URL.canParse(address)) throw new WebhookFaultError('WEBHOOK_URL_INVALID');
  const url = new URL(address);
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    throw new WebhookFaultError('WEBHOOK_URL_SCHEME');
  if (url.username !== '' || url.password !== '') throw new WebhookFaultError('WEBHOOK_URL_CREDENTIALS');
  return url;
}

/** What a public address has to be called by. @throws WebhookFaultError */
function refuseUnlessForPublic(url: URL): void {
  if (url.protocol !== 'https:') throw new WebhookFaultError('WEBHOOK_URL_SCHEME');
  const port = url.port === '' ? 443 : Number(url.port);
  if (port !== 443 && port < LEAST_FREE_PORT) throw new WebhookFaultError('WEBHOOK_URL_PORT', { port });
}

function isPublic(address: Address): boolean {
  if (address.range() !== 'unicast') return false;
  return address.kind() === 'ipv4' ? address.toString() !== AZURE_METADATA : address.match(...GLOBAL_UNICAST);
}

/** The host as sockets want it: an IPv6 address without its brackets. */
function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}

/** Never says which address a name has: that could tell what is inside. */
function refused(host: string): WebhookFaultError {
  return new WebhookFaultError('WEBHOOK_ADDRESS_REFUSED', { host });
}

function nameUnknown(host: string, cause: string): WebhookFaultError {
  return new WebhookFaultError('WEBHOOK_NAME_UNKNOWN', { host, cause });
}
