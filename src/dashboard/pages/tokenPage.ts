/**
 * What somebody without the token sees. It carries its style with it, since nothing else is served without the token.
 */
import { createHash } from 'node:crypto';
import { html } from '../../shared/page/html.ts';
import { STYLE } from './style.ts';

const HEAD = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark"><title>posecast: token needed</title><link rel="icon" href="data:,"><style>`;

const BODY = html`</style></head><body><header class="top"><h1>posecast</h1></header><main><section class="state waiting token"><p class="headline">This dashboard asks for a token</p><p>Open the address that <code>posecast dashboard</code> printed, or give its token here.</p>
<form class="search" method="get" action="/"><label class="visually-hidden" for="token">Token</label><input id="token" type="password" name="token" autocomplete="off" required><button class="main">Open</button></form></section></main></body></html>
`;

// The style sheet is a constant of this package and holds no '<'.
export const TOKEN_PAGE = `${HEAD.markup}${STYLE}${BODY.markup}`;

const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64');

/** Lets exactly this style through. */
export const TOKEN_PAGE_POLICY = `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`;
