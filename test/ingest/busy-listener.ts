import { parentPort } from 'node:worker_threads';
import { listenMqtt } from '../../src/ingest/embedded/listen-mqtt.ts';

// Listens, says where, and never comes back to its event loop.
const { port } = await listenMqtt({
  ...{ host: '127.0.0.1', port: 0, tls: undefined },
  onConnection: (socket) => socket.destroy(),
  onFault: () => undefined,
});
parentPort?.postMessage(port);
Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
