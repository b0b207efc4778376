// Inspects a disk image and prints what it took as spans of OpenTelemetry: the image, its launch with the phases, and each
// call. In a job that sets TRACEPARENT they are part of the job's trace.
//   node examples/opentelemetry.mjs disk.qcow2
import { ConsoleSpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import { inspect } from 'guestfs';
import { GuestfsInstrumentation } from 'guestfs/opentelemetry';

const [image] = process.argv.slice(2);

const provider = new NodeTracerProvider({
  spanProcessors: [new SimpleSpanProcessor(new ConsoleSpanExporter())],
});
provider.register();
new GuestfsInstrumentation();

const { operatingSystems } = await inspect(image);
await provider.shutdown();
console.error(`${image}: ${operatingSystems.length} operating systems`);
