// How the logs of continuous integration systems are written to, as their makers document it.
import type { OutputStream } from '../output-stream';

/** A system that runs jobs, by the syntax of its logs; `'plain'`: no syntax at all, as in Jenkins. */
export type CiSystem = 'github' | 'gitlab' | 'azure' | 'buildkite' | 'teamcity' | 'plain';

/** Lines that can be folded away together. */
export interface LogGroup {
  readonly title: string;
  /** Name that no other group of the log has: letters, digits and underscores. */
  readonly name: string;
  /** Time of the line that is written, seconds since 1970. */
  readonly seconds: number;
}

/**
 * What is written to a log in place of plain lines, each without its line break. All texts must be printable, and
 * without commands.
 */
export interface CiLog {
  readonly beginGroup?: (group: LogGroup) => string;
  readonly endGroup?: (group: LogGroup) => string;
  /** Tells how far something is. */
  readonly news?: (line: string) => string;
  /** Moves the bar of the job. */
  readonly progress?: (percent: number, operation: string) => string;
  /** Tells a failure so that it is seen outside the log, too; it may have several lines. */
  readonly failure?: (text: string) => string;
}

/** The text with each of some characters in another notation. */
function escaped(text: string, notations: Readonly<Record<string, string>>): string {
  return Array.from(text, (character) => notations[character] ?? character).join('');
}

// https://docs.github.com/actions/reference/workflow-commands-for-github-actions
const githubData = { '%': '%25', '\r': '%0D', '\n': '%0A' };
const github: CiLog = {
  beginGroup: ({ title }) => `::group::${escaped(title, githubData)}`,
  endGroup: () => '::endgroup::',
  failure: (text) => `::error title=guestfs::${escaped(text, githubData)}`,
};

// https://docs.gitlab.com/ci/jobs/job_logs/#create-custom-collapsible-sections
const ERASE_LINE = '\x1b[0K';
const gitlab: CiLog = {
  beginGroup: ({ title, name, seconds }) =>
    `${ERASE_LINE}section_start:${seconds}:${name}[collapsed=true]\r${ERASE_LINE}${title}`,
  endGroup: ({ name, seconds }) => `${ERASE_LINE}section_end:${seconds}:${name}\r${ERASE_LINE}`,
};

// https://learn.microsoft.com/azure/devops/pipelines/scripts/logging-commands
const azureData = { '%': '%AZP25', '\r': '%0D', '\n': '%0A' };
const azure: CiLog = {
  beginGroup: ({ title }) => `##[group]${title}`,
  endGroup: () => '##[endgroup]',
  progress: (percent, operation) =>
    `##vso[task.setprogress value=${percent};]${escaped(operation, azureData)}`,
  failure: (text) => `##vso[task.logissue type=error;]${escaped(text, azureData)}`,
};

// https://buildkite.com/docs/pipelines/configure/managing-log-output
const buildkite: CiLog = {
  beginGroup: ({ title }) => `~~~ ${title}`,
  // A group ends where another begins.
  endGroup: ({ title }) => `+++ ${title}`,
  failure: (text) => `^^^ +++\n${text}`,
};

// https://www.jetbrains.com/help/teamcity/service-messages.html
const teamcityValue = { '|': '||', "'": "|'", '[': '|[', ']': '|]', '\r': '|r', '\n': '|n' };
const quoted = (text: string) => {
  const ascii = Array.from({ length: text.length }, (_, at) => {
    const code = text.charCodeAt(at);
    return code < 0x80 ? text.charAt(at) : `|0x${code.toString(16).padStart(4, '0')}`;
  });
  return `'${ascii.map((each) => (each.length > 1 ? each : escaped(each, teamcityValue))).join('')}'`;
};
const teamcity: CiLog = {
  beginGroup: ({ title }) => `##teamcity[blockOpened name=${quoted(title)}]`,
  endGroup: ({ title }) => `##teamcity[blockClosed name=${quoted(title)}]`,
  news: (line) => `##teamcity[progressMessage ${quoted(line)}]`,
  failure: (text) => `##teamcity[message text=${quoted(text)} status='ERROR']`,
};

export const ciLogs: Readonly<Record<CiSystem, CiLog>> = {
  ...{ github, gitlab, azure, buildkite, teamcity },
  plain: {},
};

export const ciSystems = Object.keys(ciLogs) as readonly CiSystem[];

/** Names of the variables by which systems are told from each other. */
export const ciVariables = [
  ...(['CI', 'GITHUB_ACTIONS', 'GITLAB_CI', 'TF_BUILD', 'BUILDKITE', 'TEAMCITY_VERSION'] as const),
  ...(['JENKINS_URL', 'GITHUB_STEP_SUMMARY'] as const),
];

/** Whether the variables are those of a job, of whatever system. */
export function isCi(env: NodeJS.ProcessEnv): boolean {
  return isSet(env.CI) || systemOf(env) !== undefined;
}

/** The system to whose log a stream goes; undefined where that is none: on a terminal, in a file. */
export function ciSystemOf(stream: OutputStream, env: NodeJS.ProcessEnv): CiSystem | undefined {
  if (stream.fd !== 1 && stream.fd !== 2) return undefined;
  return systemOf(env) ?? (isSet(env.CI) ? 'plain' : undefined);
}

function systemOf(env: NodeJS.ProcessEnv): CiSystem | undefined {
  if (isSet(env.GITHUB_ACTIONS)) return 'github';
  if (isSet(env.GITLAB_CI)) return 'gitlab';
  if (isSet(env.TF_BUILD)) return 'azure';
  if (isSet(env.BUILDKITE)) return 'buildkite';
  if (isSet(env.TEAMCITY_VERSION)) return 'teamcity';
  return isSet(env.JENKINS_URL) ? 'plain' : undefined;
}

function isSet(variable = ''): boolean {
  return !['', '0', 'false'].includes(variable.toLowerCase());
}
