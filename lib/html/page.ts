import { createHash } from 'node:crypto';
import { type Content, html, Markup } from './markup';
import { script } from './script';
import { style } from './style';

/** A page of its own: it loads nothing, runs nothing but our script, and sends nothing anywhere. */
export function page(title: string, body: Content): string {
  const policy = [
    ...["default-src 'none'", `style-src ${hashOf(style)}`, `script-src ${hashOf(script)}`, 'img-src data:'],
    ...["base-uri 'none'", "form-action 'none'"],
  ].join('; ');
  // The policy is ours, and the texts of style and script are those that were hashed.
  const document = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${new Markup(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${title}</title>
<style>${new Markup(style)}</style>
</head>
<body>
<header><h1>${title}</h1></header>
<main>
${body}</main>
<script>${new Markup(script)}</script>
</body>
</html>
`;
  return document.text;
}

function hashOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}
