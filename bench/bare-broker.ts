import { createServer } from 'node:net';
import { Aedes } from 'aedes';

// The baseline: the same broker library that the hub embeds, with nothing behind it. It acknowledges what
// it has not stored.
const broker = await Aedes.createBroker();
const server = createServer(broker.handle);
server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 }, () => {
  const { port } = server.address() as { port: number };
  process.stdout.write(`${JSON.stringify({ event: 'ready', mqtt: `mqtt://127.0.0.1:${port}` })}\n`);
});
