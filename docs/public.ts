// What the reference is of: all that the package exports.
export * from '../lib';
export * from '../lib/telemetry/opentelemetry';
