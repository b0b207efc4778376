import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { temporaryFolder } from '../support/folder';
import { root, runNode } from '../support/script';

/** What a check says of a document with this text. */
async function check(script: string, text: string) {
  using folder = temporaryFolder();
  const file = folder.file('document.md');
  writeFileSync(file, text);
  const { code, stderr } = await runNode([`scripts/${script}.mjs`, file]);
  const problems = stderr.split('\n').filter(Boolean);
  return { code, problems: problems.map((line) => line.replace(/^\S*document\.md/, 'document.md')) };
}

const fence = (code: string, language = 'ts') => `\`\`\`${language}\n${code}\n\`\`\`\n`;

test('all links of the documentation lead somewhere', async () => {
  expect(await runNode(['scripts/links.mjs'])).toMatchObject({ code: 0, stderr: '' });
});

test('links to files, headings and sites that cannot be are found', async () => {
  const text = `# A *title* with \`code\`

[one](document.md), [two](#a-title-with-code), [three](document.md#a-title-with-code), [four](https://example.org/#x)

[five](#a-title), [six](missing.md)

| | |
| --- | --- |
| a | b |
| [seven](http://example.org) | ![eight](https://) |

    [none](missing.md)
`;
  expect(await check('links', text)).toEqual({
    code: 1,
    problems: [
      'document.md:5: #a-title: there is no such heading',
      'document.md:5: missing.md: there is no such file',
      'document.md:10: http://example.org: this is not https',
      'document.md:10: https://: this is no URL',
    ],
  });
});

test('snippets are compiled each as a module of its own, with names that they need not declare', async () => {
  const text = [
    fence("const size = await g.filesize('/etc/passwd');"),
    fence("import { Guestfs } from 'guestfs';\nawait using g = new Guestfs();\nconst size = 1;"),
    fence('draw({ ratio: 1 });', 'js'),
    fence('this is no program', 'text'),
  ];
  expect(await check('snippets', text.join('\n'))).toEqual({ code: 0, problems: [] });
});

test('mistakes in snippets are told with their line in the document', async () => {
  const text = `# Title\n\n${fence("\nconst size: number = await g.filesize('/');")}\n${fence('nobody();')}`;
  const { code, problems } = await check('snippets', text);
  expect(code).not.toBe(0);
  expect(problems).toEqual([
    expect.stringMatching(/^document\.md:5: error TS2322: Type 'bigint'/),
    expect.stringMatching(/^document\.md:9: error TS2304: Cannot find name 'nobody'/),
  ]);
});

test('a comment before a snippet says why it is not run', async () => {
  const { code, problems } = await check('snippets', `<!-- never -->\n${fence('draw({});')}`);
  expect(code).not.toBe(0);
  expect(problems.join('\n')).toContain('the comment before it should be like <!-- not run: why -->');
});

test('texts of the reference whose codes and values are not set as code, and vague ones, are refused', async () => {
  using folder = temporaryFolder();
  for (const part of ['api', 'generator']) cpSync(join(root, part), folder.file(part), { recursive: true });
  const file = folder.file('api/documentation.json');
  const texts = readFileSync(file, 'utf8');
  const [code = ''] = /`ENOENT` when the path is missing/.exec(texts) ?? [];
  writeFileSync(file, texts.replace(code, "ENOENT or 'x', likewise"));
  const { code: exit, stderr } = await runNode([folder.file('generator/main.mjs'), '--check']);
  expect(exit).not.toBe(0);
  expect(stderr).toContain("acl_get_file: unclear, or not set as code: ENOENT, 'x', likewise");
});
