// `npm run check:reference`: after `npm run docs`, looks at each page as on a phone: none scrolls sideways. It needs Chromium.

import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';
import { main, root, StepError, step } from './steps.mjs';

const folder = path.join(root, 'docs/reference');
const browsers = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
/** CSS pixels of a small phone. */
const phone = { width: 360, height: 740 };

await main(() => step('the reference on a phone', { doing: 'looking at each page', work: look }));

async function look() {
  const executablePath = browsers.map((name) => `/usr/bin/${name}`).find((file) => existsSync(file));
  if (!executablePath) throw new StepError('There is no Chromium: `npm run setup` installs it.');
  const pages = existsSync(folder)
    ? readdirSync(folder, { recursive: true }).filter((name) => name.endsWith('.html'))
    : [];
  if (pages.length === 0) throw new StepError('There is no reference: `npm run docs` makes it.');
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
  try {
    const page = await browser.newPage({ viewport: phone, isMobile: true, javaScriptEnabled: false });
    const wide = [];
    for (const name of pages) {
      await page.goto(pathToFileURL(path.join(folder, name)).href);
      const found = await page.evaluate(widest);
      if (found) wide.push(`${name}: ${found.width} pixels, by ${found.what}`);
    }
    if (wide.length > 0)
      throw new StepError(`${wide.length} of ${pages.length} pages scroll sideways:\n  ${wide.join('\n  ')}`);
    console.log(`  ${pages.length} pages`);
  } finally {
    await browser.close();
  }
}

/** In the page: how wide it is, and what makes it so; undefined where it is as wide as the screen. */
function widest() {
  const { scrollWidth: width, clientWidth } = document.documentElement;
  if (width <= clientWidth) return undefined;
  const sticksOut = (element) => element.scrollWidth > element.clientWidth && element.clientWidth > 0;
  const innermost = [...document.querySelectorAll('.col-content *')].filter(sticksOut).at(-1);
  return { width, what: innermost?.textContent.trim().slice(0, 80) ?? 'what is beside the content' };
}
