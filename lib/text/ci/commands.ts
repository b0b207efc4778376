// GitHub Actions obeys what it finds in a job's log: https://docs.github.com/actions/reference/workflow-commands-for-github-actions
import type { OutputStream } from './output-stream';

/** Whether a stream goes to the log of a job of GitHub Actions. */
export function isGithubLog(stream: OutputStream, env: NodeJS.ProcessEnv): boolean {
  return env.GITHUB_ACTIONS === 'true' && (stream.fd === 1 || stream.fd === 2);
}

/** The text without anything that would be obeyed, should it stand in a line of a log: guests can choose it. */
export function withoutCommands(line: string): string {
  return line.replace(/^(\s*:)(?=:)/, '$1 ').replace(/##(?=\[)/g, '# #');
}

/** Begins lines that are folded away under the title. Groups do not nest. */
export function groupStart(title: string): string {
  return `::group::${title.replaceAll('%', '%25')}`;
}

export const groupEnd = '::endgroup::';
