// Reports as SARIF 2.1.0: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
import { createHash } from 'node:crypto';
import { bytesOf } from '../text/bytes';
import { packageVersion } from '../text/generated/package';
import { printable } from '../text/printable';
import type { CheckFinding, CheckProblem, CheckReport, RuleReport } from './report';

const schema = 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json';

/** A run for each guest. */
export function renderSarif(reports: CheckReport | readonly CheckReport[]): object {
  return { $schema: schema, version: '2.1.0', runs: [reports].flat().map(runOf) };
}

function runOf({ images, rules, findings, problems, complete }: CheckReport): object {
  return {
    tool: {
      driver: {
        name: 'guestfs',
        semanticVersion: packageVersion,
        version: packageVersion,
        rules: rules.map(ruleOf),
      },
    },
    // Paths are those of the guest, not of a repository.
    originalUriBaseIds: {
      GUEST: { description: { text: `The file system in ${images.map(printable).join(', ')}` } },
    },
    invocations: [
      { executionSuccessful: complete, toolExecutionNotifications: problems.map(notificationOf) },
    ],
    results: findings.map((finding) => resultOf(finding, rules, images)),
    columnKind: 'utf16CodeUnits',
  };
}

function ruleOf({ id, severity, title, help }: RuleReport): object {
  return {
    ...{ id, name: nameOf(id), shortDescription: { text: title }, fullDescription: { text: help } },
    ...{ help: { text: help }, defaultConfiguration: { level: severity } },
  };
}

/** `SshHostKeys` */
function nameOf(id: string): string {
  return id
    .split(/[-/]/)
    .map((word) => `${word.charAt(0).toUpperCase()}${word.slice(1)}`)
    .join('');
}

function resultOf(finding: CheckFinding, rules: readonly RuleReport[], images: readonly string[]): object {
  const { rule, severity, title, seen, advice, device, path } = finding;
  return {
    ...{ ruleId: rule, ruleIndex: rules.findIndex(({ id }) => id === rule), level: severity },
    message: { text: `${title}: ${seen}. ${advice}.` },
    locations: [locationOf(finding, images)],
    // The same finding in the next build is the same.
    partialFingerprints: {
      'guestfs/v1': createHash('sha256')
        .update(JSON.stringify([rule, device, path, seen]))
        .digest('hex'),
    },
  };
}

/** What is not about a file is about the image. */
function locationOf({ device, path, line }: CheckFinding, images: readonly string[]): object {
  const isFile = path !== null;
  const uri = isFile ? uriOf(path.replace(/^\/+/, '')) : uriOf((images[0] ?? 'image').replace(/^\/+/, ''));
  return {
    physicalLocation: {
      artifactLocation: { uri, ...(isFile && { uriBaseId: 'GUEST' }) },
      ...(line !== null && { region: { startLine: line } }),
    },
    ...(device !== null && {
      logicalLocations: [{ fullyQualifiedName: printable(device), kind: 'resource' }],
    }),
  };
}

/** A path as a relative reference: every byte of a name is kept. */
function uriOf(path: string): string {
  const bytes = [...bytesOf(path)];
  const text = bytes
    .map((byte) => {
      const character = String.fromCharCode(byte);
      return /[A-Za-z\d/._~-]/.test(character)
        ? character
        : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    })
    .join('');
  // Two slashes at the beginning, or none at all, would be something else.
  return text.replace(/\/{2,}/g, '/') || '.';
}

function notificationOf({ rule, code, message }: CheckProblem): object {
  return {
    level: 'error',
    message: { text: printable(message) },
    descriptor: { id: code },
    ...(rule !== null && { associatedRule: { id: rule } }),
  };
}
