/** Pages in headless Chromium, as the distribution has it. */
import { existsSync, writeFileSync } from 'node:fs';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { temporaryFolder } from './folder';

const programs = [
  ...['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'].map(
    (name) => `/usr/bin/${name}`,
  ),
];

export async function startBrowser(): Promise<Browser> {
  const executablePath = programs.find((program) => existsSync(program));
  if (executablePath === undefined) throw new Error('there is no Chromium: `npm run setup` installs it');
  // As root there is no sandbox; the pages are our own.
  return await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
}

/** A page that is shown, and all that it tried to do. */
export interface ShownPage {
  readonly page: Page;
  /** Messages of the console, errors, dialogs, and requests of anything but the page itself. */
  readonly incidents: readonly string[];
}

export async function show(
  browser: Browser,
  html: string,
  options: BrowserContextOptions = {},
  use: (shown: ShownPage) => Promise<void>,
): Promise<void> {
  using folder = temporaryFolder();
  const file = folder.file('page.html');
  writeFileSync(file, html);
  const context = await browser.newContext({ viewport: { width: 1200, height: 900 }, ...options });
  const incidents: string[] = [];
  try {
    const page = await context.newPage();
    page.on('console', (message) => incidents.push(`console: ${message.text()}`));
    page.on('pageerror', (error) => incidents.push(`error: ${error.message}`));
    page.on('dialog', (dialog) => {
      incidents.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on('request', (request) => {
      const url = request.url();
      if (url !== `file://${file}` && !url.startsWith('data:image/png;base64,'))
        incidents.push(`request: ${url}`);
    });
    page.on('popup', () => incidents.push('popup'));
    await page.goto(`file://${file}`);
    await use({ page, incidents });
  } finally {
    await context.close();
  }
}
