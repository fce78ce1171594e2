import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { expect, it } from 'vitest';

const PROGRAM = `
import { createShutdownStack } from './src/process/shutdown.ts';
import { closeOnSignal } from './cli/until-signal.ts';
const stack = createShutdownStack();
stack.push('what takes a while', () => new Promise((closed) => setTimeout(closed, 300)));
setInterval(() => undefined, 1_000);
const closing = closeOnSignal(stack, (text) => console.log(text));
console.log('ready');
await closing;
`;

it('stops in order although SIGTERM comes again while it stops', async () => {
  const child = spawn(process.execPath, ['--input-type=module', '-e', PROGRAM], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  const said: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    said.push(line);
    if (line === 'ready' || line.startsWith('stopping')) child.kill('SIGTERM');
  }
  expect(await ended).toEqual({ code: 0, signal: null });
  expect(said).toEqual(['ready', 'stopping …', 'stopped']);
});
