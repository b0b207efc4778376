// `npm run check:links [-- FILE…]`: whether the links of our Markdown files lead somewhere. Those to other sites are only
// parsed: no test needs a network.

import { existsSync } from 'node:fs';
import path from 'node:path';
import { documentNames, readDocument } from './markdown.mjs';
import { root } from './steps.mjs';

const given = process.argv.slice(2);
const files = given.length > 0 ? given : documentNames().map((name) => path.join(root, name));
const problems = files.flatMap(problemsOf);
for (const problem of problems) console.error(problem);
process.exitCode = problems.length > 0 ? 1 : 0;

function problemsOf(file) {
  return readDocument(file).links.flatMap(({ target, line }) => {
    const problem = problemOf(target, file);
    return problem ? [`${path.relative(root, file)}:${line}: ${target}: ${problem}`] : [];
  });
}

function problemOf(target, file) {
  if (/^[a-z][\d+.a-z-]*:/i.test(target)) return problemOfUrl(target);
  const [name, anchor] = target.split('#').map(decodeURIComponent);
  const full = name === '' ? file : path.resolve(path.dirname(file), name);
  if (!existsSync(full)) return 'there is no such file';
  if (anchor === undefined) return undefined;
  return full.endsWith('.md') && readDocument(full).anchors.includes(anchor)
    ? undefined
    : 'there is no such heading';
}

function problemOfUrl(target) {
  if (!URL.canParse(target)) return 'this is no URL';
  return new URL(target).protocol === 'https:' ? undefined : 'this is not https';
}
