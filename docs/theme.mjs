// How TypeDoc writes topics: like classes, with all their methods on one page, but without a class around them.
import { DefaultTheme, DefaultThemeRenderContext, JSX, KindRouter, ReflectionKind } from 'typedoc';

/** Topics stand as namespaces in TypeDoc's model, where nothing else is one. */
export const topicKind = ReflectionKind.Namespace;

export const topicWords = { kind_namespace: 'Topic', kind_plural_namespace: 'Topics' };

export class TopicRouter extends KindRouter {
  constructor(application) {
    super(application);
    this.directories.set(topicKind, 'topics');
  }
}

class TopicContext extends DefaultThemeRenderContext {
  constructor(...args) {
    super(...args);
    const { moduleReflection } = this;
    this.moduleReflection = (page) => (page.kind === topicKind ? this.#topic(page) : moduleReflection(page));
  }

  #topic(page) {
    const summary = JSX.createElement(
      'section',
      { class: 'tsd-panel tsd-comment' },
      this.commentSummary(page),
    );
    return JSX.createElement(JSX.Fragment, null, summary, this.members(page));
  }
}

export class TopicTheme extends DefaultTheme {
  constructor(renderer) {
    super(renderer);
    this.ContextClass = TopicContext;
    this.icons[topicKind] = this.icons[ReflectionKind.Document];
  }
}
