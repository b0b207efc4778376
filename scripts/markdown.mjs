// What the Markdown files of the repository are made of: snippets, headings, links.

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import GithubSlugger from 'github-slugger';
import MarkdownIt from 'markdown-it';
import { root } from './steps.mjs';

const markdown = new MarkdownIt({ html: true });

/** Paths of the files that people read, from the root. What TypeDoc writes is not among them. */
export function documentNames() {
  const guides = readdirSync(path.join(root, 'docs'), { recursive: true }).map((name) =>
    path.join('docs', name),
  );
  const names = [...readdirSync(root), ...guides].filter((name) => name.endsWith('.md'));
  return names.filter((name) => !name.startsWith('docs/reference/'));
}

/** Reads a file. Lines are counted from 1. */
export function readDocument(file) {
  const tokens = markdown.parse(readFileSync(file, 'utf8'), {});
  return { fences: fencesOf(tokens), anchors: anchorsOf(tokens), links: linksOf(tokens) };
}

/** `line` is that of the first line of `code`; `mark` is the text of an HTML comment right before the fence. */
function fencesOf(tokens) {
  return tokens.flatMap(({ type, info, content, map }, i) => {
    if (type !== 'fence') return [];
    const before = tokens[i - 1];
    const mark = before?.type === 'html_block' && /^<!-- (.*) -->\s*$/.exec(before.content)?.[1];
    return [{ language: info.trim(), code: content, line: map[0] + 2, mark: mark || undefined }];
  });
}

/** Of the headings, as GitHub makes them. */
function anchorsOf(tokens) {
  const slugger = new GithubSlugger();
  const headings = tokens.filter((_, i) => tokens[i - 1]?.type === 'heading_open');
  return headings.map(({ children }) => slugger.slug(children.map(({ content }) => content).join('')));
}

function linksOf(tokens) {
  let line = 0;
  return tokens.flatMap(({ children, map }) => {
    // Cells of tables do not know their lines, but their rows do.
    line = map ? map[0] + 1 : line;
    const targets = (children ?? []).map((child) => child.attrGet('href') ?? child.attrGet('src'));
    return targets.filter((target) => target !== null).map((target) => ({ target, line }));
  });
}
