import { watching } from '../options/callbacks';
import { type SbomFormat, type SbomOptions, sbom } from '../sbom';
import { shownName } from '../sources/uri';
import { toJson } from '../text/json';
import { parseArguments } from './arguments';
import { type Command, type Description, ExitCode } from './command';
import { failureOf, tellFailure } from './failures';
import { ImagesReporter } from './images';
import { addOption, checkOneGuest, concurrencyOption, launchArguments, launchOptions } from './options';
import { reporterFor } from './progress';
import { isIncomplete } from './report';
import { sideBySide } from './side-by-side';

const formats: readonly SbomFormat[] = ['cyclonedx', 'spdx'];

const description: Description = {
  name: 'sbom',
  summary: 'Write a software bill of materials of the systems in disk images',
  operands: [{ name: 'IMAGE', repeated: true, file: true }],
  about: [
    'Writes a bill of materials, CycloneDX 1.6 or SPDX 2.3 as JSON: the operating systems in the image with their packages, versions, source packages, licences and dependencies, and the package URLs by which scanners match vulnerabilities. The images are opened read-only. Of several IMAGEs, each a guest of its own, an array is written.',
    'The document is the same each time for an image that has not changed. Its time is $SOURCE_DATE_EPOCH, or that at which a package was installed last.',
  ],
  options: [
    {
      name: 'as',
      value: 'KIND',
      choices: formats,
      about: 'Kind of the document; default cyclonedx',
    },
    {
      name: 'licenses',
      about: "Read the licences of Debian's packages from their copyright files, one file for each",
    },
    {
      name: 'files',
      about:
        'Tell the files of packages with the checksums that the database of the system has; the document gets large',
    },
    {
      name: 'languages',
      about: 'Tell packages of Python, npm and Ruby in their standard global places, too',
    },
    concurrencyOption,
    addOption,
    ...launchOptions,
  ],
  examples: [
    { args: 'disk.qcow2 > disk.cdx.json', about: 'For grype, trivy, osv-scanner, Dependency-Track' },
    { args: '--as spdx --licenses disk.qcow2', about: 'SPDX, with licences' },
  ],
  exitCodes: {
    0: 'success',
    1: 'the image could not be looked at, or something in it not be found out: the document lacks that',
  },
};

export const command: Command = {
  description,
  async run(args, signal) {
    const { images, guests, progress, concurrency, options } = parse(args);
    const reporter = new ImagesReporter(images, reporterFor(progress), 'inspect');
    let isWhole = true;
    let documents: (object | undefined)[];
    try {
      documents = await sideBySide(
        guests,
        { operation: 'sbom', signal, concurrency },
        async (disks, index, given) => {
          const label = images.length > 1 ? images[index] : undefined;
          reporter.begin(index);
          try {
            const { document, report } = await sbom(disks, {
              ...{ ...options, signal: given },
              onHandle: watching((g) => reporter.handle(g, undefined, index)),
            });
            reporter.clear();
            for (const { device, ...problem } of report.problems)
              tellFailure(problem, progress, device ?? undefined, label);
            isWhole &&= !isIncomplete(report);
            reporter.end(index, undefined);
            return document;
          } catch (error) {
            if (given.aborted) throw error;
            reporter.end(index, error as Error);
            reporter.clear();
            tellFailure(failureOf(error, 'sbom'), progress, images[index]);
            isWhole = false;
            return undefined;
          }
        },
      );
    } finally {
      reporter.close();
    }
    const made = documents.filter((each) => each !== undefined);
    if (made.length > 0) process.stdout.write(`${toJson(images.length === 1 ? made[0] : made, 2)}\n`);
    return isWhole ? ExitCode.success : ExitCode.failure;
  },
};

function parse(args: readonly string[]) {
  const parsed = parseArguments(description, args);
  const { keys, accel, template, timeout, image, progress } = launchArguments(parsed);
  checkOneGuest(parsed);
  const options: SbomOptions = {
    ...{ keys, accel, template, timeout, licenses: parsed.has('licenses') },
    ...{ files: parsed.has('files'), languages: parsed.has('languages') },
    format: (parsed.value('as') ?? 'cyclonedx') as SbomFormat,
  };
  const guests = parsed.operands.map((path) =>
    [path, ...parsed.values('add')].map((each) => ({ ...image, path: each })),
  );
  const concurrency = parsed.count('concurrency');
  return { images: parsed.operands.map(shownName), guests, progress, concurrency, options };
}
