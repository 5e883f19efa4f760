/**
 * Who may see the page. Two checks on every request, whatever its path: the name by which it came, so that a page in a
 * browser elsewhere cannot reach a server on this machine through a name of its own (DNS rebinding), and the token,
 * where there is one.
 */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { hostname, networkInterfaces } from 'node:os';
import type { Context, MiddlewareHandler } from 'hono';
import { getCookie, setCookie } from 'hono/cookie';
import { ConfigError } from '../shared/errors.ts';

/** Shorter ones can be guessed. */
const MIN_TOKEN = 16;

const LOOPBACK = new Set(['127.0.0.1', 'localhost', '::1']);

export function isLoopback(host: string): boolean {
  return LOOPBACK.has(host) || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
}

/**
 * The token that protects a server bound to `host`: the one asked for, a new one where the server can be reached from
 * elsewhere, none on loopback.
 * @param from the option or variable that asks for it, for the message.
 * @throws ConfigError for one that can be guessed, or does not fit into a header.
 */
export function tokenFor(host: string, asked: string | undefined, from = '--token'): string | undefined {
  if (asked === undefined) return isLoopback(host) ? undefined : randomBytes(24).toString('base64url');
  if (asked.length >= MIN_TOKEN && /^[\x21-\x7e]+$/.test(asked)) return asked;
  throw new ConfigError(
    'weak-token',
    `${from}: expected at least ${MIN_TOKEN} characters without spaces, such as \`openssl rand -hex 16\` prints, found ` +
      (asked.length < MIN_TOKEN ? `${asked.length} characters` : 'others'),
  );
}

/** Opens the page of `url` to whoever has it. */
export function addressWithToken(url: string, token: string): string {
  return `${url}?token=${encodeURIComponent(token)}`;
}

/**
 * Names under which the server may be asked for.
 * @param more further ones, as `nameInHost` gives them.
 */
export function allowedNames(host: string, more: readonly string[]): ReadonlySet<string> {
  const names = new Set([...LOOPBACK, bare(host), ...more]);
  if (!isLoopback(host)) {
    names.add(hostname().toLowerCase());
    for (const addresses of Object.values(networkInterfaces())) {
      for (const { address } of addresses ?? []) names.add(bare(address));
    }
  }
  return names;
}

/** The bare name in a Host header, whatever the port: tunnels change it. Undefined for one that is none. */
export function nameInHost(header: string | undefined): string | undefined {
  if (header === undefined || !/^[\w.:[\]%-]+$/.test(header)) return undefined;
  return URL.canParse(`http://${header}`) ? bare(new URL(`http://${header}`).hostname) : undefined;
}

/** In lower case, without brackets or the dot of the root. */
function bare(name: string): string {
  return name.toLowerCase().replace(/^\[|\]$|\.$/g, '');
}

export function checkHost(names: ReadonlySet<string>): MiddlewareHandler {
  return async (c, next) => {
    const name = nameInHost(c.req.header('host'));
    if (name !== undefined && names.has(name)) return next();
    return c.text(
      'This server does not answer under that name. If the name is right, start it with --allow-host NAME.\n',
      403,
    );
  };
}

/**
 * The token comes once in the address (`?token=`), from the line that the command printed, and then as a cookie;
 * scripts send `Authorization: Bearer`.
 */
export function checkToken(
  token: string | undefined,
  denied: (c: Context) => Response | Promise<Response>,
): MiddlewareHandler {
  if (token === undefined) return (_, next) => next();
  // Not the token itself: what is found in a browser's profile opens this server only until it ends.
  const session = createHmac('sha256', randomBytes(32)).update(token).digest('base64url');
  return async (c, next) => {
    const url = new URL(c.req.url);
    // Cookies are shared by all ports of a host.
    const cookie = `posecast-${nameOfPort(c.req.header('host'))}`;
    const given = url.searchParams.get('token');
    if (given !== null && c.req.method === 'GET') {
      if (!same(given, token)) return denied(c);
      setCookie(c, cookie, session, { httpOnly: true, sameSite: 'Lax', path: '/' });
      url.searchParams.delete('token');
      return c.redirect(`${url.pathname}${url.search}`, 303);
    }
    const bearer = /^Bearer (.+)$/.exec(c.req.header('authorization') ?? '')?.[1];
    if (bearer !== undefined && same(bearer, token)) return next();
    const kept = getCookie(c, cookie);
    if (kept !== undefined && same(kept, session)) return next();
    return denied(c);
  };
}

function nameOfPort(host: string | undefined): string {
  return /:(\d{1,5})$/.exec(host ?? '')?.[1] ?? '80';
}

/** Takes as long whatever differs. */
function same(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

/** A request that changes something must come from a page of this server. */
export function checkOrigin(): MiddlewareHandler {
  return async (c, next) => {
    const origin = c.req.header('origin');
    const site = c.req.header('sec-fetch-site');
    const ofThisServer = origin !== undefined && hostOf(origin) === c.req.header('host');
    if (ofThisServer && (site === undefined || site === 'same-origin')) return next();
    return c.text('Expected a request from a page of this server.\n', 403);
  };
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}

/** Nothing but what this server sends is loaded, run, sent to or shown around it. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** bull-board's page sets styles from its script and reads its words from this server. */
export const QUEUES_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'self'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

export function securityHeaders(): MiddlewareHandler {
  return async (c, next) => {
    await next();
    const set = (name: string, value: string) => {
      if (!c.res.headers.has(name)) c.res.headers.set(name, value);
    };
    set('Content-Security-Policy', POLICY);
    set('X-Content-Type-Options', 'nosniff');
    set('Referrer-Policy', 'no-referrer');
    set('Cross-Origin-Opener-Policy', 'same-origin');
    set('Cross-Origin-Resource-Policy', 'same-origin');
    // Faces of people: nothing of it stays in a cache.
    set('Cache-Control', 'no-store');
  };
}
