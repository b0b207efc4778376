// Plugin of TypeDoc. One page with 600 methods helps nobody: each topic of api/topics.json gets a page of its own, and
// a guide leads from what people want to do to the methods that do it.
import {
  Comment,
  CommentTag,
  Converter,
  DeclarationReflection,
  DocumentReflection,
  ReflectionFlag,
} from 'typedoc';
import { aliasesOf, camel, loadApi } from '../generator/api.mjs';
import { TopicRouter, TopicTheme, topicKind, topicWords } from './theme.mjs';

const api = loadApi();
const topics = [...api.topics.values()];
const aliases = new Set(api.functions.flatMap(aliasesOf).map(camel));
const optionsChapter = 'Options of methods';
const sharedOptions = new Set(['CallOptions', 'OutputOptions']);

/** Where exports stand that are not methods: by the place from which they come. */
const otherChapters = [
  ['/lib/generated/methods.ts', optionsChapter],
  ['/lib/generated/structs.ts', 'Structs that methods return'],
  ['/lib/inspect/', 'Inspection in one call'],
  ['/lib/guests/', 'Inspection in one call'],
  ['/lib/host/', 'Inspection in one call'],
  ['/lib/progress/', 'Showing progress'],
  ['/lib/streams/', 'Streams'],
  ['/lib/bulk/', 'Trees: walking, copying, comparing'],
  ['/lib/diff/', 'Trees: walking, copying, comparing'],
  ['/lib/check/', 'Checking images'],
  ['/lib/doctor/', 'Finding faults'],
  ['/lib/calls/private-data.ts', 'Private data'],
  ['/lib/telemetry/', 'Events and errors'],
  ['/lib/calls/generated/events.ts', 'Events and errors'],
  ['/lib/faults/errors.ts', 'Events and errors'],
  ['/lib/faults/faults.ts', 'Events and errors'],
  ['/lib/', 'The handle'],
];

export function load(app) {
  app.internationalization.addTranslations('en', topicWords);
  app.renderer.defineRouter('topics', TopicRouter);
  app.renderer.defineTheme('topics', TopicTheme);
  let reference;
  const afterReadme = -100;
  app.converter.on(
    Converter.EVENT_RESOLVE_BEGIN,
    (context) => {
      reference = new Reference(context);
      reference.arrange();
    },
    afterReadme,
  );
  // The generated class is gone, and with it the methods that `Guestfs` overrides.
  app.converter.addUnknownSymbolResolver((symbol, _from, link) => {
    const [owner, member] = symbol.symbolReference?.path ?? [];
    const target = link && owner?.path === 'GuestfsMethods' ? reference.method(member?.path) : undefined;
    return target && { target, caption: target.name };
  });
}

class Reference {
  #context;
  #project;
  #handle;
  /** Pages by topic. */
  #pages = new Map();
  /** Methods by name, and their names by topic. */
  #methods = new Map();
  #members = new Map();

  constructor(context) {
    this.#context = context;
    this.#project = context.project;
    this.#handle = this.#project.getChildByName('Guestfs');
  }

  method(name) {
    return this.#methods.get(name);
  }

  arrange() {
    for (const item of this.#project.children) this.#assignChapter(item);
    for (const document of this.#project.documents) this.#arrangeDocument(document);
    for (const topic of topics) this.#addPage(topic);
    this.#moveMethods();
    this.#tidyHandle();
    for (const reflection of Object.values(this.#project.reflections)) this.#linkMethods(reflection);
    for (const topic of topics) this.#explainPage(topic);
    this.#addGuide();
  }

  #assignChapter(item) {
    const file = this.#context.getSymbolFromReflection(item).declarations[0].getSourceFile().fileName;
    const [, chapter] = otherChapters.find(([place]) => file.includes(place));
    for (const each of [item, ...(item.signatures ?? [])]) {
      each.comment?.blockTags.push(tag('@category', chapter));
    }
    if (chapter !== optionsChapter) return;
    for (const option of [...item.children]) {
      // Those of every call are explained once.
      if (option.inheritedFrom) this.#project.removeReflection(option);
      else option.flags.setFlag(ReflectionFlag.Readonly, false);
    }
  }

  /** Its heading is its name, in place of that of its file. */
  #arrangeDocument(document) {
    const file = this.#project.files.getReflectionPath(document);
    document.frontmatter.category = /\bdocs\//.test(file) ? 'Guides' : 'The project';
    const [first] = document.content;
    const [heading, title] = /^# (.*)\n+/.exec(first.text);
    document.name = title;
    first.text = first.text.slice(heading.length);
  }

  #addPage({ name, chapter }) {
    const page = new DeclarationReflection(name, topicKind, this.#project);
    page.comment = new Comment([], [tag('@category', chapter)]);
    this.#add(page);
    this.#pages.set(name, page);
    this.#members.set(name, []);
  }

  #moveMethods() {
    const generated = this.#project.getChildByName('GuestfsMethods');
    for (const method of generated.children.filter(categoryOf)) {
      const topic = categoryOf(method);
      const inHandle = this.#handle.getChildByName(method.name);
      // What `Guestfs` overrides stays there.
      const moves = inHandle.inheritedFrom !== undefined;
      this.#methods.set(method.name, moves ? method : inHandle);
      this.#members.get(topic).push(method.name);
      if (!moves) continue;
      this.#project.removeReflection(inHandle);
      generated.removeChild(method);
      method.parent = this.#pages.get(topic);
      method.parent.addChild(method);
      const { comment, parameters } = method.signatures[0];
      comment.removeTags('@category');
      if (method.isDeprecated()) comment.blockTags.push(tag('@group', 'Deprecated'));
      // Options of its own are shown with the method, once.
      const options = parameters.at(-1).type.name;
      if (aliases.has(method.name)) comment.blockTags.push(tag('@group', 'Other names'));
      else if (!sharedOptions.has(options)) comment.blockTags.push(tag('@expandType', options));
    }
    this.#project.removeReflection(generated);
  }

  /** Nothing shall point to the generated class any more. */
  #tidyHandle() {
    delete this.#handle.extendedTypes;
    delete this.#handle.implementedTypes;
    for (const member of this.#handle.children) {
      for (const each of [member, ...(member.signatures ?? [])]) delete each.overwrites;
    }
  }

  /** Turns `methodName` and `methodName(…)` into links. */
  #linkMethods(reflection) {
    const { comment, parent } = reflection;
    if (!comment) return;
    const link = (part) => {
      const name = part.kind === 'code' && /^`(\w+)(\(.*\))?`$/s.exec(part.text)?.[1];
      const target = this.#methods.get(name);
      const isParameter = parent?.parameters?.some((each) => each.name === name);
      if (!target || target === parent || isParameter) return part;
      return linkTo(target, '@linkcode', part.text.slice(1, -1).replace(/\s+/g, ' '));
    };
    comment.summary = comment.summary.map(link);
    for (const each of comment.blockTags) each.content = each.content.map(link);
  }

  #explainPage(topic) {
    const methods = this.#members.get(topic.name).map((name) => this.#methods.get(name));
    const told = methods.filter((method) => !method.isDeprecated() && !aliases.has(method.name));
    const rows = told.flatMap(tableRow);
    this.#pages.get(topic.name).comment.summary = [
      ...[text(`${topic.about}\n\nI want to\n\n`), ...this.#wants(topic)],
      ...[text('\n## All at a glance\n\n| Method | What it does |\n| --- | --- |\n'), ...rows],
    ];
  }

  /** A list of what people want to do, with the methods for it. */
  #wants({ wants }) {
    return wants.flatMap(({ want, methods }) => {
      const links = methods.map((name) => linkTo(this.#methods.get(camel(name)), '@linkcode'));
      return [text(`- ${want}: `), ...separated(links), text('\n')];
    });
  }

  /** The guide, and the ways to it and to the topics: from the start page and from the handle's. */
  #addGuide() {
    const chapters = new Map();
    for (const topic of topics) chapters.set(topic.chapter, [...(chapters.get(topic.chapter) ?? []), topic]);
    const topicLink = ({ name }) => linkTo(this.#pages.get(name));
    const entry = (topic) => [
      ...[text('### '), topicLink(topic), text(`\n\n${topic.about}\n\n`), ...this.#wants(topic), text('\n')],
    ];
    const content = [
      text('# I want to …\n\n'),
      ...[...chapters].flatMap(([chapter, members]) => [
        text(`## ${chapter}\n\n`),
        ...members.flatMap(entry),
      ]),
    ];
    const guide = new DocumentReflection('Methods by task', this.#project, content, { category: 'none' });
    this.#add(guide);

    const list = [...chapters].flatMap(([chapter, members]) => [
      ...[text(`- **${chapter}**: `), ...separated(members.map(topicLink)), text('\n')],
    ]);
    const way = [
      text('\n\nTo find the method for a task: '),
      linkTo(guide),
      text('. All by topic:\n\n'),
      ...list,
    ];
    this.#handle.comment.summary.push(...way);
    this.#project.readme = asStartPage(this.#project.readme, [text('## The methods'), ...way, text('\n')]);
  }

  #add(reflection) {
    this.#project.registerReflection(reflection, undefined, undefined);
    this.#project.addChild(reflection);
  }
}

const text = (content) => ({ kind: 'text', text: content });
const tag = (name, content) => new CommentTag(name, [text(content)]);
const separated = (parts) => parts.flatMap((part, i) => (i > 0 ? [text(', '), part] : [part]));

function linkTo(target, kind = '@link', label = target.name) {
  return { kind: 'inline-tag', tag: kind, text: label, target };
}

function categoryOf(method) {
  const category = method.signatures?.[0].comment?.getTag('@category');
  return category && Comment.combineDisplayParts(category.content).trim();
}

/** A method and the first sentence of its description. */
function tableRow(method) {
  const parts = method.signatures[0].comment.summary;
  const end = parts.findIndex((part) => part.kind === 'text' && /[.!?](\s|$)/.test(part.text));
  const [lastWords] = parts[end].text.split(/(?<=[.!?])\s/);
  const sentence = [...parts.slice(0, end), text(lastWords)].map((part) =>
    part.kind === 'inline-tag'
      ? part
      : { ...part, text: part.text.replace(/\s+/g, ' ').replaceAll('|', '\\|') },
  );
  return [text('| '), linkTo(method, '@linkcode'), text(' | '), ...sentence, text(' |\n')];
}

/** The README without its title, which is the page's already, and with `parts` before its first section. */
function asStartPage([title, ...rest], parts) {
  const readme = [text(title.text.replace(/^# .*\n+/, '')), ...rest];
  const index = readme.findIndex((part) => part.kind === 'text' && /^## /m.test(part.text));
  const { text: around } = readme[index];
  const at = around.search(/^## /m);
  return [
    ...[...readme.slice(0, index), text(around.slice(0, at)), ...parts],
    ...[text(around.slice(at)), ...readme.slice(index + 1)],
  ];
}
