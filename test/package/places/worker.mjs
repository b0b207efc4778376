import { Worker } from 'node:worker_threads';

const worker = new Worker(new URL('./inspects-images.mjs', import.meta.url));
worker.on('message', (report) => console.log(report));
worker.on('exit', (code) => console.log(`the worker has ended with ${code}`));
