// What @guestfs/fleet shares with this package. It is no API: it changes with any version.
export { type Arguments, parseArguments, wantsHelp } from './cli/arguments';
export { type Command, type Description, ExitCode, type Option, UsageError } from './cli/command';
export { failureOf, printableText, tellFailure } from './cli/failures';
export { commandHelp, widestHelp } from './cli/help';
export { ImagesReporter } from './cli/images';
export { argumentsOf, description as inspectDescription, inspectBy } from './cli/inspect';
export { type ProgressChoice, reporterFor } from './cli/progress';
export { Results } from './cli/results';
export { AbortError, GuestfsError } from './faults/errors';
export { applianceOf, concurrencyFor } from './guests/concurrency';
export { checkImages, type Inspectable } from './guests/images';
export { Pool } from './guests/pool';
export type { InspectionReport, InspectionResult } from './guests/report';
export { readImage } from './host/image-facts';
export { availableMemory, overhead } from './host/memory';
export { Tally } from './inspect/inspect-all';
export { checkAllOptions, type InspectAllProgress } from './inspect/options';
export { locationOf, shownName } from './sources/uri';
