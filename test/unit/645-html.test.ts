// Reports as web pages, as a browser shows them.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { type CheckReport, checkRules, type InspectionReport, renderCheckHtml, renderHtml } from '../../lib';
import { UsageTree } from '../../lib/guests/tree-usage';
import { DifferenceList, renderDifferences } from '../../lib/html/differences';
import { show, startBrowser } from '../support/browser';
import { application, largeReport, system, withTexts } from '../support/reports';

jest.setTimeout(60_000);

const failed = { path: '/images/lost.qcow2', error: { code: 'ENOENT', message: 'does not exist' } };
const axe = readFileSync(createRequire(__filename).resolve('axe-core/axe.min.js'), 'utf8');

const hostileTexts = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "'-alert(1)-'",
  '</style><script>alert(1)</script>',
  '</title><svg onload=alert(1)>',
  '--><script>alert(1)</script><!--',
  ['`$', '{alert(1)}`'].join(''),
  'javascript:alert(1)',
  '&lt;script&gt;alert(1)&lt;/script&gt;',
  '\u202e\0\x1b[2J\ud800<iframe src="https://example.org">',
  '<base href="https://example.org"><meta http-equiv=refresh content="0;https://example.org">',
];

let browser: Browser;
beforeAll(async () => {
  browser = await startBrowser();
});
afterAll(() => browser?.close());

/** Violations of axe-core; it is put in from outside, where the page's policy does not hold. */
async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  const { violations } = (await page.evaluate('axe.run(document, { resultTypes: ["violations"] })')) as {
    violations: { id: string; nodes: { html: string }[] }[];
  };
  return violations.map(
    ({ id, nodes }) =>
      `${id}: ${nodes
        .slice(0, 3)
        .map(({ html }) => html.slice(0, 200))
        .join('\n')}`,
  );
}

function emptyReport(): InspectionReport {
  const image = {
    path: 'data.img',
    device: '/dev/sda',
    format: 'raw',
    virtualSize: 2 ** 20,
    blocksize: 4096,
    actualSize: null,
  };
  const lists = { partitions: [], filesystems: [], encrypted: [], operatingSystems: [], problems: [] };
  return {
    images: [{ ...image, backingChain: [{ path: 'base.img', format: null }], partitionTable: null }],
    ...lists,
  };
}

function differences(count: number, path = '/etc/file'): string {
  const list = new DifferenceList();
  for (let index = 0; index < count; index++) {
    const change = (['added', 'removed', 'changed'] as const)[index % 3] ?? 'added';
    list.add({
      change,
      path: `${path}-${index}`,
      changes: change === 'changed' ? 'size 1 → 2' : '',
      before: 1n,
      after: 2n,
    });
  }
  return renderDifferences({ ...list, before: 'a.qcow2', after: 'b.qcow2', failures: ['<b>bad</b>'] });
}

/** A report of what was found in an image, with a text of a guest. */
function findings(count: number, text = 'a key', image = 'web-1.img'): CheckReport {
  const [rule] = checkRules();
  const { id = '', title = '', help = '', advice = '' } = rule ?? {};
  const place = { device: '/dev/sda1', path: `/etc/${text}`, line: 3 };
  return {
    ...{ version: 1, images: [image], complete: false },
    trees: [{ device: '/dev/sda1', kind: 'linux', name: text }],
    rules: [{ id, title, help, severity: 'error', outcome: 'found' }],
    findings: Array.from({ length: count }, (_, index) => ({
      ...{ rule: id, title, advice, seen: text, ...place },
      severity: (['error', 'warning', 'note'] as const)[index % 3] ?? 'note',
    })),
    problems: [{ rule: id, code: 'EIO', operation: 'cat', device: null, path: text, message: text }],
  };
}

const phone = { viewport: { width: 375, height: 740 } };
const dark = { colorScheme: 'dark' } as const;
const plain = { javaScriptEnabled: false };

describe.each<[string, () => string, BrowserContextOptions[]]>([
  ['a report', () => renderHtml(largeReport(60, 2000)), [{}, dark, phone, plain]],
  ['several reports', () => renderHtml([largeReport(5, 50), failed, emptyReport()]), [phone, plain]],
  ['differences', () => differences(50), [dark, plain]],
  ['findings', () => renderCheckHtml(findings(50)), [{}, dark, phone, plain]],
  ['findings in several images', () => renderCheckHtml([findings(5), findings(0, 'x', 'b')]), [phone]],
])('%s', (_, render, ways) => {
  test.each(ways)(
    'says nothing to the console, loads nothing, and can be used by all: %j',
    async (options) => {
      await show(browser, render(), options, async ({ page, incidents }) => {
        if (options !== plain) {
          // A page is never wider than the screen: what is, scrolls by itself.
          expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
          expect(await violations(page)).toEqual([]);
        }
        expect(await page.locator('main').innerText()).toMatch(/web-1|added/);
        expect(incidents).toEqual([]);
      });
    },
  );
});

describe('a page', () => {
  test('is below 1 MB for a Debian with 20,000 files and 3,000 packages, all of them in it', () => {
    const html = renderHtml(largeReport());
    expect(Buffer.byteLength(html)).toBeLessThan(1_000_000);
    expect(html).toContain('lib-package-2999');
  });

  test('stays so whatever a guest has, and says what is left out', () => {
    const report = largeReport(1, 1);
    const [first] = report.operatingSystems;
    const long = 'x'.repeat(100_000);
    const many = Array.from({ length: 100_000 }, (_, index) =>
      application(`p${index}`, { summary: long, version: long }),
    );
    const volumes = Array.from({ length: 50_000 }, (_, index) => ({
      ...(report.volumes?.[1] as NonNullable<InspectionReport['volumes']>[number]),
      name: `v${index}`,
    }));
    const html = renderHtml({
      ...report,
      operatingSystems: [{ ...(first ?? system()), applications: many }],
      volumes,
    });
    expect(Buffer.byteLength(html)).toBeLessThan(1_000_000);
    expect(html).toMatch(/\d+ more are not shown/);
    const found = renderCheckHtml(findings(100_000, '<'.repeat(400)));
    expect(Buffer.byteLength(found)).toBeLessThan(1_000_000);
    expect(found).toMatch(/\d+ more are not shown/);
    expect(Buffer.byteLength(differences(100_000, `/${'<'.repeat(400)}`))).toBeLessThan(1_000_000);
  });

  test('has a policy that allows nothing but its own style and script', () => {
    const html = renderHtml(emptyReport());
    const [, policy = ''] = /http-equiv="Content-Security-Policy" content="([^"]+)"/.exec(html) ?? [];
    expect(policy.split('; ')).toEqual([
      "default-src 'none'",
      expect.stringMatching(/^style-src 'sha256-[\w+/]+=*'$/),
      expect.stringMatching(/^script-src 'sha256-[\w+/]+=*'$/),
      ...['img-src data:', "base-uri 'none'", "form-action 'none'"],
    ]);
    expect(html).not.toMatch(/ style=| on\w+=|https?:/);
  });

  test('shows what a guest says as text only', async () => {
    const text = hostileTexts.join('');
    const hostile = withTexts(largeReport(15, 50), hostileTexts);
    const pages = [
      renderHtml(hostile),
      renderHtml([hostile, { path: text, error: { code: text, message: text } }], { title: text }),
      differences(3, text),
      renderCheckHtml([findings(3, text, text), findings(1, text)], { title: text }),
    ];
    for (const html of pages) {
      await show(browser, html, {}, async ({ page, incidents }) => {
        expect(await page.locator('script').count()).toBe(1);
        expect(
          await page.locator('iframe, base, object, embed, link, form, a:not([href^="#image-"])').count(),
        ).toBe(0);
        const attributes = await page.evaluate(
          `[...document.querySelectorAll('*')].flatMap((each) => [...each.attributes].map(({ name }) => name)).filter((name) => /^on|^style$/.test(name))`,
        );
        expect(attributes).toEqual([]);
        expect(incidents).toEqual([]);
      });
    }
  });

  test('shows the icon of a guest only where it is a PNG', () => {
    const withIcon = (icon: string) => renderHtml({ ...emptyReport(), operatingSystems: [system({ icon })] });
    expect(withIcon('iVBORw0KGgoAAAA=')).toContain('<img alt=""');
    for (const bad of ['PHN2Zz48L3N2Zz4=', 'iVBORw0KGgo"onerror=', 'iVBORw0KGgo'.padEnd(200_000, 'A')])
      expect(withIcon(bad)).not.toContain('<img');
  });

  test('draws each disk to scale, with gaps and what lies on what', async () => {
    await show(browser, renderHtml(largeReport(1, 1)), {}, async ({ page }) => {
      const disk = page
        .locator('svg[role=img]')
        .filter({ has: page.locator('title', { hasText: '/dev/sda2' }) })
        .first();
      const { width = 0 } = (await disk.boundingBox()) ?? {};
      const share = async (title: string) => {
        const box = disk
          .locator('> svg')
          .filter({ has: page.locator('title', { hasText: title }) })
          .first();
        return Math.round((((await box.locator('rect').boundingBox())?.width ?? 0) / width) * 40);
      };
      expect(await share('/dev/sda1: ')).toBe(1);
      expect(await share('/dev/sda2: ')).toBe(20);
      expect(await share('free: ')).toBe(4);
      expect(await share('/dev/vg0/root: ')).toBe(12);
      expect(await page.locator('.tree').innerText()).toMatch(
        /vg0[\s\S]*\/dev\/vg0\/root[\s\S]*\/dev\/md127[\s\S]*see above/,
      );
    });
  });

  test('sorts and filters packages', async () => {
    await show(browser, renderHtml(largeReport(30, 1)), {}, async ({ page }) => {
      await page.getByText('Packages (30)').click();
      const names = page.locator('table[data-sortable] tbody tr:visible td:first-child');
      await page.getByRole('button', { name: 'Name' }).click();
      await page.getByRole('button', { name: 'Name' }).click();
      expect((await names.allInnerTexts()).slice(0, 2)).toEqual(['lib-package-29', 'lib-package-28']);
      await page.getByRole('searchbox').fill('package-7');
      expect(await names.allInnerTexts()).toEqual(['lib-package-7']);
    });
  });

  test('says what to do about problems', () => {
    expect(renderHtml(largeReport(1, 1))).toContain(
      'Start the guest and shut it down, without fast startup.',
    );
  });

  test('can be had of reports that tell less, and of those that JSON has carried', () => {
    const { volumes, usage, times, ...plain } = largeReport(1, 1);
    for (const report of [plain, emptyReport(), JSON.parse(JSON.stringify(largeReport(1, 1)))]) {
      expect(renderHtml(report)).toContain('What lies on what');
    }
  });

  test.each([[undefined], ['report'], [{}], [[{ images: [] }]], [[null]]])(
    'is of reports only: %j',
    (reports) => {
      expect(() => renderHtml(reports as never)).toThrow(
        expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }),
      );
    },
  );

  test('has options that are known', () => {
    expect(() => renderHtml(emptyReport(), { titel: 'a' } as never)).toThrow(/unknown option 'titel'/);
    expect(() => renderHtml(emptyReport(), { title: 5 } as never)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }),
    );
  });
});

describe('usage', () => {
  const entry = (path: string, blocks: number, more: object = {}) => ({
    ...{ path, type: 'file' as const, nlink: 1, dev: 1n, ino: 1n },
    blocks: BigInt(blocks),
    ...more,
  });

  test('counts files with several names once, and everything in what it lies in', () => {
    const tree = new UsageTree();
    for (const name of ['a', 'b']) tree.add(entry(`/usr/${name}`, 8, { nlink: 2, ino: 7n }));
    tree.add(entry('/usr/lib', 8, { type: 'directory', nlink: 3 }));
    tree.add(entry('/usr/lib/a/b/c/d/e/f/g', 16));
    expect(tree.folded()).toMatchObject({
      name: '/',
      bytes: 16_384,
      files: 2,
      children: [{ name: 'usr', bytes: 16_384 }],
    });
  });

  test('stays small, whatever there is', () => {
    const tree = new UsageTree();
    for (let index = 0; index < 60_000; index++) tree.add(entry(`/d${index}/e/f`, 8 + (index % 50)));
    const folded = tree.folded();
    expect(folded.files).toBe(60_000);
    expect(JSON.stringify(folded).length).toBeLessThan(100_000);
  });
});
